"""What the story site adds to the surfaces."""

from kogpt_funcs.sites.pages import site_routes
from kogpt_funcs.sites.rest import add_routes
from kogpt_funcs.sites.tools import TOOLS
from kogpt_funcs.surfaces.additions import Addition

ADDITION = Addition(site_routes, add_routes, TOOLS)

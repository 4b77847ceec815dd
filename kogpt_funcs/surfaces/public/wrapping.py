"""All of it around one app, in the order in which a request meets it."""

from __future__ import annotations

import logging
import os

from starlette.types import ASGIApp

from kogpt_funcs.contract import settings
from kogpt_funcs.surfaces.public import allowance, keys, logs, tracing
from kogpt_funcs.surfaces.public.access import Access
from kogpt_funcs.surfaces.public.allowance import AddressLimit
from kogpt_funcs.surfaces.public.headers import SecurityHeaders
from kogpt_funcs.surfaces.public.origins import Hosts, Origins
from kogpt_funcs.surfaces.public.stopping import Stopping

_log = logging.getLogger(__name__)


def check() -> None:
    """Raises KogptError where a setting cannot be kept, before anything heavy is loaded; makes the logs."""
    public = settings.current().public
    logs.configure()
    tracing.configure()
    allowance.check()
    if public.keys and not keys.KeyFile(public.keys).keys():
        _log.warning("%s has no key: REST, MCP and /v1 refuse everybody. kogpt keys add NAME", public.keys.name)
    os.environ["FORWARDED_ALLOW_IPS"] = ",".join(public.proxies)  # uvicorn reads it


def wrapped(app: ASGIApp) -> tuple[ASGIApp, Stopping]:
    """`app` behind log, headers, stop, names, origins and the limit of addresses; and what stops it."""
    logs.configure()  # again, as uvicorn makes its own when it starts
    stopping = Stopping(Hosts(Origins(AddressLimit(app))))
    return Access(SecurityHeaders(stopping)), stopping

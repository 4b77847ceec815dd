"""The bubbles at /talk/NAME/: the page, and the reply as server-sent events. Nothing is kept here between requests."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from kogpt_funcs.contract import registry
from kogpt_funcs.contract.errors import UnknownFunction
from kogpt_funcs.contract.function import Function
from kogpt_funcs.surfaces import faults
from kogpt_funcs.surfaces.event_stream import EventStream
from kogpt_funcs.surfaces.guard import Guard
from kogpt_funcs.surfaces.language import language
from kogpt_funcs.surfaces.talk import parts
from kogpt_funcs.surfaces.talk.words import words
from kogpt_funcs.surfaces.wire import from_json

_HERE = Path(__file__).parent
#: Nothing from elsewhere, no script but ours: whatever is said, it stays text. Other pages may frame it; it has no
#: account that a foreign page could misuse.
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-cache",
    "Vary": "Accept-Language",
}


def talk_routes() -> list[BaseRoute]:
    """/talk/NAME/ for each function that talks. A page cannot know the operator's API key, so it needs none."""
    site = Starlette(
        routes=[
            Mount("/static", StaticFiles(directory=_HERE / "static")),
            Route("/{name}", _with_slash),
            Route("/{name}/", _bubbles),
            Route("/{name}/reply", _reply, methods=["POST"]),
        ],
        exception_handlers={Exception: _told},
    )
    return [Mount("/talk", Guard(site, ("/*",)))]


async def _bubbles(request: Request) -> Response:
    try:
        function = _talking(request)
    except UnknownFunction as error:
        return faults.response(error)
    spoken = language(request.headers.get("accept-language", ""))
    page = _templates().get_template("talk.html")
    text = page.render(
        language=spoken,
        say=words(spoken),
        title=parts.title(function, spoken),
        description=parts.description(function, spoken),
        own=parts.controls(function, spoken, sampling=False),
        sampling=parts.controls(function, spoken, sampling=True),
        told={**parts.told(function, spoken), "words": words(spoken)},
    )
    return HTMLResponse(text, headers=_HEADERS)


async def _reply(request: Request) -> Response:
    try:
        return EventStream(_talking(request), from_json(await request.body()))
    except Exception as error:
        return faults.response(error)


async def _with_slash(request: Request) -> Response:
    return RedirectResponse(f"{request.url.path.rsplit('/', 1)[-1]}/", 308)


async def _told(request: Request, error: Exception) -> Response:
    return faults.response(error)


def _talking(request: Request) -> Function:
    name = request.path_params["name"]
    known = {key: function for key, function in registry.functions().items() if function.talk}
    if name not in known:
        raise UnknownFunction(f"{name[:100]}: 대화하는 함수가 아닙니다. 있는 것: {', '.join(known) or '없음'}.")
    return known[name]


@cache
def _templates() -> Environment:
    return Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )

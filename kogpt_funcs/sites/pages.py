"""The site at /stories: a library, a book to read and write, its tree. Rendered here; JavaScript adds what is live."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from functools import cache
from pathlib import Path
from typing import Any, get_args

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from kogpt_funcs.contract.errors import KogptError
from kogpt_funcs.korean.genres import Genre
from kogpt_funcs.sites import faults, requests, rest, threads, trees
from kogpt_funcs.sites.stories import path, stories, tip
from kogpt_funcs.sites.words import language, script_words, words
from kogpt_funcs.surfaces import faults as surface_faults
from kogpt_funcs.surfaces.guard import Guard

_HERE = Path(__file__).parent
_KST = timezone(timedelta(hours=9))
#: Nothing from elsewhere, no script but ours: whatever a story holds, it stays text.
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; "
    "form-action 'self'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-cache",
}


def site_routes() -> list[BaseRoute]:
    """The pages under /stories, with REST of their own under /stories/api: a page cannot know the operator's API
    key.
    """
    from fastapi import FastAPI

    api = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    rest.add_routes(api)
    site = Starlette(
        routes=[
            Route("/", _library),
            Route("/new", _new),
            Route("/{story}/tree", _tree),
            Mount("/static", StaticFiles(directory=_HERE / "static")),
            Mount("/api", api),
            Route("/{story}", _book),
        ],
        exception_handlers={KogptError: _told, HTTPException: _told, Exception: _told},
    )
    return [Route("/stories", _with_slash, include_in_schema=False), Mount("/stories", Guard(site, ("/*",)))]


async def _with_slash(request: Request) -> Response:
    return RedirectResponse(f"{request.scope.get('root_path', '')}/stories/", 308)


async def _library(request: Request) -> Response:
    given = {key: value for key, value in request.query_params.items() if key in requests.Search.model_fields}
    form = requests.parse(requests.Search, given, strict=False)
    found = await threads.run(stories().search, form)
    return _page(request, "library.html", **found, q=form.q, genre=form.genre, genres=get_args(Genre))


async def _new(request: Request) -> Response:
    return _page(request, "new.html", genres=get_args(Genre))


async def _book(request: Request) -> Response:
    story, line, branch = await _chosen(request)
    ways = trees.other_ways(story, line)
    return _page(
        request,
        "book.html",
        story=story,
        line=line,
        branch=branch,
        ways=ways,
        authors=list(dict.fromkeys(p["author"] for p in line)),
    )


async def _tree(request: Request) -> Response:
    story, line, _ = await _chosen(request)
    return _page(request, "tree.html", story=story, rows=trees.rows(story), here={part["id"] for part in line})


async def _chosen(request: Request) -> tuple[dict[str, Any], list[dict[str, Any]], int]:
    """The story, the line that the address asks for (`branch`, or `part` for a line's beginning), and that line's
    branch.
    """
    story = await threads.run(stories().read, request.path_params["story"])
    asked = request.query_params
    if part := asked.get("part"):
        line = path(story, int(part)) if part.isascii() and part.isdecimal() and len(part) < 19 else []
        if not line:
            raise faults.NoStory(f"이 이야기에 {part[:20]}번 대목은 없습니다.", f"This story has no part {part[:20]}.")
    else:
        branch = asked.get("branch", "0")
        line = path(story, tip(story, int(branch) if branch.isascii() and branch.isdecimal() else 0)["id"])
    return story, line, line[-1]["branch"]


def _page(request: Request, template: str, status: int = 200, **context: Any) -> Response:
    spoken = language(request.headers.get("accept-language", ""))
    context |= {
        "language": spoken,
        "say": words(spoken),
        "script_words": script_words(spoken),
        "root": request.scope.get("root_path", ""),
    }
    return HTMLResponse(
        _templates().get_template(template).render(context), status, {**_HEADERS, "Vary": "Accept-Language"}
    )


async def _told(request: Request, error: Exception) -> Response:
    """A fault as a page: what it is, and the way back."""
    status, message = 500, ""
    if isinstance(error, HTTPException):
        status = error.status_code
    else:
        fault = surface_faults.known(error)
        status = faults.STATUS.get(fault.code) or surface_faults.STATUS.get(fault.code, 400)
        spoken = language(request.headers.get("accept-language", ""))
        message = fault.english if spoken == "en" else fault.message
    return _page(
        request, "message.html", status, heading="not_found" if status in (404, 410) else "trouble", message=message
    )


@cache
def _templates() -> Environment:
    found = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters["day"] = _day
    found.filters["paragraphs"] = lambda text: [line.strip() for line in text.split("\n") if line.strip()]
    return found


def _day(moment: str) -> str:
    """`2026-11-24T10:00:00Z` → `2026. 11. 24.`, in Korea."""
    local = datetime.fromisoformat(moment).astimezone(_KST)
    return f"{local.year}. {local.month}. {local.day}."

"""REST for stories: the same routes stand under /api, behind the key, and under /stories/api for the pages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import FastAPI, Request
from fastapi.routing import APIRouter
from pydantic import BaseModel
from starlette.responses import Response

from kogpt_funcs.contract import registry
from kogpt_funcs.contract.errors import InvalidInput
from kogpt_funcs.sites import exporting, faults, repeats, requests, shapes, threads
from kogpt_funcs.sites.live import News, StoryEvents
from kogpt_funcs.sites.stories import Stories, stories
from kogpt_funcs.surfaces import faults as surface_faults
from kogpt_funcs.surfaces import schema, work
from kogpt_funcs.surfaces.endpoints import json_response, route_class
from kogpt_funcs.surfaces.rest.refusals import refusals
from kogpt_funcs.surfaces.wire import from_json

_ALWAYS = (401, 429, 500, 503, 504)
_Endpoint = Callable[[Request], Awaitable[Response]]


def add_routes(app: FastAPI) -> None:
    """Puts the routes into `app` and its OpenAPI document."""
    forms = (requests.NewStory, requests.NewPart, requests.NewBranch, requests.NewTurn, requests.Suggest)
    schema.describe(app, *forms)
    app.include_router(router(stories()))


def router(stories: Stories) -> APIRouter:
    """The routes, relative to wherever they are mounted."""
    api = Endpoints(stories)
    routes = APIRouter(route_class=route_class(_fault), tags=["이야기"])

    def add(
        method: str, path: str, endpoint: _Endpoint, summary: str, shape: Any = None, status: int = 200, **more: Any
    ) -> None:
        routes.add_api_route(
            f"/stories{path}",
            endpoint,
            methods=[method],
            summary=summary,
            response_model=shape,
            status_code=status,
            operation_id=_name(endpoint),
            responses={
                **refusals(*_ALWAYS, *((400, 413) if "body" in more else ()), *more.pop("faults", (404, 410))),
                **more.pop("told", {}),
            },
            openapi_extra=_documented(path, **more),
        )

    key, own = ("Idempotency-Key",), ("X-Secret",)
    writing = (404, 409, 410, 422, 503, 507)
    add(
        "POST",
        "",
        api.create,
        "이야기 열기",
        shapes.CreatedShape,
        201,
        body=requests.NewStory,
        headers=key,
        faults=(422, 503, 507),
    )
    add("GET", "", api.search, "이야기 찾기", shapes.LibraryShape, query=requests.Search, faults=(422, 503))
    add("GET", "/{story}", api.read, "이야기 읽기", shapes.StoryShape, headers=("If-None-Match",), told=_SAME)
    add("DELETE", "/{story}", api.take_back, "이야기 지우기", None, 204, headers=own, faults=(403, 404, 410, 503, 507))
    add(
        "POST",
        "/{story}/parts",
        api.add,
        "이어 쓰기",
        shapes.AddedShape,
        201,
        body=requests.NewPart,
        headers=key,
        faults=writing,
    )
    add("DELETE", "/{story}/parts/{part}", api.remove, "자기 대목 되돌리기", None, headers=own, faults=(403, *writing))
    add(
        "POST",
        "/{story}/branch",
        api.branch,
        "갈라 쓰기",
        shapes.BranchShape,
        201,
        body=requests.NewBranch,
        faults=writing,
    )
    add(
        "POST",
        "/{story}/turn",
        api.take_turn,
        "90초 동안 차례 맡기",
        shapes.TurnShape,
        201,
        body=requests.NewTurn,
        faults=writing,
    )
    add("DELETE", "/{story}/turn", api.give_turn_back, "차례 내놓기", None, 204, headers=own)
    add(
        "GET",
        "/{story}/drafts/{draft}",
        api.draft,
        "초고 읽기",
        shapes.DraftShape,
        headers=own,
        faults=(403, 404, 410, 503),
    )
    add(
        "POST",
        "/{story}/suggest",
        api.suggest,
        "다음 이야기 후보",
        shapes.CandidatesShape,
        body=requests.Suggest,
        faults=(404, 410, 422, 503),
    )
    add("GET", "/{story}/export", api.export, "내려받기 (txt, md, epub)", faults=(404, 410, 422), told=_FILES)
    add("GET", "/{story}/events", api.events, "바뀔 때마다 알림 (server-sent events)", told=_EVENTS)
    return routes


_HEADERS = {"Idempotency-Key": {"type": "string", "minLength": 1, "maxLength": repeats.MOST, "pattern": r"\S"}}
_SAME: dict[int | str, dict[str, Any]] = {304: {"description": "If-None-Match의 판 그대로입니다."}}
_FILES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "글, 또는 책입니다.",
        "content": {form.media_type.partition(";")[0]: {"schema": {}} for form in exporting.FORMATS.values()},
    }
}
_EVENTS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "바뀔 때마다 story, 거두어들이면 gone.",
        "content": {"text/event-stream": {"schema": schema.events(("story", "gone"), "판과 차례입니다.")}},
    }
}


class Endpoints:
    """One method a route: reads the request, asks `stories` in a thread, answers."""

    def __init__(self, stories: Stories) -> None:
        self.stories = stories
        self.news = News(stories)

    async def create(self, request: Request) -> Response:
        form = requests.parse(requests.NewStory, await _body(request))
        return json_response(await threads.run(self.stories.create, form, _key(request)), 201)

    async def search(self, request: Request) -> Response:
        form = requests.parse(requests.Search, _query(request), strict=False)
        return json_response(await threads.run(self.stories.search, form))

    async def read(self, request: Request) -> Response:
        story = await threads.run(self.stories.read, _story(request))
        tag = f'"{story["id"]}.{story["version"]}"'
        headers = {"ETag": tag, "Cache-Control": "no-cache"}
        if tag in [one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")]:
            return Response(status_code=304, headers=headers)
        return json_response(story, headers=headers)

    async def take_back(self, request: Request) -> Response:
        await threads.run(self.stories.take_back, _story(request), _secret(request))
        return Response(status_code=204)

    async def add(self, request: Request) -> Response:
        form = requests.parse(requests.NewPart, await _body(request))
        return json_response(await threads.run(self.stories.add, _story(request), form, _key(request)), 201)

    async def remove(self, request: Request) -> Response:
        part = _number(request.path_params["part"])
        return json_response(await threads.run(self.stories.remove, _story(request), part, _secret(request)))

    async def branch(self, request: Request) -> Response:
        form = requests.parse(requests.NewBranch, await _body(request))
        return json_response(await threads.run(self.stories.branch, _story(request), form), 201)

    async def take_turn(self, request: Request) -> Response:
        form = requests.parse(requests.NewTurn, await _body(request))
        return json_response(await threads.run(self.stories.take_turn, _story(request), form), 201)

    async def give_turn_back(self, request: Request) -> Response:
        await threads.run(self.stories.give_turn_back, _story(request), _secret(request))
        return Response(status_code=204)

    async def draft(self, request: Request) -> Response:
        return json_response(
            await threads.run(self.stories.draft, _story(request), request.path_params["draft"], _secret(request))
        )

    async def suggest(self, request: Request) -> Response:
        form = requests.parse(requests.Suggest, await _body(request))
        asked = await threads.run(self.stories.asked, _story(request), form)
        answer: dict[str, Any] = {}  # stays so for a client that has left: nobody reads it
        async with work.until_left(request.receive):
            answer = await work.answer(registry.get("relay_novel"), asked)
        return json_response(answer)

    async def export(self, request: Request) -> Response:
        query = _query(request)
        form = query.get("format", "txt")
        if form not in exporting.FORMATS:
            raise InvalidInput.of("format", f"다음 가운데 하나여야 합니다: {', '.join(exporting.FORMATS)}.")
        part = _number(query["part"]) if "part" in query else None
        story, line = await threads.run(self.stories.line, _story(request), part)
        content = await threads.run(exporting.FORMATS[form].write, story, line)
        return Response(
            content,
            headers={"Content-Disposition": exporting.disposition(story, form)},
            media_type=exporting.FORMATS[form].media_type,
        )

    async def events(self, request: Request) -> Response:
        return StoryEvents(self.news, _story(request), await self.news.state(_story(request)))


async def _body(request: Request) -> Any:
    return from_json(await request.body())


def _story(request: Request) -> str:
    return str(request.path_params["story"])


def _key(request: Request) -> str | None:
    return request.headers.get("idempotency-key")


def _secret(request: Request) -> str | None:
    return request.headers.get("x-secret")


def _query(request: Request) -> dict[str, str]:
    return dict(request.query_params)


def _number(text: str) -> int:
    """A part's number; what is none is a part that is not there."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else -1


def _fault(error: Exception) -> Response:
    """The answer to `error`: the usual error body, and a conflict's details beside it."""
    fault = surface_faults.known(error)
    if fault.code not in faults.STATUS:
        return surface_faults.response(fault)
    details = fault.details if isinstance(fault, faults.Conflict) else {}
    headers = {"Retry-After": str(fault.retry_after)} if isinstance(fault, faults.Unreachable) else {}
    return json_response({**surface_faults.body(fault), **details}, faults.STATUS[fault.code], headers)


def _name(endpoint: _Endpoint) -> str:
    return f"stories_{getattr(endpoint, '__name__', '')}"


def _documented(
    path: str, body: type[BaseModel] | None = None, query: type[BaseModel] | None = None, headers: tuple[str, ...] = ()
) -> dict[str, Any]:
    """What FastAPI cannot see in an endpoint that takes the Request: its path, query, headers and body."""
    places: list[tuple[str, str, Any]] = [
        (name, "path", {"type": "string"}) for name in ("story", "part", "draft") if f"{{{name}}}" in path
    ]
    places += [(name, "header", _HEADERS.get(name, {"type": "string"})) for name in headers]
    if query:
        places += [(name, "query", schema) for name, schema in query.model_json_schema()["properties"].items()]
    if path.endswith("export"):
        places += [("format", "query", {"enum": list(exporting.FORMATS)}), ("part", "query", {"type": "integer"})]
    listed = [{"name": n, "in": i, "required": i == "path", "schema": s} for n, i, s in places]
    found: dict[str, Any] = {"parameters": listed}
    return found | (schema.body(schema.reference(body)) if body else {})

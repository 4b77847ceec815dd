"""REST: for each function `POST /NAME` (one Input, or a list of them) and `POST /NAME/stream`; and what describes them.

Inputs are judged by Function.parse alone, so that every surface says the same; FastAPI routes and documents.
"""

from __future__ import annotations

from typing import Any

from anyio import to_thread
from fastapi import FastAPI, Request
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

import kogpt_funcs
from kogpt_funcs import models
from kogpt_funcs.contract import registry, settings
from kogpt_funcs.contract.errors import KogptError, TooLarge
from kogpt_funcs.contract.function import Function
from kogpt_funcs.surfaces import faults, schema, work
from kogpt_funcs.surfaces.additions import additions
from kogpt_funcs.surfaces.endpoints import NotFound, json_response, not_allowed, read_json, route_class
from kogpt_funcs.surfaces.event_stream import EventStream
from kogpt_funcs.surfaces.public.allowance import charge_items
from kogpt_funcs.surfaces.rest.descriptions import FunctionCards, Health, Ready, cards, health, ready
from kogpt_funcs.surfaces.rest.refusals import FAULTS, refusals

MAX_BATCH = 64
#: Reachable without the API key: they do no work, and a browser cannot send the key for a page.
OPEN_PATHS = ("/", "/health", "/ready", "/openapi.json", "/docs", "/swagger/*")

_DESCRIPTION = f"""한국어 글쓰기 함수 모음입니다. 함수마다 두 주소가 있습니다.

- `POST /이름`: 입력 하나를 주면 출력 하나를, 입력의 배열({MAX_BATCH}개까지)을 주면 같은 차례의 배열을 돌려줍니다.
  배열에서는 잘못된 입력 하나가 제자리에서 `{{"error": …}}`가 되고 나머지는 답합니다.
- `POST /이름/stream`: server-sent events로 `partial` 여럿과 마지막 `result`를 보냅니다. 연결을 끊으면 일을 멈춥니다.

오류는 언제나 `{{"error": {{"code", "message", "problems"}}}}`입니다."""


def create_rest() -> FastAPI:
    """The app, to be mounted (under /api). Raises BadFunction when a file in kogpt_funcs/ is wrong."""
    app = FastAPI(
        title="kogpt-funcs",
        version=kogpt_funcs.__version__,
        description=_DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        exception_handlers={HTTPException: _http_fault, Exception: _bug},
    )
    app.router.route_class = route_class(faults.response)
    for function in registry.functions().values():
        _add(app, function)
    schema.describe(app, *(function.input for function in registry.functions().values()))
    for addition in additions():
        addition.add_rest(app)
    app.add_api_route(
        "/functions",
        _cards,
        tags=["안내"],
        summary="함수 목록",
        response_model=FunctionCards,
        responses=refusals(401, 429, 503, 504),
    )
    app.add_api_route(
        "/health", _health, tags=["안내"], summary="상태", response_model=Health, responses={503: {"model": Health}}
    )
    app.add_api_route(
        "/ready", _ready, tags=["안내"], summary="준비", response_model=Ready, responses={503: {"model": Ready}}
    )
    app.add_api_route("/docs", _docs, include_in_schema=False)
    app.add_api_route("/", _root, include_in_schema=False)
    app.mount("/swagger", StaticFiles(packages=[("fastapi_swagger", "resources")]))
    if settings.current().api_key or settings.current().public.keys:
        _document_key(app)
    return app


def _add(app: FastAPI, function: Function) -> None:
    output: Any = function.output

    async def call(request: Request) -> Response:
        data = await read_json(request)
        result: Any = None  # stays so for a client that has left: nobody reads it
        async with work.until_left(request.receive):
            result = await (_batch(request, function, data) if isinstance(data, list) else work.answer(function, data))
        return json_response(result)

    async def stream(request: Request) -> Response:
        return EventStream(function, await read_json(request))

    name, title, about = function.name, function.title, function.description
    one = schema.reference(function.input)
    examples = {f"{i}": example for i, example in enumerate(function.examples, 1)}
    app.add_api_route(
        f"/{name}",
        call,
        methods=["POST"],
        operation_id=name,
        tags=[title],
        summary=title,
        description=about,
        responses=FAULTS,
        response_model=output | list[output | faults.FaultBody],
        openapi_extra=schema.body({"anyOf": [one, _many(one)]}, examples),
    )
    app.add_api_route(
        f"/{name}/stream",
        stream,
        methods=["POST"],
        operation_id=f"{name}_stream",
        tags=[title],
        summary=f"{title} (스트리밍)",
        description=about,
        responses={**FAULTS, 200: _EVENTS},
        response_class=EventStream,
        response_model=None,
        status_code=200,
        openapi_extra=schema.body(one, examples),
    )


def _many(one: dict[str, str]) -> dict[str, Any]:
    """An array takes any item: what is no input gets its error in its place."""
    return {"type": "array", "maxItems": MAX_BATCH, "items": {"anyOf": [one, {}]}}


async def _batch(request: Request, function: Function, items: list[Any]) -> list[dict[str, Any]]:
    """One Output or FaultBody for each of `items`, in their order."""
    if len(items) > MAX_BATCH:
        raise TooLarge(f"한 번에 {MAX_BATCH}개까지 받습니다. 받은 것: {len(items):,}개. 나누어 보내 주세요.")
    await charge_items(request.scope, len(items))
    results = await work.many(function, items)
    return [faults.body(result) if isinstance(result, KogptError) else result for result in results]


async def _cards(request: Request) -> Response:
    return json_response(cards())


async def _health(request: Request) -> Response:
    # No thread if it can be helped: they may all be at work, and whoever watches must hear that we live.
    told = health() if models.in_this_process() else await to_thread.run_sync(health)
    return _unless(told.status == "loading", told)


async def _ready(request: Request) -> Response:
    told = ready()
    return _unless(not told.ready, told)


def _unless(unable: bool, told: BaseModel) -> Response:
    return json_response(told, 503 if unable else 200, {"Retry-After": "1"} if unable else {})


async def _docs(request: Request) -> Response:
    # Addresses are relative to this page, so it works under any mount and behind any proxy.
    return get_swagger_ui_html(
        openapi_url="openapi.json",
        title=f"{request.app.title} REST",
        swagger_js_url="swagger/swagger-ui-bundle.js",
        swagger_css_url="swagger/swagger-ui.css",
        swagger_favicon_url="swagger/favicon-32x32.png",
        swagger_ui_parameters={"validatorUrl": None, "tryItOutEnabled": True},  # None: ask no outside validator
    )


async def _root(request: Request) -> Response:
    return RedirectResponse(f"{request.scope.get('root_path', '')}/docs")


async def _http_fault(request: Request, error: HTTPException) -> Response:
    """Starlette's own 404 and 405 as the error body everything else has."""
    fault: KogptError = KogptError(str(error.detail))
    if error.status_code == 405:
        return faults.response(*not_allowed(request, error))
    if error.status_code == 404:
        path = request.scope["path"].removeprefix(request.scope.get("root_path", ""))
        name = path.strip("/").split("/")[0]
        fault = NotFound(f"{path[:100]} 주소는 없습니다. 있는 주소는 /api/docs 에서 볼 수 있습니다.")
        try:
            registry.get(name)
        except KogptError as unknown:
            fault = unknown
    return faults.response(fault, dict(error.headers or {}))


async def _bug(request: Request, error: Exception) -> Response:
    return faults.response(error)


def _document_key(app: FastAPI) -> None:
    document = app.openapi()  # FastAPI keeps this one and serves it
    document.setdefault("components", {})["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
    document["security"] = [{"key": []}]


_EVENTS = {
    "description": "partial 여럿과 마지막 result(또는 error). data는 JSON입니다.",
    "content": {
        "text/event-stream": {"schema": schema.events(("partial", "result", "error"), "함수의 출력, 또는 error입니다.")}
    },
}

"""/v1: OpenAI's API, so that the clients people have (its SDK, Open WebUI, LangChain …) talk to this server."""

from __future__ import annotations

from typing import Any

from anyio import to_thread
from fastapi import FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

import kogpt_funcs
from kogpt_funcs.contract.errors import InvalidInput, KogptError
from kogpt_funcs.contract.function import Function
from kogpt_funcs.surfaces import schema, work
from kogpt_funcs.surfaces.endpoints import NotFound, json_response, not_allowed, read_json, route_class
from kogpt_funcs.surfaces.openai import names, shapes
from kogpt_funcs.surfaces.openai.answers import ChatAnswer, CompletionAnswer
from kogpt_funcs.surfaces.openai.chats import chats
from kogpt_funcs.surfaces.openai.chunks import ChunkStream
from kogpt_funcs.surfaces.openai.completions import COMPLETIONS
from kogpt_funcs.surfaces.public.allowance import charge_items
from kogpt_funcs.surfaces.public.refusals import openai_response

OPEN_PATHS = ("/openapi.json",)
_Answer = type[CompletionAnswer] | type[ChatAnswer]


def create_openai() -> FastAPI:
    """The app, to be mounted under /v1."""
    app = FastAPI(
        title="kogpt-funcs, OpenAI's way",
        version=kogpt_funcs.__version__,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        exception_handlers={HTTPException: _http_fault, Exception: _bug},
    )
    app.router.route_class = route_class(openai_response)
    app.add_api_route("/models", _models, response_model=names.ModelCards, responses=_faults(401, 429))
    app.add_api_route(
        "/models/{model:path}",
        _model,
        response_model=names.ModelCard,
        responses=_faults(401, 404, 429),
        openapi_extra={"parameters": [_MODEL]},
    )
    _add(app, "/completions", COMPLETIONS, CompletionAnswer, shapes.Completion, shapes.Completion)
    if names.talkers():
        _add(app, "/chat/completions", chats(), ChatAnswer, shapes.ChatCompletion, shapes.ChatChunk)
    schema.describe(app, COMPLETIONS.input, chats().input, shapes.ChatChunk, open_ended=True)
    return app


def _add(app: FastAPI, path: str, function: Function, answer: _Answer, whole: Any, chunk: Any) -> None:
    async def complete(request: Request) -> Response:
        data = await _read(request, function)
        prompts = data.get("prompt")
        await charge_items(request.scope, (len(prompts) if isinstance(prompts, list) else 1) * _count(data.get("n")))
        made = answer(str(data.get("model", ""))[:200])
        if data.get("stream") is True:
            return ChunkStream(function, data, made)
        result: Any = None  # stays so for a client that has left: nobody reads it
        async with work.until_left(request.receive):
            result = made.whole(await work.answer(function, data))
        return json_response(result)

    events = {"text/event-stream": {"schema": schema.events((), f"{chunk.__name__}, or [DONE] at the end.")}}
    app.add_api_route(
        path,
        complete,
        methods=["POST"],
        operation_id=function.name,
        response_model=whole,
        responses={**_faults(400, 401, 404, 413, 415, 429, 500, 503, 504), 200: {"content": events}},
        openapi_extra=schema.body(schema.reference(function.input)),
    )


async def _models(request: Request) -> Response:
    return json_response(await to_thread.run_sync(names.cards))


async def _model(request: Request) -> Response:
    found = await to_thread.run_sync(names.card, request.path_params["model"])
    return json_response(found)


async def _read(request: Request, function: Function) -> dict[str, Any]:
    """The fields of the body that `function` knows: clients send many that only other servers do."""
    data = await read_json(request)
    if not isinstance(data, dict):
        raise InvalidInput.of("", "JSON 객체여야 합니다.", "The body must be a JSON object.")
    return {name: value for name, value in data.items() if name in function.fields}


def _count(value: Any) -> int:
    return value if isinstance(value, int) and 1 <= value <= shapes.MOST_CHOICES else 1


async def _http_fault(request: Request, error: HTTPException) -> Response:
    fault: KogptError = KogptError(str(error.detail))
    if error.status_code == 405:
        return openai_response(*not_allowed(request, error))
    if error.status_code == 404:
        fault = NotFound("이 주소는 없습니다.", "No such address. There are models, completions, chat/completions.")
    return openai_response(fault, dict(error.headers or {}))


async def _bug(request: Request, error: Exception) -> Response:
    return openai_response(error)


_MODEL = {"name": "model", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
_SAID = {
    400: "The body is no JSON, or a field does not fit; `param` names it.",
    401: "No key, or a wrong one.",
    404: "No such model, or none for this address.",
    413: "The body is too large.",
    415: "The body is compressed.",
    429: "The key or the address has asked its share (Retry-After).",
    500: "A bug; the message has an incident number.",
    503: "Too many requests, or about to stop (Retry-After); or the model cannot be loaded.",
    504: "It took too long.",
}


def _faults(*statuses: int) -> dict[int | str, dict[str, Any]]:
    return {status: {"model": shapes.TroubleBody, "description": _SAID[status]} for status in statuses}

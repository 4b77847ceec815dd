"""Gradio's own clients: each function as a typed endpoint /NAME, behind the same key and limits as REST.

Client(URL, headers={"Authorization": "Bearer KEY"}).predict(text="…", api_name="/NAME")
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from typing import Any

import gradio as gr
from anyio import from_thread
from gradio.components.api_component import Api
from gradio.context import get_blocks_context

from kogpt_funcs.contract import settings
from kogpt_funcs.contract.function import Function
from kogpt_funcs.contract.shape import Shape
from kogpt_funcs.surfaces import faults, guard, running
from kogpt_funcs.surfaces.page.growing import growing
from kogpt_funcs.surfaces.public.allowance import charge
from kogpt_funcs.surfaces.wire import plain, to_json

_EVERY = 0.06  # seconds between two pieces of a growing answer


def endpoints(functions: Sequence[Function]) -> None:
    """Adds one for each function; call it inside the open gr.Blocks."""
    blocks = get_blocks_context()
    assert blocks is not None
    for function in functions:
        fields = sorted(function.fields.values(), key=lambda shape: not shape.required)
        blocks.set_event_trigger(
            [],
            _endpoint(function, fields),
            [Api(shape.default, _schema(function, shape), shape.title) for shape in fields],  # type: ignore[arg-type]
            [Api(None, function.output.model_json_schema(mode="serialization"), function.title)],  # type: ignore[arg-type]
            preprocess=False,
            postprocess=False,
            show_progress="hidden",
            api_name=function.name,
            api_description=_description(function),
        )


def _endpoint(function: Function, fields: Sequence[Shape]) -> Callable[..., Any]:
    """What Gradio calls. Its __signature__ tells the clients which parameters there are, and what may be left out."""

    def data_of(request: gr.Request, values: tuple[Any, ...]) -> dict[str, Any]:
        if owner := guard.check_key(request.headers.get("authorization", "")):
            from_thread.run(charge, "key", owner.id, owner.limit or settings.current().public.key_limit)
        guard.check_size(len(to_json(values)))
        pairs = [(shape, value) for shape, value in zip(fields, values, strict=True)]
        return {shape.name: value for shape, value in pairs if value is not None or not _may_be_left_out(shape)}

    def whole(request: gr.Request, *values: Any) -> dict[str, Any]:
        try:
            return plain(running.whole(function, data_of(request, values)))
        except Exception as error:
            raise _told(error) from None

    def growing_answer(request: gr.Request, *values: Any) -> Iterator[dict[str, Any]]:
        try:
            with closing(growing(running.streamed(function, data_of(request, values)), _EVERY)) as outputs:
                yield from map(plain, outputs)
        except Exception as error:
            raise _told(error) from None

    call: Callable[..., Any] = growing_answer if function.stream else whole
    parameters = [_parameter("request", gr.Request, False), *(_parameter(s.name, Any, not s.required) for s in fields)]
    call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return call


def _parameter(name: str, kind: Any, optional: bool) -> inspect.Parameter:
    default = None if optional else inspect.Parameter.empty
    return inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=default, annotation=kind)


def _may_be_left_out(shape: Shape) -> bool:
    return not shape.required and (shape.optional or shape.default is None)


def _told(error: Exception) -> gr.Error:
    """The sentence that REST would send, with its code as the title."""
    fault = faults.known(error)
    return gr.Error(faults.body(fault)["error"]["message"], title=fault.code, print_exception=False)


def _schema(function: Function, shape: Shape) -> dict[str, Any]:
    """The field's JSON Schema, with what it refers to."""
    whole = function.input.model_json_schema()
    return {**whole["properties"][shape.name], "$defs": whole.get("$defs", {})}


def _description(function: Function) -> str:
    texts = (function.title, function.description, function.english.title, function.english.description)
    return " ".join(" ".join(text.split()) for text in texts if text)

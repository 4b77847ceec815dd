"""Chunks as server-sent events, as OpenAI sends them: `data: {…}`, and `data: [DONE]` at the end."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from kogpt_funcs.contract.errors import KogptError
from kogpt_funcs.contract.function import Function
from kogpt_funcs.surfaces import work
from kogpt_funcs.surfaces.event_stream import EventStream
from kogpt_funcs.surfaces.openai.answers import ChatAnswer, CompletionAnswer
from kogpt_funcs.surfaces.public.refusals import openai_body, openai_response
from kogpt_funcs.surfaces.wire import to_json


class ChunkStream(EventStream):
    """A fault that is known before anything is sent has its own HTTP status; a later one is a chunk with `error`."""

    def __init__(self, function: Function, data: dict[str, Any], answer: CompletionAnswer | ChatAnswer) -> None:
        super().__init__(function, data)
        self.answer = answer
        options = data.get("stream_options")
        self.wants_usage = isinstance(options, dict) and options.get("include_usage") is True

    def refusal(self, error: KogptError) -> Response:
        return openai_response(error)

    def frames(self, event: work.Event) -> bytes:
        if event.name == "partial":
            # A chat has one part alone, and that comes again as the result.
            return b"" if isinstance(self.answer, ChatAnswer) else self._grown(event)
        last = _frame(openai_body(event.error)) if event.error is not None else self._grown(event) + self._usage(event)
        return last + b"data: [DONE]\n\n"

    def _grown(self, event: work.Event) -> bytes:
        return b"".join(map(_frame, self.answer.grown(event.data)))

    def _usage(self, event: work.Event) -> bytes:
        return _frame(self.answer.last(event.data)) if self.wants_usage else b""


def _frame(data: Any) -> bytes:
    return b"data: %s\n\n" % to_json(data)

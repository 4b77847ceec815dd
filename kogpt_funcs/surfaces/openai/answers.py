"""From what was written to what OpenAI's clients read: whole, or as chunks of an event stream."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from typing import Any

from kogpt_funcs.surfaces.openai import shapes
from kogpt_funcs.surfaces.openai.chats import Answered
from kogpt_funcs.surfaces.openai.completions import Written


class _Answer:
    """What all parts of one answer have in common."""

    prefix = "cmpl"

    def __init__(self, model: str) -> None:
        self.head: dict[str, Any] = {
            "id": f"{self.prefix}-{secrets.token_hex(12)}",
            "created": int(time.time()),
            "model": model,
        }


class CompletionAnswer(_Answer):
    """text_completion objects; a chunk is one with the new part of one choice."""

    def __init__(self, model: str) -> None:
        super().__init__(model)
        self._told: dict[int, tuple[int, str | None]] = {}

    def whole(self, data: dict[str, Any]) -> shapes.Completion:
        written = Written.model_validate(data)
        return shapes.Completion(
            **self.head,
            choices=[
                shapes.CompletionChoice(index=i, text=choice.text, finish_reason=choice.finish_reason or "stop")
                for i, choice in enumerate(written.choices)
            ],
            usage=written.usage,
        )

    def grown(self, data: dict[str, Any]) -> Iterator[shapes.Completion]:
        for i, choice in enumerate(Written.model_validate(data).choices):
            told, reason = self._told.get(i, (0, None))
            if len(choice.text) > told or choice.finish_reason != reason:
                self._told[i] = max(len(choice.text), told), choice.finish_reason
                yield self._chunk(i, choice.text[told:], choice.finish_reason)

    def last(self, data: dict[str, Any]) -> shapes.Completion:
        return shapes.Completion(**self.head, choices=[], usage=Written.model_validate(data).usage)

    def _chunk(self, index: int, text: str, reason: Any) -> shapes.Completion:
        choice = shapes.CompletionChoice(index=index, text=text, finish_reason=reason)
        return shapes.Completion(**self.head, choices=[choice])


class ChatAnswer(_Answer):
    """chat.completion objects; chunks are words, once the reply is known."""

    prefix = "chatcmpl"

    def whole(self, data: dict[str, Any]) -> shapes.ChatCompletion:
        answered = Answered.model_validate(data)
        return shapes.ChatCompletion(
            **self.head,
            choices=[
                shapes.ChatChoice(index=i, message=shapes.Reply(content=text), finish_reason="stop")
                for i, text in enumerate(answered.replies)
            ],
            usage=answered.usage,
        )

    def grown(self, data: dict[str, Any]) -> Iterator[shapes.ChatChunk]:
        for i, text in enumerate(Answered.model_validate(data).replies):
            yield self._chunk(i, shapes.ReplyDelta(role="assistant", content=""))
            for word in text.replace(" ", " \0").split("\0"):
                yield self._chunk(i, shapes.ReplyDelta(content=word))
            yield self._chunk(i, shapes.ReplyDelta(), "stop")

    def last(self, data: dict[str, Any]) -> shapes.ChatChunk:
        return shapes.ChatChunk(**self.head, choices=[], usage=Answered.model_validate(data).usage)

    def _chunk(self, index: int, delta: shapes.ReplyDelta, reason: Any = None) -> shapes.ChatChunk:
        choice = shapes.ChatChunkChoice(index=index, delta=delta, finish_reason=reason)
        return shapes.ChatChunk(**self.head, choices=[choice])

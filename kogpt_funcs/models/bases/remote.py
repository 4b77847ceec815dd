"""Generation on a server that speaks OpenAI's completions API, such as vLLM: KOGPT_BASE=http://host:8000/v1#model."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from typing import Any, NamedTuple
from urllib.parse import urldefrag, urlsplit

from kogpt_funcs.contract import settings
from kogpt_funcs.contract.errors import Busy, CheckpointError, KogptError
from kogpt_funcs.models.bases.served import addressed
from kogpt_funcs.models.decoder.endings import Ending
from kogpt_funcs.models.gate import admitted
from kogpt_funcs.models.prompt import Generation, Sample

log = logging.getLogger(__name__)

_CONNECT_SECONDS, _SILENT_SECONDS = 5.0, 60.0
_COLD = 0.01  # a temperature below this is greedy
_LONGEST_WAIT = 600  # seconds that a client is told to wait at most


class Address(NamedTuple):
    """Where the model is. Neither part holds a secret."""

    url: str
    model: str


def is_remote(base: str) -> bool:
    return base.startswith(("http://", "https://"))


def address(base: str) -> Address:
    """The server and the model that KOGPT_BASE names; CheckpointError where it is not URL#MODEL."""
    url, model = urldefrag(base)
    if not urlsplit(url).hostname or not model:
        raise CheckpointError(
            "KOGPT_BASE begins like a URL but is not URL#MODEL, as in http://127.0.0.1:8000/v1#my-model."
        )
    if "@" in urlsplit(url).netloc or urlsplit(url).query:
        raise CheckpointError(
            "KOGPT_BASE must not hold a password or a query. A server's key goes into KOGPT_REMOTE_KEY."
        )
    return Address(url, model)


def generate(request: Generation) -> Iterator[list[Sample]]:
    """Snapshots of the samples as they grow; the last one is complete. Closing it closes the connection, which ends
    the work there.

    top_k, repetition_penalty, min_tokens and bad_words are vLLM's own fields: a server that refuses them is asked
    without. no_repeat_ngram has no field there and is not kept. Where a server does not tell tokens, each piece it
    sends is one. Raises Busy, or CheckpointError when the server is at fault; neither names its address.
    """
    place = address(settings.current().base)
    with admitted(), _client(place) as client:
        try:
            model, text = addressed(request, *place, client)
        except Exception as error:
            raise told(error, begun=False) from error
        done: list[Sample] = []
        for part in _parts(request):
            samples: list[Sample] = []
            for samples in _samples(client, model, text, part):
                yield [*done, *samples, *_empty(request.num_samples - len(done) - len(samples))]
            done += samples
        if len(done) < request.num_samples:  # greedy samples are all alike: one was asked for
            yield [*done, *(replace(done[0]) for _ in range(request.num_samples - len(done)))]


def _parts(request: Generation) -> list[Generation]:
    """The requests to send one after another: a server takes one temperature at a time, and one sample where that is
    0.
    """
    if request.temperature < _COLD:
        return [replace(request, temperature=0.0, num_samples=1, greedy_first=False)]
    if not request.greedy_first:
        return [request]
    greedy = replace(request, temperature=0.0, num_samples=1)
    return [greedy, replace(request, num_samples=request.num_samples - 1)] if request.num_samples > 1 else [greedy]


def _empty(count: int) -> list[Sample]:
    return [Sample() for _ in range(count)]


class _Pieces:
    """What the server has sent of one sample, seen as a tokenizer whose ids are the pieces in order."""

    end, control = 0, (0,)  # the server tells of the end otherwise
    newline: int | None = None

    def __init__(self) -> None:
        self._texts = [""]
        self.breaks_word = [True]

    def add(self, text: str) -> int:
        self._texts.append(text)
        self.breaks_word.append(not text[:1].isalnum())
        return len(self._texts) - 1

    def decode(self, ids: Iterable[int]) -> str:
        return "".join(self._texts[i] for i in ids)


class _Row(Ending):
    """One sample under way: its pieces, ended by the same rules as our own."""

    def __init__(self, request: Generation) -> None:
        self.pieces = _Pieces()
        super().__init__(request, self.pieces)
        self.ids: list[int] = []

    def take(self, tokens: Sequence[str], finish_reason: str | None) -> None:
        """Adds what the server has sent; `finish_reason` is the server's."""
        for text in tokens:
            if not self.reason and self.admits(piece := self.pieces.add(text), self.ids):
                self.ids.append(piece)
                self.look(self.ids)
        if finish_reason and not self.reason:
            if finish_reason == "length":
                self._cut(self.ids, complete=False)
            else:
                self._finish(len(self.ids), "end_of_text")

    @property
    def written(self) -> Sample:
        return self.sample(self.ids)


def _samples(client: Any, model: str, text: str, request: Generation) -> Iterator[list[Sample]]:
    """Snapshots of one request's samples, all of them from one stream."""
    rows = [_Row(request) for _ in range(request.num_samples)]
    begun = False
    try:
        with closing(_stream(client, model, text, request)) as stream:
            for chunk in stream:
                begun = True
                for choice in chunk.choices:
                    rows[choice.index].take(_tokens(choice), choice.finish_reason)
                yield [row.written for row in rows]
                if all(row.reason for row in rows):
                    return
    except Exception as error:  # servers break in many ways, and each library has its own words for it
        raise told(error, begun=begun) from error
    raise CheckpointError(
        "The remote server ended its answer before it was whole. Ask again; if it happens often, its log may say why."
    )


def _tokens(choice: Any) -> list[str]:
    """The tokens of what was sent: a server that is asked for logprobs tells them, as several may come at once."""
    told_tokens = getattr(choice.logprobs, "tokens", None) or []
    return list(told_tokens) if "".join(told_tokens) == choice.text else [choice.text] if choice.text else []


def _stream(client: Any, model: str, text: str, request: Generation) -> Any:
    from openai import BadRequestError, UnprocessableEntityError

    fields: dict[str, Any] = {
        "model": model,
        "prompt": text,
        "stream": True,
        "n": request.num_samples,
        "temperature": request.temperature,
        "top_p": request.top_p,
        "max_tokens": request.max_new_tokens + 1,  # one more shows whether the last word is whole
    }
    fields |= {"seed": request.seed} if request.seed is not None else {}
    fields |= {"stop": ["\n"]} if request.newline_ends else {}
    try:
        return client.completions.create(**fields, extra_body=_vllm(request))
    except (BadRequestError, UnprocessableEntityError):
        return client.completions.create(**fields)


def _vllm(request: Generation) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "top_k": request.top_k or -1,
        "repetition_penalty": request.repetition_penalty,
        "min_tokens": request.min_new_tokens,
        "logprobs": 0,  # of the chosen tokens alone
    }
    return fields | ({"bad_words": list(request.bad_words)} if request.bad_words else {})


def _client(place: Address) -> Any:
    try:
        from openai import OpenAI, Timeout
    except ImportError:
        raise CheckpointError("A remote base needs OpenAI's client: pip install openai") from None
    timeout = Timeout(_SILENT_SECONDS, connect=_CONNECT_SECONDS)
    return OpenAI(base_url=place.url, api_key=settings.current().remote_key or "none", max_retries=0, timeout=timeout)


def told(error: Exception, *, begun: bool) -> KogptError:
    """What the one who asked hears of a fault of the server or of the way to it; the log hears more, but no key."""
    from openai import APIConnectionError, APIStatusError

    if isinstance(error, KogptError):
        return error
    status = error.status_code if isinstance(error, APIStatusError) else None
    log.error("The remote base: %s%s", type(error).__name__, f" {status}" if status else "")
    if status in (429, 503):
        return Busy(_retry_after(error))
    if status in (401, 403):
        return CheckpointError(
            f"The remote server refuses the key ({status}). Set KOGPT_REMOTE_KEY to one that it accepts."
        )
    if status == 404:
        return CheckpointError(
            "The remote server has no such model or address (404). KOGPT_BASE is URL#MODEL; GET URL/models "
            "lists its models."
        )
    if status is not None:
        return CheckpointError(f"The remote server answers {status}. Its log says why.")
    if isinstance(error, APIConnectionError) and not begun:
        return CheckpointError(
            f"The remote server cannot be reached ({type(error).__name__}). Start it, or set KOGPT_BASE to "
            f"another base."
        )
    return CheckpointError(
        f"The remote server's answer broke off or cannot be read ({type(error).__name__}). Ask again."
    )


def _retry_after(error: Any) -> int:
    given = error.response.headers.get("retry-after", "")
    return min(max(int(given), 1), _LONGEST_WAIT) if given.isdecimal() else 5

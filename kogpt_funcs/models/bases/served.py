"""Which of a remote server's models a request goes to, and its prompt as one text. It sends nothing but GET /models.

A function's adapter is the model of its name, as vLLM serves those of `--lora-modules change_style=FOLDER`; or
BASE:NAME, as Ray Serve LLM has it.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from typing import Any, NamedTuple

from kogpt_funcs.contract.errors import CheckpointError
from kogpt_funcs.models.bases.plain import plain_text
from kogpt_funcs.models.prompt import Generation, Prompt, Special

_KEPT_SECONDS = 60  # that a server's list of models is believed
_CONTROL = re.compile(r"<(?=(?:/?s|/?d|usr|sys|pad|bos|eos|unk|mask|(?:start|end)_of_turn|unused\d+)>)")
#: KoGPT2's names that Gemma has other names for; its begin token comes by itself.
_GEMMA = {"</s>": "<eos>", "<usr>": "<unused90>", "<sys>": "<unused91>", "<d>": "<unused92>", "</d>": "<unused93>"}


class Served(NamedTuple):
    """A model of the server's: what it is called, and what it is or was made of."""

    name: str
    made_of: str


_lists: dict[str, tuple[float, list[Served]]] = {}


def addressed(request: Generation, url: str, model: str, client: Any) -> tuple[str, str]:
    """(model, prompt) that `request` comes to. Raises CheckpointError where the server has no model for it."""
    found = _find(request.adapter, url, model, client) if request.adapter else None
    if not request.adapter or (request.adapter_optional and not found):
        return model, _CONTROL.sub("< ", plain_text(request, model))
    if found is None:
        raise CheckpointError(
            f"Base {model!r} cannot run {request.adapter}: its server has no model of that name. Serve the adapter "
            f"beside the base, as vLLM does by --lora-modules {request.adapter}=FOLDER."
        )
    return found.name, written(request.prompt, gemma="gemma" in f"{found.made_of} {model}".lower())


def written(prompt: Prompt, *, gemma: bool) -> str:
    """The prompt as one text: special tokens by the names in the model's vocabulary, none in what users wrote."""
    pieces = list(prompt)
    if pieces and pieces[0] == Special("<s>"):
        pieces = pieces[1:]  # the server's tokenizer begins a text as the model was trained to
    names = _GEMMA if gemma else {}
    return "".join(names.get(p.name, p.name) if isinstance(p, Special) else _CONTROL.sub("< ", p) for p in pieces)


def _find(adapter: str, url: str, model: str, client: Any) -> Served | None:
    names = (adapter, f"{model}:{adapter}")
    return next((served for served in _list(url, client) if served.name in names), None)


def _list(url: str, client: Any) -> Iterable[Served]:
    """What GET /models tells; nothing where a server has no such address."""
    at, known = _lists.get(url, (0.0, []))
    if not known or time.monotonic() - at > _KEPT_SECONDS:
        from openai import NotFoundError

        try:
            told = client.models.list().data
        except NotFoundError:
            told = []
        known = [Served(m.id, f"{getattr(m, 'parent', None) or ''} {getattr(m, 'root', None) or ''}") for m in told]
        _lists[url] = time.monotonic(), known
    return known

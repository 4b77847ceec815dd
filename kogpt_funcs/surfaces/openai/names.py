"""Which models there are: the base, what was trained on it, and the functions that talk."""

from __future__ import annotations

import time
from typing import Literal, NamedTuple

from pydantic import BaseModel, Field

from kogpt_funcs import models
from kogpt_funcs.contract import registry
from kogpt_funcs.contract.errors import KogptError
from kogpt_funcs.contract.function import Function

_STARTED = int(time.time())


class ModelCard(BaseModel):
    id: str = Field(description="The name to send as `model`.")
    object: Literal["model"] = "model"
    created: int = Field(description="When this server started, in seconds since 1970.")
    owned_by: str = "kogpt-funcs"


class ModelCards(BaseModel):
    object: Literal["list"] = "list"
    data: list[ModelCard]


class NoModel(KogptError):
    """No model of that name, or none for this address."""

    code = "model_not_found"


class Writer(NamedTuple):
    """What continues a text: the base, or an adapter on it."""

    adapter: str | None


def talkers() -> dict[str, Function]:
    """The functions that talk, by name."""
    return {name: function for name, function in registry.functions().items() if function.talk}


def writers() -> dict[str, Writer]:
    """What continues texts, by name. The adapter of a function that talks is not among them: it answers as that
    function, with its safety.
    """
    trained = [name for name in models.adapters() if name not in talkers()]
    return {models.base_name(): Writer(None), **{name: Writer(name) for name in trained}}


def cards() -> ModelCards:
    """A card for every model."""
    return ModelCards(data=[_card(name) for name in dict.fromkeys([*writers(), *talkers()])])


def card(name: str) -> ModelCard:
    """The card of one model, or NoModel."""
    known = [*writers(), *talkers()]
    if name not in known:
        raise _none(name, known)
    return _card(name)


def writer(name: str) -> Writer:
    """What continues texts under that name, or NoModel."""
    if name in talkers():
        raise NoModel(f"{name!r} is a chat model. Use /v1/chat/completions.")
    known = writers()
    if name not in known:
        raise _none(name, list(known))
    return known[name]


def talker(name: str) -> Function:
    """The function that talks under that name, or NoModel."""
    if name in talkers():
        return talkers()[name]
    if name in writers():
        raise NoModel(f"{name!r} is no chat model. Use /v1/completions; chat models: {', '.join(talkers()) or 'none'}.")
    raise _none(name, list(talkers()))


def _card(name: str) -> ModelCard:
    return ModelCard(id=name, created=_STARTED)


def _none(name: str, known: list[str]) -> NoModel:
    return NoModel(f"There is no model {name[:100]!r}. Models here: {', '.join(known) or 'none'}.")

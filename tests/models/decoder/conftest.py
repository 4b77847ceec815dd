"""What the decoder's tests share: a base on each of its engines, settings, an engine that can be followed by hand."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator

import pytest
from decoder_bases import PARAMS, Base
from tiny_language import Letters, TableNetwork

from kogpt_funcs.contract import settings
from kogpt_funcs.models import cache
from kogpt_funcs.models.decoder.engine import Engine


@pytest.fixture
def configure(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Changes settings until the test ends: configure(engine="fp32")."""

    def change(**values: str | int) -> None:
        monkeypatch.setattr(settings, "_current", dataclasses.replace(settings.current(), **values))

    return change


@pytest.fixture(params=PARAMS)
def base(request: pytest.FixtureRequest, configure: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> Base:
    """A base on one of its engines, not loaded yet."""
    monkeypatch.setattr(cache, "_entries", {})
    configure(base=request.param.name, engine=request.param.engine)
    return request.param


@pytest.fixture
def letters() -> Letters:
    return Letters()


@pytest.fixture
def table(letters: Letters) -> TableNetwork:
    return TableNetwork(letters.size)


@pytest.fixture
def tiny(letters: Letters, table: TableNetwork) -> Iterator[Engine]:
    """An engine over the tiny language, with a context of 64 tokens."""
    engine = Engine(table, letters, 64)
    yield engine
    engine.close()

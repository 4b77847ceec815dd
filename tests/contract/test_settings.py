"""Settings: read once and checked, each wrong value told in a sentence; replaced for a process, or for a block."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from kogpt_funcs.contract import settings
from kogpt_funcs.contract.errors import KogptError
from kogpt_funcs.contract.settings import Settings


@pytest.fixture
def unread(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a process that has asked for no setting yet."""
    monkeypatch.setattr(settings, "_current", None)


@pytest.mark.usefixtures("unread")
def test_the_environment_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {
        "KOGPT_BASE": " some/where ",
        "KOGPT_WEIGHTS": "elsewhere",
        "KOGPT_CACHE_GB": "0.5",
        "KOGPT_QUEUE": "3",
        "KOGPT_DETERMINISTIC": "1",
        "KOGPT_THREADS": "2",
        "KOGPT_API_KEY": "",
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    read = settings.current()
    assert (read.base, read.weights, read.cache_bytes, read.queue) == ("some/where", Path("elsewhere"), 500_000_000, 3)
    assert (read.deterministic, read.threads, read.api_key) == (True, 2, None)
    monkeypatch.setenv("KOGPT_BASE", "other")
    assert settings.current() is read


@pytest.mark.usefixtures("unread")
@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("KOGPT_QUEUE", "none", "KOGPT_QUEUE has value 'none'. It must be a number above 0."),
        ("KOGPT_CACHE_GB", "-1", "KOGPT_CACHE_GB has value '-1'"),
        ("KOGPT_THREADS", "nan", "KOGPT_THREADS has value 'nan'"),
        ("KOGPT_ENGINE", "fast", "KOGPT_ENGINE has value 'fast'. It must be one of: auto, compiled"),
    ],
)
def test_a_wrong_value_gets_a_sentence(monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(KogptError) as caught:
        settings.current()
    assert words in str(caught.value)


def test_settings_are_replaced_and_never_changed() -> None:
    before = settings.current()
    with settings.using(base="one"):
        assert settings.replace(queue=1) == dataclasses.replace(before, base="one", queue=1)
    assert settings.current() is before
    with pytest.raises(dataclasses.FrozenInstanceError):
        before.base = "two"  # type: ignore[misc]


def test_a_key_is_never_shown() -> None:
    assert "secret" not in repr(Settings(api_key="secret", remote_key="secret", youtube_key="secret"))
    with pytest.raises(KogptError, match="KOGPT_YOUTUBE_KEY is not set"):
        Settings().key_for_youtube()

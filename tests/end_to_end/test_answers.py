"""Each function's answers on the shipped weights, pinned: greedy, fp32, one thread of control.

New weights change them: read the new answers, then write them down with `python tests/test_answers.py`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kogpt_funcs.contract import registry, settings
from kogpt_funcs.models import cache

PINNED = Path(__file__).parents[1] / "pinned_answers.json"


def questions() -> list[tuple[str, dict[str, Any]]]:
    """Every example of every function, greedy where the function samples."""
    found = []
    for name, function in registry.functions().items():
        greedy = {"temperature": 0.0} if "temperature" in function.input.model_fields else {}
        found += [(name, {**example, **greedy}) for example in function.examples]
    return found


def answer(name: str, data: dict[str, Any]) -> dict[str, Any]:
    function = registry.get(name)
    return function.call(function.parse(data)).model_dump()


def rounded(value: Any) -> Any:
    """`value` with probabilities to two decimals, alike ones by label: the last digits differ between machines."""
    if isinstance(value, float):
        return round(value, 2)
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    if not isinstance(value, list):
        return value
    items = [rounded(item) for item in value]
    shares = all(isinstance(item, dict) and item.keys() == {"label", "probability"} for item in items)
    return sorted(items, key=lambda item: (-item["probability"], item["label"])) if shares else items


def close(a: Any, b: Any) -> bool:
    if isinstance(a, float) and isinstance(b, float):
        return abs(a - b) <= 0.011
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(close(a[key], b[key]) for key in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(close, a, b))
    return bool(a == b)


@pytest.fixture(autouse=True)
def in_fp32(monkeypatch: pytest.MonkeyPatch) -> None:
    settings.replace(engine="fp32")  # the others' last digits differ between machines
    monkeypatch.setattr(
        cache, "_entries", {name: entry for name, entry in cache._entries.items() if name != "small"} | _own
    )


_own: dict[str, Any] = {}  # the base in fp32, kept from test to test


@pytest.mark.parametrize(("name", "data"), questions(), ids=lambda value: value if isinstance(value, str) else "")
def test_the_answer_is_the_pinned_one(name: str, data: dict[str, Any]) -> None:
    pinned = {json.dumps([n, d], sort_keys=True): a for n, d, a in json.loads(PINNED.read_text(encoding="utf-8"))}
    expected = pinned[json.dumps([name, data], sort_keys=True)]
    given = rounded(answer(name, data))
    _own.update({name: entry for name, entry in cache._entries.items() if name == "small"})
    assert close(given, rounded(expected)), f"{given} is not the pinned {expected}"


if __name__ == "__main__":
    settings.replace(engine="fp32")
    answers = [[name, data, rounded(answer(name, data))] for name, data in questions()]
    PINNED.write_text(json.dumps(answers, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    print(PINNED.read_text(encoding="utf-8"))

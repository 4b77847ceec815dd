"""What a function answers, as any surface would ask it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tqdm import tqdm

from kogpt_funcs.contract import registry

_AT_ONCE = 16  # requests share the decoder's batch; an answer does not depend on its company


def answer(name: str, **fields: Any) -> Any:
    """The Output of the function `name` for `fields`, all others at their defaults."""
    function = registry.get(name)
    return function.call(function.parse(fields))


def answers(name: str, asked: Iterable[Mapping[str, Any]]) -> list[Any]:
    """The Outputs for each of `asked`, in their order; sixteen are asked at once."""
    wanted = list(asked)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        found = pool.map(lambda fields: answer(name, **fields), wanted)
        return list(tqdm(found, name, total=len(wanted), unit="call", disable=None))

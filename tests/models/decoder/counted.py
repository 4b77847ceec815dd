"""A request that is over after so many steps: what admission and scheduling need to be tried on."""

from __future__ import annotations

from typing import Any

from kogpt_funcs.models.decoder.running import Running


class Counted(Running):
    def __init__(self, steps: int = 1, places: int = 1) -> None:
        super().__init__(None)
        self.left, self._places = steps, places

    @property
    def places(self) -> int:
        return self._places

    @property
    def over(self) -> bool:
        return self.error is not None or not self.left

    def count(self) -> None:
        self.left -= 1
        self.turn += 1
        self.show()

    def read(self) -> list[tuple[list[int], Any]]:
        return []

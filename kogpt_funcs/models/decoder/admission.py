"""Who is in the batch and who waits: requests join while there is room, and make room when they have had their turn."""

from __future__ import annotations

from collections import deque

from kogpt_funcs.models.decoder.running import Running

_PLACES = 32  # sequences in the batch
_TURN = 64  # steps after which a request makes room, if others wait


class Admission:
    """The queue and the batch. A request that needs more than all places is admitted when it is alone."""

    def __init__(self, places: int = _PLACES, turn: int = _TURN) -> None:
        self.places, self.turn = places, turn
        self.waiting: deque[Running] = deque()
        self.batch: list[Running] = []

    @property
    def idle(self) -> bool:
        return not self.waiting and not self.batch

    @property
    def load(self) -> dict[str, int]:
        """Requests in the batch, and those that wait to join it."""
        return {"running": len(self.batch), "waiting": len(self.waiting)}

    def admit(self) -> None:
        """Lets requests join in the order in which they came."""
        while self.waiting and self.waiting[0].cancelled:
            self.waiting.popleft()
        taken = sum(running.places for running in self.batch)
        if not self._fits(taken):
            taken -= self._make_room()
        while self.waiting and self._fits(taken):
            running = self.waiting.popleft()
            running.turn = 0
            taken += running.places
            self.batch.append(running)

    def sweep(self) -> list[Running]:
        """Takes the requests that are over or cancelled out of the batch; these are returned."""
        left = [running for running in self.batch if running.over or running.cancelled]
        if left:
            self.batch = [running for running in self.batch if running not in left]
        return left

    def _fits(self, taken: int) -> bool:
        return not self.waiting or not self.batch or taken + self.waiting[0].places <= self.places

    def _make_room(self) -> int:
        """Sends the request that has been in the batch longest to the end of the queue, if it has had its turn; its
        places.
        """
        longest = max(self.batch, key=lambda running: running.turn)
        if longest.turn < self.turn:
            return 0
        self.batch.remove(longest)
        self.waiting.append(longest)
        return longest.places

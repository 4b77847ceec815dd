"""One sample under way: the rules it is drawn by, where it ends, and the caches of what it has read."""

from __future__ import annotations

from typing import Any

from kogpt_funcs.models.decoder.endings import Ending
from kogpt_funcs.models.decoder.sampling import Choice
from kogpt_funcs.models.prompt import Generation, Sample
from kogpt_funcs.models.tokenizers.tokenizer import Detokenizer


class RunningSample:
    """Number `index` of the samples of `request`, whose own prompt has the ids `prompt`."""

    def __init__(self, request: Generation, index: int, prompt: list[int], tokenizer: Detokenizer) -> None:
        self.choice = Choice.of(request, index, prompt, tokenizer)
        self.ending = Ending(request, tokenizer)
        self.caches: list[Any] = []  # one a prompt of the request; none before these have been read

    @property
    def ids(self) -> list[int]:
        return self.choice.ids

    @property
    def written(self) -> Sample:
        return self.ending.sample(self.ids)

    def add(self, token: int) -> None:
        """Adds `token`, or ends here."""
        if self.ending.admits(token, self.ids):
            self.choice.add(token)
            self.ending.look(self.ids)

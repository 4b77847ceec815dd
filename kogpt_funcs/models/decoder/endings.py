"""Where a sample ends: at the end of its text, at a sentence end, at a stop string, or cut at its length."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from kogpt_funcs.korean.text import last_sentence_end
from kogpt_funcs.models.prompt import Generation, Sample
from kogpt_funcs.models.tokenizers.tokenizer import Detokenizer

_SOFT_END = 0.6  # from this share of the length on, a sample may stop at a sentence end


class Ending:
    """Looks at each token of one sample before it is added; `reason` is empty until the sample has ended."""

    def __init__(self, request: Generation, tokenizer: Detokenizer) -> None:
        self.request, self.tokenizer = request, tokenizer
        self.reason: Any = ""
        self._kept = 0  # tokens of the finished sample
        self._characters: int | None = None  # of its text, where a stop string cuts it

    def admits(self, token: int, ids: Sequence[int]) -> bool:
        """Does `token` follow `ids`? If not, the sample has ended with what it has."""
        made, tokenizer, request = len(ids), self.tokenizer, self.request
        if token == tokenizer.end or (request.newline_ends and token == tokenizer.newline):
            return self._finish(made, "end_of_text")
        complete = tokenizer.breaks_word[token]
        if request.end == "sentence" and complete and made >= request.max_new_tokens * _SOFT_END:
            text = tokenizer.decode(ids)
            if text and last_sentence_end(text) == len(text):
                return self._finish(made, "sentence_end")
        if made == request.max_new_tokens:
            return self._cut(ids, complete)
        return True

    def look(self, ids: Sequence[int]) -> None:
        """Ends the sample if its text now holds a stop string."""
        if self.request.stop:
            text = self.tokenizer.decode(ids)
            places = [at for at in map(text.find, self.request.stop) if at >= 0]
            if places:
                self._characters = min(places)
                self._finish(len(ids), "stop")

    def sample(self, ids: Sequence[int]) -> Sample:
        """What has been written so far, or the finished sample."""
        kept = self._kept if self.reason else len(ids)
        text = self.tokenizer.decode(ids[:kept])[: self._characters]
        return Sample(re.sub(r"\s+$", "", text), kept, self.reason)

    def _cut(self, ids: Sequence[int], complete: bool) -> bool:
        """Ends a sample that reached its length: after its last whole sentence, else its last whole word."""
        decode, kept = self.tokenizer.decode, len(ids)
        if self.request.end == "sentence" and (end := last_sentence_end(decode(ids))):
            return self._finish(next(n for n in range(1, kept + 1) if len(decode(ids[:n])) >= end), "sentence_end")
        if not complete:
            starts = [n for n in range(1, kept) if self.tokenizer.breaks_word[ids[n]]]
            kept = starts[-1] if starts else kept
        return self._finish(kept, "length")

    def _finish(self, kept: int, reason: str) -> bool:
        self._kept, self.reason = kept, reason
        return False

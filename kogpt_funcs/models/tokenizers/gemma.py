"""Token ids of Gemma's vocabulary, cut to Korean or whole. A prompt's control tokens go by KoGPT2's names."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from tokenizers import Tokenizer as FastTokenizer

from kogpt_funcs.contract.errors import CheckpointError
from kogpt_funcs.models.prompt import Prompt, Special
from kogpt_funcs.models.tokenizers.pieces import begins_word, text_of

#: Gemma's own control tokens, and its unused ones.
CONTROL = (
    "<pad>",
    "<eos>",
    "<bos>",
    "<unk>",
    "<mask>",
    "<start_of_turn>",
    "<end_of_turn>",
    *(f"<unused{i}>" for i in range(99)),
)
#: KoGPT2's names that Gemma has other names for.
_NAMES = {
    "<s>": "<bos>",
    "</s>": "<eos>",
    "<usr>": "<unused90>",
    "<sys>": "<unused91>",
    "<d>": "<unused92>",
    "</d>": "<unused93>",
}
_CONTROL_TEXT = re.compile("|".join(map(re.escape, CONTROL)))


class GemmaTokenizer:
    """A `tokenizer.json` with Gemma's control tokens."""

    def __init__(self, path: Path) -> None:
        self._fast = FastTokenizer.from_file(str(path))
        ids = {name: self._fast.token_to_id(name) for name in CONTROL}
        lacking = next((name for name, i in ids.items() if i is None), None)
        if lacking:
            raise CheckpointError(f"{path.parent.name}/{path.name} has no {lacking}, which Gemma's vocabulary has.")
        self._ids: dict[str, int] = {name: int(i) for name, i in ids.items() if i is not None}
        self.size = self._fast.get_vocab_size()
        self.end, self.pad = self._ids["<eos>"], self._ids["<pad>"]
        self.control = frozenset(self._ids.values())
        self.newline: int | None = self._fast.token_to_id("\n")
        self._pieces = [self._fast.id_to_token(i) or "" for i in range(self.size)]
        self.breaks_word = [i in self.control or begins_word(piece) for i, piece in enumerate(self._pieces)]

    def encode(self, prompt: Prompt) -> list[int]:
        """Ids of a prompt, each piece of text by itself. One that begins with a control token begins with <bos>
        first.
        """
        ids: list[int] = []
        for piece in prompt:
            if isinstance(piece, Special):
                ids.append(self._ids[_NAMES.get(piece.name, piece.name)])
            else:
                ids += self._fast.encode(_defused(piece), add_special_tokens=False).ids
        begin = self._ids["<bos>"]
        return [begin, *ids] if prompt and isinstance(prompt[0], Special) and ids[0] != begin else ids

    def decode(self, ids: Iterable[int]) -> str:
        """Text of `ids`: control tokens are dropped, an unfinished character is held back."""
        return text_of(self._pieces[i] for i in ids if i not in self.control)

    def save(self, path: Path) -> None:
        self._fast.save(str(path))


def _defused(text: str) -> str:
    """`text` with what looks like a control token made harmless: `<bos>` becomes `< bos>`."""
    return _CONTROL_TEXT.sub(lambda match: "< " + match[0][1:], text)

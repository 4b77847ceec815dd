"""Token ids of KoGPT2-like tokenizers, ours and SKT's own: encode prompts, decode without losing jamo or emoji."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from tokenizers import Tokenizer as FastTokenizer

from kogpt_funcs.contract.errors import CheckpointError
from kogpt_funcs.models.prompt import Prompt, Special
from kogpt_funcs.models.tokenizers.pieces import begins_word, text_of

#: KoGPT2's special tokens in the order of their ids, 0 to 108; ids above are text (emoji and emoticons included).
SPECIALS = (
    "<s>",
    "</s>",
    "<usr>",
    "<pad>",
    "<sys>",
    "<unk>",
    "<mask>",
    "<d>",
    "</d>",
    *(f"<unused{i}>" for i in range(100)),
)
END = SPECIALS.index("</s>")
PAD = SPECIALS.index("<pad>")
NEWLINE = "\n"

_SPECIAL_TEXT = re.compile("|".join(re.escape(name) for name in SPECIALS))
#: Conjoining jamo (what NFKC makes of ㅋ or ㅠ) → the compatibility jamo people type.
_JAMO = {
    **dict(zip(range(0x1100, 0x1113), "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ", strict=True)),
    **dict(zip(range(0x1161, 0x1176), "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ", strict=True)),
    **dict(zip(range(0x11A8, 0x11C3), "ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ", strict=True)),
}


class Tokenizer:
    """A `tokenizer.json` whose ids 0 to 108 are KoGPT2's special tokens."""

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise CheckpointError(
                f"No {path.name} in checkpoint {path.parent.name!r}. A checkpoint folder needs its tokenizer.json."
            )
        self._fast = FastTokenizer.from_file(str(path))
        wrong = [name for i, name in enumerate(SPECIALS) if self._fast.token_to_id(name) != i]
        if wrong:
            raise CheckpointError(
                f"{path.parent.name}/{path.name}: {wrong[0]} has id {self._fast.token_to_id(wrong[0])}, not "
                f"{SPECIALS.index(wrong[0])}. "
                "The prompts of these functions need KoGPT2's special tokens at KoGPT2's ids."
            )
        self.end, self.pad, self.control = END, PAD, range(len(SPECIALS))
        self.size = self._fast.get_vocab_size()
        self._pieces = [self._fast.id_to_token(i) or "" for i in range(self.size)]
        newline = self._fast.token_to_id(NEWLINE)
        self.newline: int | None = newline if newline is not None and newline > 108 else None
        #: For each id: is the word before it complete?
        self.breaks_word = [i <= 108 or begins_word(piece) for i, piece in enumerate(self._pieces)]

    def encode(self, prompt: Prompt) -> list[int]:
        """Ids of a prompt: each piece of text is encoded by itself, so that text never turns into a special token."""
        ids: list[int] = []
        for piece in prompt:
            if isinstance(piece, Special):
                ids.append(SPECIALS.index(piece.name))
            else:
                ids.extend(self._fast.encode(defuse(piece), add_special_tokens=False).ids)
        return ids

    def decode(self, ids: Iterable[int]) -> str:
        """Text of `ids`: special tokens are dropped, jamo are as people type them, an unfinished character is held
        back.
        """
        text = text_of(self._pieces[i] for i in ids if i > 108).translate(_JAMO)
        return re.sub(r"\n ", "\n", text)

    def save(self, path: Path) -> None:
        self._fast.save(str(path))


def defuse(text: str) -> str:
    """`text` with what looks like a special token made harmless: `<usr>` becomes `< usr>`."""
    return _SPECIAL_TEXT.sub(lambda match: "< " + match[0][1:], text)

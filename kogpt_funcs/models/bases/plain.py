"""The prompts that any language model can continue: plain text, no special tokens, no adapter."""

from __future__ import annotations

from kogpt_funcs.contract.errors import CheckpointError
from kogpt_funcs.models.prompt import Generation, Special

_OURS = "weights/small or skt/kogpt2-base-v2"


def plain_text(request: Generation, base: str) -> str:
    """The text that `request` wants continued; CheckpointError where it asks for more than the model `base` can
    know.
    """
    if request.adapter and not request.adapter_optional:
        raise CheckpointError(
            f"Base {base!r} cannot run {request.adapter}, whose adapter fits GPT-2 bases alone, such as {_OURS}."
        )
    pieces = list(request.plain or request.prompt)
    if pieces and pieces[0] == Special("<s>"):
        pieces = pieces[1:]  # the model's own tokenizer begins a text as it was trained to
    unknown = next((piece.name for piece in pieces if isinstance(piece, Special)), None)
    if unknown or not pieces:
        raise CheckpointError(
            f"Base {base!r} does not know the special token {unknown or '<s>'} of this function's prompt. It "
            f"continues plain text alone; "
            f"for the rest set KOGPT_BASE to a base with KoGPT2's special tokens, such as {_OURS}."
        )
    return "".join(str(piece) for piece in pieces)

"""What the house must know of one kind of language model. Each is one file in this folder, which ends in
`ARCHITECTURE = …`.
"""

from __future__ import annotations

import hashlib
from typing import Any, ClassVar, NamedTuple

import torch

from kogpt_funcs.models.networks.network import Network


class Shape(NamedTuple):
    layers: int
    context: int  # tokens that a text may have
    vocabulary: int


class Architecture:
    """The facts of one architecture: where its weights are, how it runs, what an adapter changes."""

    #: `model_type` in config.json.
    model_type: ClassVar[str]
    #: The blocks in transformers' model, and the linear layers of a block in the order in which they run.
    blocks: ClassVar[str]
    parts: ClassVar[tuple[str, ...]]
    #: Whether the linear layers keep their weights as [inputs, outputs] (transformers' Conv1D).
    transposed: ClassVar[bool] = False
    #: The numbers that torch computes in on a CPU where the kernels in C do not run, if nobody asks for others.
    dtype: ClassVar[str] = "int8"
    #: Tensors whose hash tells one model's weights from another's: names, and how many rows of each.
    marks: ClassVar[tuple[tuple[str, int], ...]]

    def shape(self, config: Any) -> Shape:
        """Of transformers' configuration."""
        text = config.get_text_config()
        return Shape(text.num_hidden_layers, text.max_position_embeddings, text.vocab_size)

    def network(self, model: Any, dtype: str, device: torch.device) -> Network:
        """The weights of transformers' `model` by torch's own operators: "fp32", "bf16" or "int8"."""
        raise NotImplementedError

    def compiled(self, model: Any) -> Network | None:
        """The same weights for the kernels in C; None where this processor or this shape has none."""
        return None

    @property
    def targets(self) -> list[str]:
        """The linear layers by the names that PEFT wants."""
        return sorted({part.rpartition(".")[2] for part in self.parts})

    def fingerprint(self, model: Any) -> str:
        """Twelve hex digits that change when the weights do."""
        state = model.state_dict()
        digest = hashlib.sha256()
        for name, rows in self.marks:
            tensor = state[name][:rows].detach().cpu().to(torch.bfloat16).contiguous()
            digest.update(tensor.view(torch.int16).numpy().tobytes())
        return digest.hexdigest()[:12]

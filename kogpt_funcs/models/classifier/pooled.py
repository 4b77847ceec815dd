"""A head of labels on the final states of a causal base, whose blocks carry the head's own LoRA."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import torch
from torch import nn
from transformers.modeling_outputs import SequenceClassifierOutput


class Pooled(nn.Module):
    """The mean of the final states plus the last one, normed, to one output a label. `body` is a base without its own
    head.
    """

    def __init__(self, body: Any, labels: int) -> None:
        super().__init__()
        self.body, self.config = body, body.config
        width = int(body.config.hidden_size)
        self.head = nn.Sequential(OrderedDict(norm=nn.LayerNorm(width), outputs=nn.Linear(width, labels)))

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> SequenceClassifierOutput:
        """Logits fp32 [batch, labels] of right-padded rows."""
        states = self.body(input_ids=input_ids, attention_mask=attention_mask, use_cache=False).last_hidden_state
        with torch.autocast(states.device.type, enabled=False):
            logits = self.head(pooled(states.float(), attention_mask))
        return SequenceClassifierOutput(logits=logits)


def pooled(states: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
    """[batch, width]: the mean of each row's states [batch, tokens, width] plus the last of them."""
    counts = attention_mask.sum(1)
    mean = (states * attention_mask[..., None]).sum(1) / counts[:, None]
    last = states[torch.arange(len(states), device=states.device), counts - 1]
    return mean + last

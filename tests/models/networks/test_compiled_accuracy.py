"""What int8 costs on text that no base has read: nats a character beside transformers in fp32, by every instruction
set here.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from package_copy import ROOT

from kogpt_funcs.benchmarking.documents import Document, read_documents
from kogpt_funcs.models.bases import checkpoints
from kogpt_funcs.models.bases.loading import architecture_of, load
from kogpt_funcs.models.networks.kernels import library
from kogpt_funcs.models.networks.network import Network, Work

TEXT = ROOT / "data" / "written" / "prose.jsonl.xz"
BAR = 0.003  # of the nats that fp32 needs


def nats(logits: torch.Tensor, document: Document) -> float:
    ids, counted = torch.tensor(document.ids[1:]), torch.tensor(document.counted[1:])
    return float(-logits[:-1].log_softmax(-1).gather(1, ids[:, None])[counted].double().sum())


def compiled(folder: Path, model: object) -> Network:
    architecture = architecture_of(folder)
    assert architecture is not None
    network = architecture.compiled(model)
    assert network is not None
    return network


@pytest.mark.skipif(library() is None, reason="no library for this machine")
@pytest.mark.parametrize(
    ("base", "documents"),
    [pytest.param("small", 24, id="small"), pytest.param("gemma", 24, id="gemma", marks=pytest.mark.soak)],
)
def test_int8_costs_less_than_three_in_a_thousand(base: str, documents: int) -> None:
    folder = checkpoints.folder(base)
    model = load(folder).float().eval()
    network = compiled(folder, model)
    exact = found = 0.0
    for document in read_documents(TEXT, folder).documents[:documents]:
        with torch.inference_mode():
            exact += nats(model(input_ids=torch.tensor([document.ids])).logits[0], document)
        found += nats(network.forward([Work(document.ids, network.cache(), None)], every=True), document)
    assert found != exact
    assert found / exact - 1 < BAR

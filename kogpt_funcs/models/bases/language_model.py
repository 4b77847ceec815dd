"""A base with its adapters: one copy of the weights in memory, one engine that runs all requests on it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from kogpt_funcs.contract import settings
from kogpt_funcs.contract.errors import CheckpointError
from kogpt_funcs.models import cache
from kogpt_funcs.models.bases import checkpoints
from kogpt_funcs.models.bases.loading import architecture_of, device, load
from kogpt_funcs.models.decoder.engine import Engine
from kogpt_funcs.models.metadata import read_json
from kogpt_funcs.models.networks import architectures
from kogpt_funcs.models.networks.adapters import read_adapter
from kogpt_funcs.models.networks.architecture import Architecture
from kogpt_funcs.models.networks.network import Network
from kogpt_funcs.models.tokenizers import read_tokenizer


class LanguageModel(cache.Loaded):
    """Weights, tokenizer and adapters of one base, and the engine that all its requests share."""

    def __init__(self, name: str) -> None:
        folder = checkpoints.folder(name)
        self.name, self.architecture = name, _known(folder, name)
        self.tokenizer = read_tokenizer(folder)
        self.device = device()
        model = load(folder)
        self.shape = self.architecture.shape(model.config)
        if self.shape.vocabulary < self.tokenizer.size:
            raise CheckpointError(
                f"Checkpoint {checkpoints.slug(name)!r}: its tokenizer has {self.tokenizer.size} entries, "
                f"its weights {self.shape.vocabulary}."
            )
        self.fingerprint = self.architecture.fingerprint(model)
        self._base_parameters = sum(p.numel() for p in model.parameters())
        self.network = network_of(model, self.architecture, self.device)
        self.engine = Engine(self.network, self.tokenizer, self.shape.context)
        self._adapters: dict[str, Any] = {}
        self._adapter_parameters = 0

    @property
    def parameters(self) -> int:
        return self._base_parameters + self._adapter_parameters

    @property
    def bytes(self) -> int:
        return self.network.bytes + 4 * self._adapter_parameters

    @property
    def details(self) -> dict[str, Any]:
        return {
            "device": str(self.device),
            "engine": "compiled" if self.network.batch_invariant else "torch",
            "dtype": self.network.dtype,
            "base_parameters": self._base_parameters,
            "adapters": sorted(self._adapters),
            "prefix_bytes": self.engine.prefixes.bytes,
            **self.engine.load,
        }

    def adapter(self, name: str) -> Any:
        """`name`'s adapter as the engine takes it, loaded by the first who asks.

        Raises CheckpointError where it does not fit this base.
        """
        if name not in self._adapters:
            with cache.building:
                if name not in self._adapters:
                    folder = self.adapter_folder(name)
                    with cache.loading(name):
                        pairs = read_adapter(folder, self.architecture, self.shape.layers)
                        self._adapters[name] = self.network.adapter(pairs)
                    self._adapter_parameters += sum(t.numel() for pair in pairs if pair for t in pair)
        return self._adapters[name]

    def close(self) -> None:
        self.engine.close()

    def adapter_folder(self, adapter: str) -> Path:
        """Where `adapter` for this base is; CheckpointError where there is none, or one made for other weights."""
        # A base may be a folder of the operator's: its path is not for strangers.
        named = f" --base {self.name}" if self.name in ("small", checkpoints.GEMMA) else ' --base "$KOGPT_BASE"'
        train = f"kogpt train {adapter}{named} --data FILE"
        folder = checkpoints.adapter_folder(adapter, self.name)
        if folder is None:
            raise CheckpointError(f"No adapter {adapter!r} for base {checkpoints.slug(self.name)!r}. Train it: {train}")
        made_for = read_json(folder / "base.json").get("fingerprint")
        if made_for != self.fingerprint:
            raise CheckpointError(
                f"The adapter in {folder.parent.name}/{folder.name} was trained on other weights ({made_for}) "
                f"than base "
                f"{checkpoints.slug(self.name)!r} has ({self.fingerprint}). Train it again: {train}"
            )
        return folder


def network_of(model: Any, architecture: Architecture, place: torch.device) -> Network:
    """The weights of `model` as the fastest network that this machine runs, or the one that KOGPT_ENGINE names."""
    wanted = settings.current().engine
    if wanted in ("auto", "compiled") and place.type == "cpu" and (compiled := architecture.compiled(model)):
        return compiled
    if wanted == "compiled":
        raise CheckpointError(
            f"KOGPT_ENGINE has value 'compiled', and there are no kernels for this {architecture.model_type} on this "
            "processor. Leave it unset, and the engine is chosen."
        )
    if wanted == "auto":
        wanted = architecture.dtype if place.type == "cpu" else "bf16"
    return architecture.network(model, wanted, place)


def _known(folder: Path, name: str) -> Architecture:
    architecture = architecture_of(folder)
    if architecture is None:
        kind = read_json(folder / "config.json").get("model_type")
        raise CheckpointError(
            f"Checkpoint {checkpoints.slug(name)!r} has architecture {kind!r}. These functions run on "
            f"{', '.join(sorted(architectures()))}, such as small, gemma or skt/kogpt2-base-v2."
        )
    return architecture

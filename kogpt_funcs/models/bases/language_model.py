"""A GPT-2-family base with its adapters: one copy of the weights in memory, one engine that runs all requests on it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from transformers import GPT2LMHeadModel

from kogpt_funcs.contract import settings
from kogpt_funcs.contract.errors import CheckpointError
from kogpt_funcs.models import cache
from kogpt_funcs.models.bases import checkpoints
from kogpt_funcs.models.decoder.engine import Engine
from kogpt_funcs.models.networks.adapters import read_adapter
from kogpt_funcs.models.networks.compiled import CompiledNetwork
from kogpt_funcs.models.networks.gpt2 import TorchNetwork
from kogpt_funcs.models.networks.network import Network
from kogpt_funcs.models.tokenizers.kogpt2 import Tokenizer


class LanguageModel(cache.Loaded):
    """Weights, tokenizer and adapters of one base, and the engine that all its requests share."""

    def __init__(self, name: str) -> None:
        folder = checkpoints.folder(name)
        config = checkpoints.read_json(folder / "config.json")
        if config.get("model_type") != "gpt2":
            raise CheckpointError(
                f"Checkpoint {checkpoints.slug(name)!r} has architecture {config.get('model_type')!r}. These functions run on 'gpt2', "
                "such as weights/small or skt/kogpt2-base-v2."
            )
        self.name = name
        self.tokenizer = Tokenizer(folder / "tokenizer.json")
        self.device = device()
        model = load(folder)
        if model.config.vocab_size < self.tokenizer.size:
            raise CheckpointError(
                f"Checkpoint {checkpoints.slug(name)!r}: its tokenizer has {self.tokenizer.size} entries, its weights {model.config.vocab_size}."
            )
        self.layers, self.context = int(model.config.n_layer), int(model.config.n_positions)
        self.fingerprint = checkpoints.fingerprint(model)
        self._base_parameters = sum(p.numel() for p in model.parameters())
        self.network = network_of(model, self.device)
        self.engine = Engine(self.network, self.tokenizer, self.context)
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
            "engine": type(self.network).__name__.removesuffix("Network").lower(),
            "dtype": self.network.dtype,
            "base_parameters": self._base_parameters,
            "adapters": sorted(self._adapters),
            "prefix_bytes": self.engine.prefixes.bytes,
            **self.engine.load,
        }

    def adapter(self, name: str) -> Any:
        """`name`'s adapter as the engine takes it, loaded by the first who asks. Raises CheckpointError where it does not fit this base."""
        if name not in self._adapters:
            with cache.building:
                if name not in self._adapters:
                    folder = self.adapter_folder(name)
                    with cache.loading(name):
                        pairs = read_adapter(folder, self.layers)
                        self._adapters[name] = self.network.adapter(pairs)
                    self._adapter_parameters += sum(t.numel() for pair in pairs if pair for t in pair)
        return self._adapters[name]

    def close(self) -> None:
        self.engine.close()

    def adapter_folder(self, adapter: str) -> Path:
        """Where `adapter` for this base is; CheckpointError where there is none, or one that was trained on other weights."""
        # A base may be a folder of the operator's: its path is not for strangers.
        train = f"kogpt train {adapter}" + ("" if self.name == "small" else ' --base "$KOGPT_BASE"') + " --data FILE"
        folder = checkpoints.adapter_folder(adapter, self.name)
        if folder is None:
            raise CheckpointError(f"No adapter {adapter!r} for base {checkpoints.slug(self.name)!r}. Train it: {train}")
        made_for = checkpoints.read_json(folder / "base.json").get("fingerprint")
        if made_for != self.fingerprint:
            raise CheckpointError(
                f"The adapter in {folder.parent.name}/{folder.name} was trained on other weights ({made_for}) than base "
                f"{checkpoints.slug(self.name)!r} has ({self.fingerprint}). Train it again: {train}"
            )
        return folder


def device() -> torch.device:
    """KOGPT_DEVICE, or a GPU if there is one, or the CPU."""
    name = settings.current().device
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        chosen = torch.device(name)
        torch.empty(0, device=chosen)
    except (RuntimeError, AssertionError) as error:
        there = ["cpu", *(f"cuda:{i}" for i in range(torch.cuda.device_count()))]
        raise CheckpointError(f"KOGPT_DEVICE has value {name!r}. Devices of this machine: {', '.join(there)}.") from error
    return chosen


def network_of(model: GPT2LMHeadModel, place: torch.device) -> Network:
    """The weights of `model` as the fastest network that this machine runs, or the one that KOGPT_ENGINE names."""
    wanted = settings.current().engine
    if wanted == "compiled" and not (place.type == "cpu" and CompiledNetwork.fits(model.config)):
        raise CheckpointError(
            "KOGPT_ENGINE has value 'compiled', which needs Linux, an x86 processor with AVX-512 VNNI and a plain GPT-2 whose width is a "
            "multiple of 32; where the library that ships does not load, a C compiler, too. Leave it unset, and the engine is chosen."
        )
    if wanted == "compiled" or (wanted == "auto" and place.type == "cpu" and CompiledNetwork.fits(model.config)):
        return CompiledNetwork(model)
    if wanted == "auto":
        wanted = "int8" if place.type == "cpu" else "bf16"
    return TorchNetwork(model, wanted, place)


def load(folder: Path, dtype: torch.dtype = torch.float32) -> GPT2LMHeadModel:
    """The weights in `folder`, on the CPU, ready to be read from."""
    if not any(folder.glob("*.safetensors")) and not any(folder.glob("*.bin")):
        raise CheckpointError(f"Checkpoint {folder.name!r} has no weights (model.safetensors). Train it: kogpt train {folder.name}")
    model: Any = GPT2LMHeadModel.from_pretrained(str(folder), dtype=dtype, local_files_only=True)
    return model.eval()

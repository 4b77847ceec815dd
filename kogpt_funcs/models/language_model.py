"""A GPT-2-family base with its adapters: one copy of the weights in memory, one adapter switched on a forward pass."""

from __future__ import annotations

import threading
import warnings
from pathlib import Path
from typing import Any

import torch
from transformers import GPT2LMHeadModel

from kogpt_funcs import settings
from kogpt_funcs.errors import CheckpointError
from kogpt_funcs.models import cache, checkpoints
from kogpt_funcs.models.tokenizer import Tokenizer


class LanguageModel(cache.Loaded):
    """Weights, tokenizer and adapters of one base. `forward` may be called from any thread."""

    def __init__(self, name: str) -> None:
        folder = checkpoints.folder(name)
        config = checkpoints.read_json(folder / "config.json")
        if config.get("model_type") != "gpt2":
            raise CheckpointError(
                f"Checkpoint {checkpoints.slug(name)!r} has architecture {config.get('model_type')!r}. These functions run on 'gpt2', "
                "such as weights/base or skt/kogpt2-base-v2."
            )
        self.name = name
        self.tokenizer = Tokenizer(folder / "tokenizer.json")
        self.device = device()
        self.dtype = torch.float32 if self.device.type == "cpu" else torch.bfloat16
        model: Any = _load(folder, self.dtype)
        self.model = model.to(self.device).eval()
        if self.model.config.vocab_size < self.tokenizer.size:
            raise CheckpointError(
                f"Checkpoint {checkpoints.slug(name)!r}: its tokenizer has {self.tokenizer.size} entries, its weights {self.model.config.vocab_size}."
            )
        self.context = int(self.model.config.n_positions)
        self.fingerprint = checkpoints.fingerprint(self.model)
        self._base_parameters = sum(p.numel() for p in self.model.parameters())
        self._lock = threading.RLock()
        self._adapters: set[str] = set()
        self._active: str | None = None

    @property
    def details(self) -> dict[str, Any]:
        return {
            "device": str(self.device),
            "dtype": str(self.dtype).removeprefix("torch."),
            "base_parameters": self._base_parameters,
            "adapters": sorted(self._adapters),
        }

    def attach(self, adapter: str) -> None:
        """Loads `adapter` beside the base unless it is there. Raises CheckpointError where it does not fit this base."""
        if adapter in self._adapters:
            return
        with cache.building, self._lock:
            if adapter not in self._adapters:
                with cache.loading(adapter):
                    self._attach(adapter, self._fitting_folder(adapter))
                self._adapters.add(adapter)

    @torch.no_grad()
    def forward(self, adapter: str | None, ids: torch.Tensor, cache: Any) -> torch.Tensor:
        """Logits [batch, vocabulary] after the last of `ids` [batch, new]; `cache` (a DynamicCache) grows."""
        with self._lock:
            self._switch(adapter)
            output = self.model(input_ids=ids.to(self.device), past_key_values=cache, use_cache=True, logits_to_keep=1)
            return output.logits[:, -1].float()

    def reset(self) -> None:
        """Forgets which adapter is on, after someone used the model directly."""
        with self._lock:
            self._active = "?"

    def _fitting_folder(self, adapter: str) -> Path:
        # A base may be a folder of the operator's: its path is not for strangers.
        train = f"kogpt train {adapter}" + ("" if self.name == "base" else ' --base "$KOGPT_BASE"') + " --data FILE"
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

    def _attach(self, adapter: str, folder: Path) -> None:
        from peft import PeftModel

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # PEFT warns of configuration keys that newer versions wrote
            if isinstance(self.model, PeftModel):
                self.model.load_adapter(str(folder), adapter, torch_device=str(self.device))
            else:
                self.model = PeftModel.from_pretrained(self.model, str(folder), adapter, torch_device=str(self.device))
            self.model.to(self.dtype).eval()
        self.reset()

    def _switch(self, adapter: str | None) -> None:
        if adapter == self._active or not self._adapters:
            return
        if adapter is None:
            self.model.base_model.disable_adapter_layers()
        else:
            if self._active in (None, "?"):
                self.model.base_model.enable_adapter_layers()
            self.model.set_adapter(adapter)
        self._active = adapter


def device() -> torch.device:
    """KOGPT_DEVICE, or a GPU if there is one, or the CPU."""
    name = settings.device()
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        chosen = torch.device(name)
        torch.empty(0, device=chosen)
    except (RuntimeError, AssertionError) as error:
        there = ["cpu", *(f"cuda:{i}" for i in range(torch.cuda.device_count()))]
        raise CheckpointError(f"KOGPT_DEVICE has value {name!r}. Devices of this machine: {', '.join(there)}.") from error
    return chosen


def _load(folder: Path, dtype: torch.dtype) -> GPT2LMHeadModel:
    if not any(folder.glob("*.safetensors")) and not any(folder.glob("*.bin")):
        raise CheckpointError(f"Checkpoint {folder.name!r} has no weights (model.safetensors). Train it: kogpt train {folder.name}")
    return GPT2LMHeadModel.from_pretrained(str(folder), dtype=dtype, local_files_only=True)

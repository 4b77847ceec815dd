"""What a classifier starts from: all weights of a base with a new head, or an adapter and a head on a base that is
shared.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model, get_peft_model_state_dict
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModelForSequenceClassification

from kogpt_funcs.contract.errors import CheckpointError, KogptError
from kogpt_funcs.models.bases import checkpoints, loading
from kogpt_funcs.models.classifier.adapted import encoder_of
from kogpt_funcs.models.classifier.encoding import Encoder, encoder
from kogpt_funcs.models.classifier.pooled import Pooled
from kogpt_funcs.models.metadata import read_json
from kogpt_funcs.training.export import placed, public_name
from kogpt_funcs.training.label_rows import Groups
from kogpt_funcs.training.precision import frozen
from kogpt_funcs.training.starting import Start, adapter_weights, put, start

_HEAD_FASTER = 4.0  # times the adapter's rate: the head starts from random weights


class WholeClassifier:
    """All weights of any checkpoint, a causal base or an encoder, as transformers' sequence classifier. Character
    n-grams join it.
    """

    kind, ngrams = "classifier", True

    def __init__(self, base: str, groups: Groups) -> None:
        self.model, self.encoder = _whole(base, [label for group in groups.values() for label in group["labels"]])
        self.base, self.fingerprint = base, loading.fingerprint(self.model)

    def optimizer(self, rate: float) -> torch.optim.Optimizer:
        return torch.optim.AdamW(self.model.parameters(), lr=rate, weight_decay=0.01)

    def save(self, groups: Groups, out: Path) -> None:
        """Config, bf16 weights and tokenizer."""
        undropped = {key: 0.0 for key in ("resid_pdrop", "embd_pdrop", "attn_pdrop") if hasattr(self.model.config, key)}
        self.model.config.update({**undropped, "label_groups": _listed(groups)})
        out.mkdir(parents=True, exist_ok=True)
        self.model.to(torch.bfloat16).save_pretrained(out)
        self.encoder.save(out)


class AdaptedClassifier:
    """LoRA on a causal base and a head on its final states: a few MB beside a base that other functions use too."""

    kind, ngrams = "classifier", False

    def __init__(self, base: str, groups: Groups, rank: int, adapter: str | None = None) -> None:
        begun = start(base, frozen())
        self.base, self.fingerprint, self._prefix = base, begun.fingerprint, begun.model.base_model_prefix
        self.encoder = encoder_of(begun.tokenizer, begun.length)
        pooled = Pooled(begun.model.base_model, sum(len(group["labels"]) for group in groups.values()))
        self._lora = LoraConfig(
            r=rank,
            lora_alpha=2 * rank,
            target_modules=begun.architecture.targets,
            modules_to_save=["head"],
            fan_in_fan_out=begun.architecture.transposed,
        )
        self.model = get_peft_model(pooled, self._lora)  # type: ignore[arg-type]
        if adapter:
            self._go_on_from(Path(adapter), begun, groups)

    def _go_on_from(self, adapter: Path, begun: Start, groups: Groups) -> None:
        """Loads what `save` wrote to the folder `adapter`; CheckpointError where its labels or its base are others."""
        said = read_json(adapter / "config.json").get("label_groups", [])
        if [(g["name"], g["labels"]) for g in said] != [(name, g["labels"]) for name, g in groups.items()]:
            raise CheckpointError(f"The classifier in {adapter} has other labels than this function.")
        inside = "base_model.model."
        state = {
            name.replace(f"{inside}{self._prefix}.", f"{inside}body.", 1): tensor.float()
            for name, tensor in adapter_weights(adapter, begun, self._lora.r).items()
        }
        head = load_file(adapter / "head.safetensors")
        put(self.model, state | {f"{inside}head.{name}": tensor for name, tensor in head.items()}, adapter)

    def optimizer(self, rate: float) -> torch.optim.Optimizer:
        named = [(name, p) for name, p in self.model.named_parameters() if p.requires_grad]
        head: dict[str, Any] = {
            "params": [p for name, p in named if ".head." in name],
            "lr": rate * _HEAD_FASTER,
            "weight_decay": 0.01,
        }
        rest: dict[str, Any] = {"params": [p for name, p in named if ".head." not in name]}
        return torch.optim.AdamW([rest, head], lr=rate, weight_decay=0.0, betas=(0.9, 0.98))

    def save(self, groups: Groups, out: Path) -> None:
        """The adapter as PEFT keeps it for the whole base, in bf16; the head; the label groups; what base they fit."""
        state = get_peft_model_state_dict(self.model, save_embedding_layers=False)
        inside = "base_model.model."
        lora = {
            f"{inside}{self._prefix}.{name.removeprefix(inside + 'body.')}": tensor.to(torch.bfloat16).contiguous()
            for name, tensor in state.items()
            if ".lora_" in name
        }
        head = {
            name.removeprefix(inside + "head."): tensor.contiguous()
            for name, tensor in state.items()
            if ".head." in name
        }
        name = public_name(self.base)
        config = replace(
            self._lora, task_type="CAUSAL_LM", modules_to_save=None, inference_mode=True, base_model_name_or_path=name
        )
        with placed(out) as folder:
            save_file(lora, str(folder / "adapter_model.safetensors"), metadata={"format": "pt"})
            save_file(head, str(folder / "head.safetensors"))
            config.save_pretrained(str(folder))
            _write(folder / "base.json", {"base": name, "fingerprint": self.fingerprint})
            _write(folder / "config.json", {"label_groups": _listed(groups)})


def _listed(groups: Groups) -> list[dict[str, Any]]:
    """A list, for a saved config sorts the keys of a mapping, and the groups' order is that of the outputs."""
    return [{"name": name, **group} for name, group in groups.items()]


def _write(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _whole(base: str, labels: list[str]) -> tuple[Any, Encoder]:
    """The checkpoint `base` with a new head of `labels`, in fp32, and its encoder."""
    folder = checkpoints.folder(base)
    try:
        config = AutoConfig.from_pretrained(str(folder), local_files_only=True)
        named = {"id2label": dict(enumerate(labels)), "label2id": {label: i for i, label in enumerate(labels)}}
        dropout = dict.fromkeys(("resid_pdrop", "embd_pdrop", "attn_pdrop"), 0.1) if config.model_type == "gpt2" else {}
        config.update({**named, **dropout})
        reader = encoder(folder, config)
        config.pad_token_id = reader.pad_id
        model, report = AutoModelForSequenceClassification.from_pretrained(
            str(folder),
            config=config,
            dtype=torch.float32,
            local_files_only=True,
            output_loading_info=True,
            ignore_mismatched_sizes=True,
        )
    except KogptError:
        raise
    except Exception as error:  # files break in many ways, and each library has its own words for it
        said = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
        raise CheckpointError(
            f"Checkpoint {checkpoints.slug(base)!r} cannot be loaded as a classifier: {said:.200}"
        ) from error
    trained = sum(p.numel() for name, p in model.named_parameters() if name not in report["missing_keys"])
    if trained < sum(p.numel() for p in model.parameters()) / 2:
        raise CheckpointError(
            f"Checkpoint {checkpoints.slug(base)!r} lacks most of its weights. Training would start from random ones."
        )
    return model, reader

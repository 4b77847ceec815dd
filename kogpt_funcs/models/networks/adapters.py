"""LoRA adapters as PEFT keeps them, read as low-rank pairs for the decoder's networks."""

from __future__ import annotations

from pathlib import Path

from safetensors import safe_open

from kogpt_funcs.contract.errors import CheckpointError
from kogpt_funcs.models.metadata import read_json
from kogpt_funcs.models.networks.architecture import Architecture
from kogpt_funcs.models.networks.network import Adapter


def read_adapter(folder: Path, architecture: Architecture, layers: int) -> Adapter:
    """The pairs of `folder`'s adapter (Hu et al. 2021), alpha / rank multiplied into the second of each.

    Raises CheckpointError where it changes anything but the linear layers of the blocks.
    """
    config = read_json(folder / "adapter_config.json")
    scale = config["lora_alpha"] / (config["r"] ** 0.5 if config.get("use_rslora") else config["r"])
    start = f"base_model.model.{architecture.blocks}."
    with safe_open(str(folder / "adapter_model.safetensors"), framework="pt") as file:
        tensors = {name.removeprefix(start): file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    pairs: Adapter = []
    for place in (f"{i}.{part}" for i in range(layers) for part in architecture.parts):
        down, up = (tensors.pop(f"{place}.lora_{side}.weight", None) for side in "AB")
        pairs.append(None if down is None or up is None else (down.float(), up.float() * scale))
    if tensors or config.get("use_dora"):
        raise CheckpointError(
            f"The adapter in {folder.parent.name}/{folder.name} changes {next(iter(tensors), 'directions (DoRA)')}, "
            f"which the decoder does not apply. Plain LoRA on {', '.join(architecture.parts)} is."
        )
    return pairs

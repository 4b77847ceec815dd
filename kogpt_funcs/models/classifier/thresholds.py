"""From which probability a label counts as found: it stands in a classifier's config. It knows no torch."""

from __future__ import annotations

from kogpt_funcs.contract import settings
from kogpt_funcs.models.bases import checkpoints
from kogpt_funcs.models.metadata import read_json


def thresholds(name: str) -> dict[str, dict[str, float]]:
    """{group: {label: the probability from which it counts as found}} of the groups that have some; reads the config
    alone.
    """
    folder = checkpoints.folder(checkpoints.classifier(name, settings.current().base))
    groups = read_json(folder / "config.json").get("label_groups") or []
    return {g["name"]: dict(zip(g["labels"], g["thresholds"], strict=True)) for g in groups if g.get("thresholds")}

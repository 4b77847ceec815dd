"""The classifiers that run inside a process: ours, and the pipeline as its users run it, one text after another or in batches."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any


class Reader(ABC):
    """A classifier in memory."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @abstractmethod
    def read(self, texts: Sequence[str]) -> None:
        """Classifies `texts`."""


class Pipeline(Reader):
    """`pipeline("text-classification")` in fp32, handed the list of texts."""

    batch_size = 1

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        from transformers import pipeline

        self.pipe: Any = pipeline("text-classification", model=str(folder), top_k=None)

    def read(self, texts: Sequence[str]) -> None:
        self.pipe(list(texts), batch_size=self.batch_size)


class BatchedPipeline(Pipeline):
    """The same with `batch_size=64`."""

    batch_size = 64


class OurReader(Reader):
    """`kogpt_funcs.models.classify`."""

    def read(self, texts: Sequence[str]) -> None:
        from kogpt_funcs import models

        models.classify(list(texts), str(self.folder))


READERS: dict[str, type[Reader]] = {"pipeline": Pipeline, "pipeline, batch of 64": BatchedPipeline, "ours, classify": OurReader}

"""The front matter of a Space's README.md: the keys that Hugging Face documents, and what each may hold.

https://huggingface.co/docs/hub/spaces-config-reference
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from huggingface_hub import SpaceHardware
from pydantic import BaseModel, ConfigDict, Field, model_validator

Colour = Literal["red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"]
_FILE = r"^[\w-]+(/[\w-]+)*\.py$"  # relative to the root of the Space


class FrontMatter(BaseModel):
    """One Space's settings. Any other key is refused, as a misspelt one would be passed over in silence."""

    model_config = ConfigDict(extra="forbid", use_enum_values=True)

    title: str = Field(min_length=1)
    emoji: str = Field(min_length=1, max_length=8)
    colorFrom: Colour  # noqa: N815 (Hugging Face's spelling)
    colorTo: Colour  # noqa: N815
    sdk: Literal["gradio", "docker", "static"]
    sdk_version: str | None = Field(None, pattern=r"^\d+\.\d+\.\d+$")
    python_version: str | None = Field(None, pattern=r"^3\.\d+(\.\d+)?$")
    app_file: str | None = Field(None, pattern=_FILE)
    app_port: int | None = Field(None, ge=1, le=65535)
    suggested_hardware: SpaceHardware | None = None
    startup_duration_timeout: str | None = Field(None, pattern=r"^\d+[smh]$")
    models: list[str] = []
    datasets: list[str] = []
    tags: list[Annotated[str, Field(pattern=r"^[\w-]+$")]] = []
    preload_from_hub: list[str] = []
    license: str = Field(min_length=1)
    short_description: str = Field(min_length=1, max_length=60)
    pinned: bool = False

    @model_validator(mode="after")
    def _fits_its_sdk(self) -> Self:
        if self.sdk == "gradio" and not (self.sdk_version and self.python_version and self.app_file):
            raise ValueError("a Gradio Space needs sdk_version, python_version and app_file")
        if self.sdk == "docker" and not self.app_port:
            raise ValueError("a Docker Space needs app_port")
        if self.sdk == "docker" and (self.sdk_version or self.python_version or self.app_file):
            raise ValueError("sdk_version, python_version and app_file are for Gradio; the Dockerfile says them")
        return self

    def written(self) -> str:
        """The block between the dashes, as YAML; what is not set is left out."""
        from huggingface_hub.utils import yaml_dump

        return yaml_dump(self.model_dump(exclude_defaults=True), sort_keys=False, width=1000)

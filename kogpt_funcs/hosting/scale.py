"""How many replicas of what: the arguments of the Ray Serve application, and of `kogpt serve --ray`."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from kogpt_funcs.contract.errors import KogptError


class Scale(BaseModel):
    """Each kind of replica by itself: `MOST` replicas when the requests under way are more than its target."""

    model_config = ConfigDict(extra="forbid")

    generators: int = Field(1, ge=1, le=10_000, description="replicas of the base, at least")
    most_generators: int = Field(0, ge=0, le=10_000, description="and at most; 0 for no autoscaling")
    generator_cores: float = Field(1, gt=0, le=256, description="cores of one")
    generator_gpus: float = Field(0, ge=0, le=8, description="GPUs of one")
    classifiers: int = Field(1, ge=1, le=10_000, description="replicas of the classifiers, at least")
    most_classifiers: int = Field(0, ge=0, le=10_000, description="and at most; 0 for no autoscaling")
    classifier_cores: float = Field(1, gt=0, le=256, description="cores of one")
    apis: int = Field(1, ge=1, le=10_000, description="replicas of REST and MCP, at least")
    most_apis: int = Field(0, ge=0, le=10_000, description="and at most; 0 for no autoscaling")
    api_cores: float = Field(0.5, gt=0, le=256, description="cores of one")
    busy: int = Field(8, ge=1, le=1000, description="requests that a replica is to have under way when all is well")


def read(arguments: dict[str, Any]) -> Scale:
    """`arguments` as a Scale, numbers in strings too; KogptError names the one that is wrong."""
    try:
        return Scale.model_validate(arguments)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(map(str, first["loc"]))
        there = ", ".join(Scale.model_fields)
        raise KogptError(f"{name} has value {first['input']!r}. {first['msg']}. Arguments: {there}.") from None


def replicas(least: int, most: int, busy: int) -> dict[str, Any]:
    """num_replicas or autoscaling_config of a deployment."""
    if most <= least:
        return {"num_replicas": least}
    return {"autoscaling_config": {"min_replicas": least, "max_replicas": most, "target_ongoing_requests": busy}}

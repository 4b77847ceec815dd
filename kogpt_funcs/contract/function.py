"""What a function is: the one object that every surface, training and evaluation read. It knows none of them."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ValidationError

from kogpt_funcs.contract.english import English
from kogpt_funcs.contract.errors import FieldProblem, InvalidInput
from kogpt_funcs.contract.messages import Said, sentences
from kogpt_funcs.contract.shape import Shape, enum_members, shapes
from kogpt_funcs.contract.talk import Talk

#: Of a request's unknown fields, so many are named: a body of a megabyte can hold a hundred thousand.
_MOST_UNKNOWN = 20
_JSON_KINDS = {
    list: Said("배열", "an array"),
    str: Said("글자", "text"),
    bool: Said("참·거짓 값", "true or false"),
    int: Said("수", "a number"),
    float: Said("수", "a number"),
    type(None): Said("null", "null"),
}


@dataclass(frozen=True)
class Function:
    """One capability. Behind each part stands the name that its file gives it; those with a default may be left out."""

    name: str  # of the file and of the function in it
    title: str  # Korean, the docstring's first line
    description: str  # Korean, the rest of the docstring
    call: Callable[[Any], BaseModel]  # def NAME(input: Input) -> Output
    input: type[BaseModel]
    output: type[BaseModel]
    examples: tuple[dict[str, Any], ...]  # EXAMPLES: inputs as JSON
    stream: Callable[[Any], Iterator[BaseModel]] | None = (
        None  # def stream(input): Outputs as they grow, the last whole
    )
    training_examples: Callable[..., Iterator[Any]] | None = None  # def training_examples(row, rng): models.Example
    training_labels: Callable[..., Iterator[Any]] | None = None  # def training_labels(row): models.Labelled
    label_groups: dict[str, dict[str, Any]] = field(default_factory=dict)  # LABEL_GROUPS: what training_labels labels
    english: English = field(default_factory=English)  # ENGLISH
    labels: dict[str, str] = field(default_factory=dict)  # LABELS: Korean for values that are none, as `sentence_end`
    talk: Talk | None = None  # TALK: which fields are the message, the history and the reply of a talk

    @property
    def fields(self) -> dict[str, Shape]:
        """The fields of the Input by name."""
        return shapes(self.input)

    @property
    def answers(self) -> dict[str, Shape]:
        """The fields of the Output by name."""
        return shapes(self.output)

    @property
    def main_field(self) -> str:
        """The first required field; the first of all if none is required."""
        return next((name for name, shape in self.fields.items() if shape.required), next(iter(self.fields)))

    def label(self, value: Any) -> Said:
        """A choice, or a label of an answer, as people read it."""
        korean = self.labels.get(value, str(value))
        return Said(korean, self.english.labels.get(value, str(value)))

    def parse(self, data: Any) -> Any:
        """`data` (a dict, say from JSON) as this function's Input, or InvalidInput naming each field."""
        if not isinstance(data, dict):
            kind = _JSON_KINDS.get(type(data), Said(type(data).__name__, type(data).__name__))
            raise InvalidInput.of(
                "", f"JSON 객체여야 합니다. 받은 것: {kind.korean}.", f"This must be a JSON object, not {kind.english}."
            )
        unknown = [str(name) for name in data if name not in self.fields][:_MOST_UNKNOWN]
        problems = [FieldProblem(name, *self._unknown_field(name[:100])) for name in unknown]
        problems += [
            FieldProblem(name, "유한한 수여야 합니다.", "This must be a finite number.")
            for name, value in data.items()
            if _not_finite(value)
        ]
        if problems:
            raise InvalidInput(problems)
        try:
            return self.input.model_validate(self._members(data), strict=True)
        except ValidationError as error:
            entries: list[dict[str, Any]] = [{**entry} for entry in error.errors(include_url=False)]
            raise InvalidInput([FieldProblem(".".join(map(str, e["loc"])), *self._said(e)) for e in entries]) from None

    def _members(self, data: dict[str, Any]) -> dict[str, Any]:
        """`data` with the values of Enum fields as members: strict validation takes no plain string for them."""
        given = dict(data)
        for name, shape in self.fields.items():
            members = enum_members(shape)
            if isinstance(data.get(name), str) and data[name] in members:
                given[name] = members[data[name]]
        return given

    def _said(self, error: dict[str, Any]) -> Said:
        shape = self.fields.get(str(error["loc"][0])) if error["loc"] else None
        if shape and error["type"] == "is_instance_of" and (members := enum_members(shape)):
            expected = ", ".join(str(value) for value in members)
            error = {**error, "type": "enum", "ctx": {"expected": expected}}
        return sentences(error)

    def _unknown_field(self, name: str) -> Said:
        near = difflib.get_close_matches(name, self.fields, n=1)
        korean, english = (f" {near[0]} 말인가요?", f" Did you mean {near[0]}?") if near else ("", "")
        names = ", ".join(self.fields)
        return Said(f"없는 항목입니다.{korean} 쓸 수 있는 항목: {names}.", f"No such field.{english} Fields: {names}.")


def _not_finite(value: Any) -> bool:
    return isinstance(value, float) and not math.isfinite(value)

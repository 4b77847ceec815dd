"""What an OpenAPI document says of bodies that routes read by themselves, exactly as they are judged."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

_PLACE = "#/components/schemas/{model}"
#: What is left of a text once control characters, blanks and zero-width ones are gone (korean/text.py: clean).
_READABLE = r"[^\u0000-\u0020\u007f-\u00a0\u00ad\u1680\u2000-\u200c\u2028\u2029\u202f\u205f\u2060\u3000\ufeff]"
JSON = "application/json"
_METHODS = ("get", "put", "post", "delete", "patch")


def describe(app: FastAPI, *inputs: type[BaseModel], open_ended: bool = False) -> None:
    """Adds `inputs` to the document's components: texts with a min_length must hold a readable character, and fields
    that are not there are refused, unless `open_ended`.
    """
    written = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            known = written().setdefault("components", {}).setdefault("schemas", {})
            _, found = models_json_schema([(model, "validation") for model in inputs], ref_template=_PLACE)
            names = {model.__name__ for model in inputs}
            for name, schema in found.get("$defs", {}).items():
                known[name] = _readable(schema)
                if name in names and not open_ended:
                    known[name]["additionalProperties"] = False
        assert app.openapi_schema is not None
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def methods(app: FastAPI, path: str, otherwise: str) -> str:
    """For an Allow header: all methods that the document has for `path`, or what FastAPI says of its first route."""
    for template, operations in app.openapi()["paths"].items():
        if re.fullmatch(re.sub(r"\\{[^}]*\\}", "[^/]+", re.escape(template)), path):
            return ", ".join(sorted(name.upper() for name in operations if name in _METHODS))
    return otherwise


def body(schema: Mapping[str, Any], examples: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """`openapi_extra` of a route with a JSON body."""
    content: dict[str, Any] = {"schema": dict(schema)}
    if examples:
        content["examples"] = {name: {"value": value} for name, value in examples.items()}
    return {"requestBody": {"required": True, "content": {JSON: content}}}


def reference(model: type[BaseModel]) -> dict[str, str]:
    """Where the document has `model`."""
    return {"$ref": _PLACE.format(model=model.__name__)}


def events(names: Sequence[str], data: str) -> dict[str, Any]:
    """The schema of one server-sent event, which is what OpenAPI 3.1's readers take for a stream's."""
    event: dict[str, Any] = {"type": "string"}
    if names:
        event["enum"] = [*names]
    members = {"event": event, "data": {"type": "string", "contentMediaType": JSON, "description": data}}
    return {"type": "object", "properties": members, "required": ["event", "data"]}


def _readable(schema: Any) -> Any:
    """`schema` with _READABLE at every text that may not be empty."""
    if isinstance(schema, list):
        return [_readable(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    found = {name: _readable(part) for name, part in schema.items()}
    if found.get("type") == "string" and found.get("minLength") and "pattern" not in found:
        found["pattern"] = _READABLE
    return found

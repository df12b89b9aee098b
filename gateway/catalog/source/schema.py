"""JSON Schemas (2020-12) of the publication files, and their faults as sentences with a line.

Owns the wording of schema faults. The schemas themselves are package data in `gateway/catalog/schemas`, and
the portal publishes them as they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib import resources
from typing import Any

import jsonschema_rs
import orjson

from gateway.catalog.errors import Fault
from gateway.catalog.source.document import Document, pointer_of

NAMES = ("api", "plans", "openapi", "overlay")


def schema_bytes(name: str) -> bytes:
    """The schema file as it is published, for example `api`."""
    return resources.files("gateway.catalog").joinpath("schemas", f"{name}.schema.json").read_bytes()


@cache
def _schema(name: str) -> tuple[dict[str, Any], jsonschema_rs.Draft202012Validator]:
    schema: dict[str, Any] = orjson.loads(schema_bytes(name))
    return schema, jsonschema_rs.Draft202012Validator(schema)


def _described(schema: dict[str, Any], path: list[str | int]) -> str:
    """What the schema says about the broken value: the nearest `description` above the keyword."""
    node: Any = schema
    found = ""
    for step in path:
        if step == "$ref":
            name = str(node["$ref"]).rpartition("/")[2]
            node = schema.get("$defs", {}).get(name, {})
        elif isinstance(node, dict):
            node = node.get(str(step), {})
        elif isinstance(node, list) and isinstance(step, int) and step < len(node):
            node = node[step]
        # The words beside a reference are about this very value; those behind it are about its kind.
        if step != "$ref" and isinstance(node, dict) and isinstance(node.get("description"), str):
            found = node["description"]
    return found


def _sentence(error: jsonschema_rs.ValidationError, description: str) -> str:
    kind = error.kind
    name = error.instance_path[-1] if error.instance_path else "the file"
    if isinstance(kind, jsonschema_rs.ValidationErrorKind.Required):
        return f"{kind.property!r} is missing; add it"
    if isinstance(kind, jsonschema_rs.ValidationErrorKind.AdditionalProperties):
        return "this name is not known here; correct the spelling or remove it"
    message = error.message if len(error.message) <= 200 else error.message[:199] + "…"
    hint = f" ({description})" if description else ""
    return f"{name}: {message}{hint}"


def check(document: Document, name: str) -> Iterator[Fault]:
    """Every fault of the document against the schema, each at the line of the value it is about."""
    schema, validator = _schema(name)
    for error in validator.iter_errors(document.value):
        pointer = pointer_of(*error.instance_path)
        sentence = _sentence(error, _described(schema, list(error.evaluation_path)))
        if isinstance(error.kind, jsonschema_rs.ValidationErrorKind.AdditionalProperties):
            for unexpected in error.kind.unexpected:
                yield document.fault(f"{pointer}{pointer_of(unexpected)}", f"{unexpected!r}: {sentence}")
        else:
            yield document.fault(pointer, sentence)

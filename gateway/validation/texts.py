"""Text of a parameter → value, by the types its schema admits.

Owns the reading of single texts and which types a schema admits. How a parameter is cut into texts is in
`styles`. The reading is JSON's: `5` is a number, `05`, `+5` and `1_0` are not, since not all readers take them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from gateway.catalog.openapi.references import resolved

ALL: Final = frozenset(("array", "boolean", "integer", "null", "number", "object", "string"))
PRIMITIVES: Final = ALL - {"array", "object"}
_INTEGER: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,307})")
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,307})(?:\.[0-9]{1,400})?(?:[eE][+-]?[0-9]{1,3})?")
_DEEPEST: Final = 8
_INSIDE: Final = ("items", "additionalProperties", "unevaluatedProperties")


def types_of(schema: Any, document: Mapping[str, Any], depth: int = 0) -> frozenset[str]:
    """Which JSON types a schema admits; all when it does not say."""
    if not isinstance(schema, dict) or depth > _DEEPEST:
        return ALL
    if "$ref" in schema:
        schema = {**resolved(dict(document), schema), **{k: v for k, v in schema.items() if k != "$ref"}}
    found = ALL
    declared = schema.get("type")
    if declared is not None:
        found = frozenset([declared] if isinstance(declared, str) else declared)
    elif "enum" in schema or "const" in schema:
        found = frozenset(_type_of(value) for value in schema.get("enum", [schema.get("const")]))
    for part in schema.get("allOf", ()):
        found &= types_of(part, document, depth + 1)
    for word in ("anyOf", "oneOf"):
        if isinstance(schema.get(word), list):
            found &= frozenset().union(*(types_of(part, document, depth + 1) for part in schema[word]))
    return found | {"integer"} if "number" in found else found


def _type_of(value: Any) -> str:
    kinds = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}
    return kinds.get(type(value), "null")


def readings(text: str, types: frozenset[str]) -> Sequence[Any]:
    """What a text can mean, the narrowest first. A text that means nothing else is itself, to be told its type."""
    found: list[Any] = []
    if "integer" in types and _INTEGER.fullmatch(text):
        found.append(int(text))
    elif "number" in types and _NUMBER.fullmatch(text):
        number = float(text)
        if abs(number) != float("inf"):
            found.append(number)
    if "boolean" in types and text in ("true", "false"):
        found.append(text == "true")
    if "null" in types and text in ("null", ""):
        found.append(None)
    if "string" in types or not found:
        found.append(text)
    return found


@dataclass(frozen=True, slots=True)
class Shape:
    """What a reader of texts must know of a schema: types, those of items, those of members by name."""

    types: frozenset[str]
    items: frozenset[str] = ALL
    members: Mapping[str, Shape] = field(default_factory=dict)
    open: bool = True  # members beside the named ones are allowed

    def may_be(self, kind: str) -> bool:
        """Whether the schema says that the value is a list or an object, or may be one."""
        return kind in self.types and self.types != ALL

    def member(self, name: str) -> Shape:
        return self.members.get(name, ANY)


ANY: Final = Shape(ALL)


def shape_of(schema: Any, document: Mapping[str, Any], depth: int = 0) -> Shape:
    merged = _merged(schema, document)
    properties = merged.get("properties", {})
    return Shape(
        types_of(schema, document),
        types_of(merged.get("items"), document),
        {name: shape_of(each, document, depth + 1) for name, each in properties.items()} if depth < 2 else {},
        open=merged.get("additionalProperties") is not False
        and merged.get("unevaluatedProperties") is not False,
    )


def _merged(schema: Any, document: Mapping[str, Any], depth: int = 0) -> dict[str, Any]:
    """The parts of a schema that say something of its items and members, as if they stood in one place."""
    found: dict[str, Any] = {"properties": {}}
    if not isinstance(schema, dict) or depth > _DEEPEST:
        return found
    parts = [_merged(resolved(dict(document), schema), document, depth + 1)] if "$ref" in schema else []
    for word in ("allOf", "anyOf", "oneOf"):
        parts.extend(_merged(part, document, depth + 1) for part in schema.get(word, ()))
    for part in (*parts, schema):
        found["properties"] |= part.get("properties", {})
        found |= {word: part[word] for word in _INSIDE if word in part}
    return found

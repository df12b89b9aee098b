"""Reads OpenAPI 3.1 schemas: local references, rows of a field table, example values.

Owns no text of its own. References that lead outside the document, or in a circle, end the walk.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Json = Mapping[str, Any]

_DEPTH = 6  # deeper objects are left to the OpenAPI document itself
_BY_FORMAT = {
    "date": "2026-03-01",
    "date-time": "2026-03-01T08:00:00Z",
    "uuid": "3f2b8c1e-6d54-4c0f-9a5e-2b7f0d9c1a44",
    "email": "namn@example.org",
    "uri": "https://example.org/",
    "time": "08:00:00Z",
}


@dataclass(frozen=True, slots=True)
class Field:
    """One row of a table of fields. `path` is dotted, `[]` marks the members of a list."""

    path: str
    type: str
    required: bool
    description: str  # the publisher's Markdown
    values: tuple[str, ...]  # of an enumeration
    example: str


def resolve(document: Json, node: Any) -> Json:
    """`node` with its `$ref` followed inside the document; {} for what cannot be followed."""
    for _ in range(_DEPTH * 2):
        if not isinstance(node, Mapping):
            return {}
        ref = node.get("$ref")
        if not isinstance(ref, str):
            return node
        node = _at(document, ref)
    return {}


def _at(document: Json, ref: str) -> Any:
    if not ref.startswith("#/"):
        return None
    node: Any = document
    for part in ref[2:].split("/"):
        key = part.replace("~1", "/").replace("~0", "~")
        node = node.get(key) if isinstance(node, Mapping) else None
    return node


def merged(document: Json, node: Any, depth: int = 0) -> Json:
    """A schema with its `allOf` parts folded in, as far as a reader of a table needs it."""
    schema = resolve(document, node)
    parts = schema.get("allOf")
    if not isinstance(parts, Sequence) or depth > _DEPTH:
        return schema
    result: dict[str, Any] = {key: value for key, value in schema.items() if key != "allOf"}
    properties: dict[str, Any] = dict(result.get("properties") or {})
    required: list[str] = list(result.get("required") or [])
    for part in parts:
        inner = merged(document, part, depth + 1)
        properties = {**(inner.get("properties") or {}), **properties}
        required += [name for name in inner.get("required") or [] if name not in required]
        result = {**inner, **result}
    return {**result, "properties": properties, "required": required}


def type_name(document: Json, node: Any) -> str:
    """`string (date-time)`, `array of object`, `integer | null`."""
    schema = merged(document, node)
    kind = schema.get("type")
    if isinstance(kind, list):
        name = " | ".join(str(k) for k in kind)
    elif isinstance(kind, str):
        name = kind
    else:
        options = schema.get("oneOf") or schema.get("anyOf") or []
        names = [type_name(document, option) for option in options]
        name = " | ".join(dict.fromkeys(names)) or ("object" if "properties" in schema else "any")
    if name == "array":
        return f"array of {type_name(document, schema.get('items', {}))}"
    return f"{name} ({schema['format']})" if isinstance(schema.get("format"), str) else name


def fields(document: Json, node: Any, prefix: str = "", depth: int = 0) -> Iterator[Field]:
    """The rows of an object's table, objects and lists below it included."""
    schema = merged(document, node)
    if schema.get("type") == "array" or "items" in schema:
        yield from fields(document, schema.get("items", {}), f"{prefix}[]", depth + 1)
        return
    if depth > _DEPTH:
        return
    required = set(schema.get("required") or ())
    for name, child in (schema.get("properties") or {}).items():
        path = f"{prefix}.{name}" if prefix else name
        inner = merged(document, child)
        yield Field(
            path=path,
            type=type_name(document, child),
            required=name in required,
            description=str(inner.get("description") or ""),
            values=tuple(str(value) for value in inner.get("enum") or ()),
            example="",
        )
        if isinstance(child, Mapping) and child.get("$ref") and depth > 2:
            continue
        yield from fields(document, child, path, depth + 1)


def example_of(document: Json, holder: Any) -> Any:
    """An example value for a parameter, media type or schema: the publisher's own if there is one."""
    node = resolve(document, holder)
    if "example" in node:
        return node["example"]
    examples = node.get("examples")
    if isinstance(examples, Mapping) and examples:
        first = resolve(document, next(iter(examples.values())))
        return first.get("value")
    if isinstance(examples, list) and examples:
        return examples[0]
    if "schema" in node:
        return _made(document, node["schema"], 0)
    return _made(document, node, 0)


def _made(document: Json, node: Any, depth: int) -> Any:
    schema = merged(document, node)
    for key in ("example", "default", "const"):
        if key in schema:
            return schema[key]
    for key in ("examples", "enum"):
        if isinstance(schema.get(key), list) and schema[key]:
            return schema[key][0]
    options = schema.get("oneOf") or schema.get("anyOf")
    if isinstance(options, list) and options and "type" not in schema:
        return _made(document, options[0], depth + 1)
    return _by_type(document, schema, depth)


def _by_type(document: Json, schema: Json, depth: int) -> Any:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((k for k in kind if k != "null"), "null")
    if kind == "object" or "properties" in schema:
        if depth > _DEPTH:
            return {}
        return {
            name: _made(document, child, depth + 1)
            for name, child in (schema.get("properties") or {}).items()
            if not resolve(document, child).get("readOnly") or depth > 0
        }
    if kind == "array":
        return [] if depth > _DEPTH else [_made(document, schema.get("items", {}), depth + 1)]
    if kind in ("integer", "number"):
        return schema.get("minimum", 1)
    if kind == "boolean":
        return True
    return None if kind == "null" else _BY_FORMAT.get(str(schema.get("format")), "text")

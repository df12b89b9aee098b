"""What an OpenAPI document shows of its answers: its examples, else the smallest value its schema admits.

Owns the choice and the making up. Nothing is random: the same document always gives the same answers. Text that
must follow a pattern is not invented; the linter asks for an example.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from gateway.catalog.openapi.references import resolved
from gateway.catalog.openapi.schemas import Direction, Schemas
from gateway.catalog.source.document import pointer_of

_DEEPEST: Final = 12
_TEXTS: Final[Mapping[str, str]] = {
    "date": "2026-01-15", "date-time": "2026-01-15T08:00:00Z", "time": "08:00:00Z", "duration": "P1D",
    "uuid": "00000000-0000-4000-8000-000000000000", "email": "name@example.com", "uri": "https://example.com/",
    "uri-reference": "/example", "hostname": "example.com", "ipv4": "192.0.2.1", "ipv6": "2001:db8::1", "byte": "",
}  # fmt: skip


class CannotInvent(Exception):
    """No value could be made that the schema admits."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One answer as the document shows it. `media` and `name` are empty where there is no content."""

    status: int
    media: str
    name: str
    value: Any
    headers: Mapping[str, str]
    pointer: str = ""  # of the schema, where there is one


def shown(document: Mapping[str, Any], path: str, method: str, schemas: Schemas) -> Iterator[Shown]:
    """Every answer of one operation, in the order of the document. `schemas` are those of answers."""
    whole = dict(document)
    base = pointer_of("paths", path, method, "responses")
    for status, response in whole["paths"][path][method].get("responses", {}).items():
        number = {"1XX": 0, "2XX": 200, "3XX": 300, "4XX": 400, "5XX": 500}.get(str(status).upper(), status)
        if not str(number).isdigit() or not 200 <= int(number) <= 599:
            continue
        pointer, found = base + pointer_of(status), response
        while "$ref" in found:
            pointer = str(found["$ref"])[1:]
            found = resolved(whole, found)
        headers = dict(_headers(whole, found))
        contents = found.get("content", {})
        if not contents:
            yield Shown(int(number), "", "", None, headers)
        for media, content in contents.items():
            below = pointer + pointer_of("content", media, "schema")
            for name, value in _values(whole, content, below, schemas):
                yield Shown(int(number), media, name, value, headers, below if "schema" in content else "")


def _values(
    document: dict[str, Any], content: dict[str, Any], pointer: str, schemas: Schemas
) -> Iterator[tuple[str, Any]]:
    named = [(name, resolved(document, each)) for name, each in content.get("examples", {}).items()]
    with_value = [(name, each["value"]) for name, each in named if "value" in each]
    if with_value:
        yield from with_value
        return
    if "example" in content:
        yield "", content["example"]
        return
    if "schema" not in content:
        return
    try:
        value = invented(content["schema"], document)
        if schemas.validator(pointer).is_valid(value):
            yield "", value
    except CannotInvent:
        return


def _headers(document: dict[str, Any], response: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name, header in response.get("headers", {}).items():
        value = resolved(document, header)
        if "example" in value:
            yield name, str(value["example"])
        elif value.get("required") is True and "schema" in value:
            try:
                yield name, str(invented(value["schema"], document))
            except CannotInvent:
                continue


def invented(schema: Any, document: dict[str, Any], depth: int = 0) -> Any:
    """The smallest value that the schema probably admits. Raises CannotInvent."""
    if depth > _DEEPEST:
        raise CannotInvent
    if not isinstance(schema, dict):
        if schema is False:
            raise CannotInvent
        return {}
    schema = _flat(schema, document, depth)
    for word in ("example", "const", "default"):
        if word in schema:
            return schema[word]
    for word in ("examples", "enum"):
        if isinstance(schema.get(word), list) and schema[word]:
            return schema[word][0]
    declared = schema.get("type", "object" if "properties" in schema else "string")
    kind = (
        next((each for each in declared if each != "null"), "null")
        if isinstance(declared, list)
        else declared
    )
    return _OF_KIND[kind](schema, document, depth) if kind in _OF_KIND else None


def _flat(schema: dict[str, Any], document: dict[str, Any], depth: int) -> dict[str, Any]:
    """References, `allOf` and the first of `oneOf` or `anyOf` laid together."""
    if depth > _DEEPEST:
        raise CannotInvent
    parts = []
    if "$ref" in schema:
        parts.append(_flat(resolved(document, schema), document, depth + 1))
    parts.extend(
        _flat(each, document, depth + 1) for each in schema.get("allOf", ()) if isinstance(each, dict)
    )
    for word in ("oneOf", "anyOf"):
        choices = [
            each for each in schema.get(word, ()) if isinstance(each, dict) and each.get("type") != "null"
        ]
        parts.extend(_flat(each, document, depth + 1) for each in choices[:1])
    own = {key: value for key, value in schema.items() if key not in ("$ref", "allOf", "oneOf", "anyOf")}
    made: dict[str, Any] = {}
    for part in (*parts, own):
        properties = made.get("properties", {}) | part.get("properties", {})
        required = [*made.get("required", ()), *part.get("required", ())]
        made |= part
        if properties:
            made["properties"] = properties
        if required:
            made["required"] = list(dict.fromkeys(required))
    return made


def _object(schema: dict[str, Any], document: dict[str, Any], depth: int) -> dict[str, Any]:
    properties = schema.get("properties", {})
    made = {}
    for name in schema.get("required", ()):
        member = properties.get(name, {})
        if not (
            isinstance(member, dict) and resolved(document, member).get(Direction.RESPONSE.value) is True
        ):
            made[name] = invented(member, document, depth + 1)
    return made


def _array(schema: dict[str, Any], document: dict[str, Any], depth: int) -> list[Any]:
    count = schema.get("minItems", 0)
    if count > 100:
        raise CannotInvent
    if not count:
        try:
            return [invented(schema["items"], document, depth + 1)] if "items" in schema else []
        except CannotInvent:
            return []
    return [invented(schema.get("items", {}), document, depth + 1) for _ in range(count)]


def _string(schema: dict[str, Any], document: dict[str, Any], depth: int) -> str:
    text = _TEXTS.get(schema.get("format", ""), "text")
    shortest, longest = schema.get("minLength", 0), schema.get("maxLength")
    if shortest > 10_000:
        raise CannotInvent
    return text[:longest].ljust(shortest, "x") if "format" not in schema else text


def _number(schema: dict[str, Any], document: dict[str, Any], depth: int) -> int | float:
    step: int | float = schema.get("multipleOf", 1)
    lowest = _bound(schema, "minimum", "exclusiveMinimum")
    highest = _bound(schema, "maximum", "exclusiveMaximum")
    if lowest is not None:
        found = math.ceil(lowest / step) * step
        return found + step if found == schema.get("exclusiveMinimum") else found
    if highest is None or highest > step:
        return step
    found = math.floor(highest / step) * step
    return found - step if found == schema.get("exclusiveMaximum") else found


def _bound(schema: dict[str, Any], *words: str) -> int | float | None:
    """The first that is a number: in OpenAPI 3.0 `exclusiveMinimum` is true or false."""
    found = (schema[word] for word in words if not isinstance(schema.get(word, True), bool))
    return next(found, None)


_OF_KIND: Final[Mapping[str, Any]] = {
    "object": _object, "array": _array, "string": _string, "integer": _number, "number": _number,
    "boolean": lambda schema, document, depth: True,
}  # fmt: skip

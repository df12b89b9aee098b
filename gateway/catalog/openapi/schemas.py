"""The schemas of an OpenAPI document made into validators, for what clients send and for what services answer.

Owns what OpenAPI means beyond JSON Schema: `readOnly` and `writeOnly`, `nullable` and the boolean limits of 3.0,
the number formats. Nothing is ever fetched: a document's references stay inside it (`references.check`).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from typing import Any, Final

import jsonschema_rs

from gateway.catalog.errors import Fault
from gateway.catalog.openapi.references import resolved, walk
from gateway.catalog.source.document import Document, pointer_of

PLACE: Final = "urn:sluss:document"
# The engine is linear but for look-around and back-references; those stop after so many steps and count as broken.
BACKTRACKS: Final = 10_000
_REGEX: Final = jsonschema_rs.FancyRegexOptions(backtrack_limit=BACKTRACKS, size_limit=1024 * 1024)
_EMAIL: Final = jsonschema_rs.EmailOptions(allow_display_text=False, allow_domain_literal=False)

_NAMED: Final = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"})
_ONE: Final = frozenset(
    {
        "items", "additionalProperties", "unevaluatedItems", "unevaluatedProperties", "not", "if", "then", "else",
        "contains", "propertyNames",
    }
)  # fmt: skip
_MANY: Final = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
_SAID: Final = frozenset(
    {
        "example",
        "examples",
        "default",
        "description",
        "title",
        "externalDocs",
        "xml",
        "deprecated",
        "$comment",
    }
)
_RANGES: Final[Mapping[str, tuple[int | float, int | float]]] = {
    "int32": (-(2**31), 2**31 - 1),
    "int64": (-(2**63), 2**63 - 1),
    "float": (-3.4028234663852886e38, 3.4028234663852886e38),
}


class Direction(StrEnum):
    """Who wrote the value that is judged: what is `readOnly` may not come in, what is `writeOnly` not go out."""

    REQUEST = "readOnly"
    RESPONSE = "writeOnly"


class UnusableSchema(Exception):
    """A schema no validator can be made of, in the words of the library."""


def _is_base64(text: str) -> bool:
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return False
    return True


FORMATS: Final[Mapping[str, Callable[..., bool]]] = {"byte": _is_base64}


class Schemas:
    """One document in one direction. Building it is the dear part; validators share it."""

    def __init__(self, document: Mapping[str, Any], direction: Direction) -> None:
        self.document: dict[str, Any] = _Preparing(dict(document), direction).document()
        self._registry = jsonschema_rs.Registry([(PLACE, self.document)], draft=jsonschema_rs.Draft202012)

    def validator(self, pointer: str) -> jsonschema_rs.Draft202012Validator:
        """Of the schema at `#pointer`. Raises UnusableSchema."""
        try:
            return jsonschema_rs.Draft202012Validator(
                {"$ref": f"{PLACE}#{_fragment(pointer)}"},
                registry=self._registry,
                offline=True,
                validate_formats=True,
                formats=dict(FORMATS),
                pattern_options=_REGEX,
                email_options=_EMAIL,
            )
        except (ValueError, jsonschema_rs.ReferencingError) as error:
            raise UnusableSchema(str(error).splitlines()[0][:200]) from error


def _fragment(pointer: str) -> str:
    """A pointer as a URI fragment: what is not plain in it is percent-encoded."""
    plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/"
    return "".join(
        each if each in plain else "".join(f"%{octet:02X}" for octet in each.encode()) for each in pointer
    )


class _Preparing:
    """The document as plain JSON Schema 2020-12, everything still where it was."""

    def __init__(self, source: dict[str, Any], direction: Direction) -> None:
        self._source = source
        self._direction = direction
        self._old = str(source.get("openapi", "")).startswith("3.0")

    def document(self) -> dict[str, Any]:
        made: dict[str, Any] = self._plain(self._source)
        components = self._source.get("components", {})
        if isinstance(components, dict) and isinstance(components.get("schemas"), dict):
            made["components"]["schemas"] = {
                name: self._schema(schema) for name, schema in components["schemas"].items()
            }
        return made

    def _plain(self, value: Any) -> Any:
        """Outside schemas: copied, with the schemas in it made ready."""
        if isinstance(value, dict):
            return {
                key: self._schema(child) if key == "schema" else self._plain(child)
                for key, child in value.items()
                if key not in ("example", "examples")
            }
        if isinstance(value, list):
            return [self._plain(child) for child in value]
        return value

    def _schema(self, schema: Any) -> Any:
        if not isinstance(schema, dict):
            return schema
        if self._old and "$ref" in schema:
            return {"$ref": schema["$ref"]}  # OpenAPI 3.0: what stands beside a reference is ignored
        made: dict[str, Any] = {}
        for key, value in schema.items():
            if key in _NAMED and isinstance(value, dict):
                made[key] = {name: self._schema(child) for name, child in value.items()}
            elif key in _ONE:
                made[key] = self._schema(value)
            elif key in _MANY and isinstance(value, list):
                made[key] = [self._schema(child) for child in value]
            elif key not in _SAID:
                made[key] = value
        self._withhold(made, schema)
        if self._old:
            _modernise(made)
        _number_range(made)
        return made

    def _withhold(self, made: dict[str, Any], schema: dict[str, Any]) -> None:
        """Members that only the other side writes: refused from this one, and so not demanded of it."""
        properties = schema.get("properties")
        if not isinstance(properties, dict):
            return
        hidden = {
            name
            for name, child in properties.items()
            if isinstance(child, dict) and self._is_hidden(child)
        }  # fmt: skip
        for name in hidden:
            made["properties"][name] = False
        if hidden and isinstance(made.get("required"), list):
            made["required"] = [name for name in made["required"] if str(name) not in hidden]

    def _is_hidden(self, schema: dict[str, Any]) -> bool:
        word = self._direction.value
        return schema.get(word) is True or resolved(self._source, schema).get(word) is True


def _modernise(schema: dict[str, Any]) -> None:
    """OpenAPI 3.0 → JSON Schema 2020-12."""
    if schema.pop("nullable", None) is True and isinstance(schema.get("type"), str):
        schema["type"] = [schema["type"], "null"]
    for limit, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        if schema.pop(exclusive, None) is True and limit in schema:
            schema[exclusive] = schema.pop(limit)


def _number_range(schema: dict[str, Any]) -> None:
    """`int32` and its like bound a number; JSON Schema knows formats of text only."""
    bounds = _RANGES.get(str(schema.get("format")))
    types = schema.get("type")
    named = types if isinstance(types, list) else [types]
    if bounds is None or not any(each in ("integer", "number") for each in named):
        return
    if not isinstance(schema.get("allOf", []), list):
        return  # the library will say so
    del schema["format"]
    lowest, highest = bounds
    schema["allOf"] = [*schema.get("allOf", ()), {"minimum": lowest, "maximum": highest}]


def check(document: Document) -> Iterator[Fault]:
    """Schemas no validator can be made of. The document must have passed `references.check`."""
    schemas = Schemas(document.value, Direction.REQUEST)
    for path, _ in walk(document.value):
        if _is_schema(path):
            pointer = pointer_of(*path)
            try:
                schemas.validator(pointer)
            except UnusableSchema as error:
                yield document.fault(pointer, f"no validator can be made of this schema: {error}")


def _is_schema(path: tuple[str | int, ...]) -> bool:
    if len(path) == 3 and path[:2] == ("components", "schemas"):
        return True
    return bool(path) and path[-1] == "schema" and "schemas" not in path and "properties" not in path

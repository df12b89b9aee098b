"""The parameters of one operation: found in a call, read, and held against their schemas.

Owns which text belongs to which parameter, what is missing, unknown or given twice. A second value of a
parameter that is no list is refused: the service might read the other one (promise H24).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import jsonschema_rs

from gateway.catalog.openapi.references import find, resolved
from gateway.catalog.openapi.schemas import Schemas
from gateway.catalog.source.document import pointer_of
from gateway.validation import json_text
from gateway.validation.faults import Fault, of_errors, shown_name
from gateway.validation.styles import (
    NotWritten,
    decoded,
    deep_object,
    delimited,
    exploded_object,
    header,
    listed,
    pairs_of,
)
from gateway.validation.texts import PRIMITIVES, Shape, shape_of

STYLES: Final[Mapping[str, str]] = {"query": "form", "path": "simple", "header": "simple", "cookie": "form"}
# OpenAPI: these three are described elsewhere in the document, and a parameter of that name is ignored.
_ELSEWHERE: Final = frozenset({"accept", "content-type", "authorization"})


@dataclass(frozen=True, slots=True)
class Parameter:
    name: str
    place: str
    required: bool
    style: str
    explode: bool
    may_be_empty: bool
    json: bool  # the text is JSON (`content` instead of `schema`)
    shape: Shape
    validator: jsonschema_rs.Draft202012Validator | None
    document: object

    def judge(self, values: Sequence[Any]) -> Iterator[Fault]:
        """Any reading that fits will do; else the faults of the first."""
        validator = self.validator
        if validator is None or any(validator.is_valid(value) for value in values):
            return iter(())
        return of_errors(validator.iter_errors(values[0]), self.document, self.place, self.name)

    def read(self, text: str) -> Sequence[Any]:
        """One text that holds the whole parameter. Raises NotWritten, JsonFault."""
        if self.json:
            return [json_text.read(text.encode(), json_text.Bounds())]
        if self.place == "header":
            return header(text, self.shape, self.explode)
        return delimited(text, self.shape, self.style, explode=self.explode)

    def faults(self, text: str) -> Iterator[Fault]:
        if self.may_be_empty and not text:
            return
        try:
            yield from self.judge(self.read(text))
        except NotWritten:
            yield Fault(self.place, "malformed-parameter", self.name, values=(self.style,))
        except json_text.JsonFault as fault:
            yield Fault(self.place, fault.code, self.name, values=fault.values)

    def missing(self) -> Iterator[Fault]:
        if self.required:
            yield Fault(self.place, "required", self.name)


def compiled(schemas: Schemas, path: str, method: str) -> list[Parameter]:
    """Of the operation at a path; its own parameters go before those of the path with the same name."""
    found: dict[tuple[str, str], Parameter] = {}
    for pointer in (pointer_of("paths", path), pointer_of("paths", path, method)):
        listed = find(schemas.document, "#" + pointer).get("parameters", [])
        for number in range(len(listed)):
            made = _parameter(schemas, f"{pointer}/parameters/{number}")
            found[made.place, made.name] = made
    return [each for each in found.values() if each.place != "header" or each.name.lower() not in _ELSEWHERE]


def _parameter(schemas: Schemas, pointer: str) -> Parameter:
    value = find(schemas.document, "#" + pointer)
    while "$ref" in value:
        pointer = str(value["$ref"])[1:]
        value = find(schemas.document, "#" + pointer)
    content = next(iter(value.get("content", {})), None)
    below = pointer + (pointer_of("content", content, "schema") if content else "/schema")
    schema = resolved(schemas.document, value["content"][content] if content else value).get("schema")
    style = value.get("style", STYLES.get(value["in"], "form"))
    return Parameter(
        name=value["name"],
        place=value["in"],
        required=value.get("required", False) is True,
        style=style,
        explode=value.get("explode", style == "form"),
        may_be_empty=value.get("allowEmptyValue", False) is True,
        json=content is not None,
        shape=shape_of(schema, schemas.document),
        validator=schemas.validator(below) if schema is not None else None,
        document=schemas.document,
    )


class Parameters:
    """All parameters of one operation. `template` is its path below the API's base."""

    def __init__(self, parameters: Sequence[Parameter], template: str, *, refuse_unknown: bool) -> None:
        self._query = [each for each in parameters if each.place == "query"]
        self._headers = [(each, each.name.lower().encode()) for each in parameters if each.place == "header"]
        self._cookies = [each for each in parameters if each.place == "cookie"]
        by_name = {each.name: each for each in parameters if each.place == "path"}
        self._path = [
            (number, by_name[segment[1:-1]])
            for number, segment in enumerate(template.split("/"))
            if segment.startswith("{") and segment[1:-1] in by_name
        ]
        self._known = frozenset(each.name for each in self._query)
        self._refuse_unknown = refuse_unknown

    def faults(
        self,
        path: str,
        query: bytes,
        header_values: Callable[[bytes], list[bytes]] | None,
        cookies: Sequence[bytes],
    ) -> Iterator[Fault]:
        """`path` is what follows the API's base. `header_values` is None where headers are not known."""
        if self._path:
            segments = path.split("/")
            for number, parameter in self._path:
                yield from _decoded(parameter, segments[number])
        if query or self._query:
            yield from self._of_query(query)
        if header_values is not None:
            for parameter, name in self._headers:
                yield from _of_header(parameter, header_values(name))
            if self._cookies:
                yield from self._of_cookies(cookies)

    def _of_query(self, query: bytes) -> Iterator[Fault]:
        try:
            pairs = pairs_of(query)
        except NotWritten:
            yield Fault("query", "not-utf8")
            return
        taken: set[str] = set()
        for parameter in self._query:
            try:
                names, faults = self._one_of_query(parameter, pairs)
            except NotWritten:
                names = [
                    key for key, _ in pairs if key == parameter.name or key.startswith(f"{parameter.name}[")
                ]
                faults = iter(
                    [Fault("query", "malformed-parameter", parameter.name, values=(parameter.style,))]
                )
            taken.update(names)
            yield from faults
        if self._refuse_unknown:
            for name in dict.fromkeys(name for name, _ in pairs if name not in taken):
                yield Fault("query", "unknown-parameter", shown_name(name))

    def _one_of_query(
        self, parameter: Parameter, pairs: Sequence[tuple[str, str]]
    ) -> tuple[Sequence[str], Iterator[Fault]]:
        """The names in the query that the parameter takes for itself, and its faults."""
        shape, name = parameter.shape, parameter.name
        if not parameter.json and (
            parameter.style == "deepObject" or (shape.may_be("object") and parameter.explode)
        ):
            if parameter.style == "deepObject":
                names, values = deep_object(name, pairs, shape)
            else:
                names, values = exploded_object(pairs, shape, self._known)
            return names, parameter.judge(values) if values else parameter.missing()
        texts = [value for key, value in pairs if key == name]
        if not texts:
            return [], parameter.missing()
        if "array" in shape.types and parameter.explode and not parameter.json:
            single = parameter.read(texts[0]) if len(texts) == 1 and shape.types & PRIMITIVES else ()
            return [name], parameter.judge([*single, *listed(texts, shape)])
        if len(texts) > 1:
            return [name], iter([Fault("query", "repeated-parameter", name)])
        return [name], parameter.faults(texts[0])

    def _of_cookies(self, lines: Sequence[bytes]) -> Iterator[Fault]:
        pairs = [
            (name.strip(), value.strip())
            for line in lines
            for name, _, value in (
                part.partition("=") for part in line.partition(b":")[2].decode("latin-1").split(";")
            )
        ]
        for parameter in self._cookies:
            texts = [value for name, value in pairs if name == parameter.name]
            if len(texts) > 1:
                yield Fault("cookie", "repeated-parameter", parameter.name)
            elif texts:
                yield from _decoded(parameter, texts[0])
            else:
                yield from parameter.missing()


def _decoded(parameter: Parameter, text: str) -> Iterator[Fault]:
    try:
        plain = decoded(text)
    except NotWritten:
        yield Fault(parameter.place, "not-utf8", parameter.name)
    else:
        yield from parameter.faults(plain)


def _of_header(parameter: Parameter, values: Sequence[bytes]) -> Iterator[Fault]:
    if not values:
        yield from parameter.missing()
    elif len(values) > 1 and "array" not in parameter.shape.types:
        yield Fault("header", "repeated-parameter", parameter.name)
    else:
        try:
            text = b",".join(values).decode("utf-8")
        except UnicodeDecodeError:
            yield Fault("header", "not-utf8", parameter.name)
        else:
            yield from parameter.faults(text)

"""What an OpenAPI document must hold so that calls can be held against it, and examples answer for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import jsonschema_rs

from gateway.catalog.errors import Fault, Severity
from gateway.catalog.openapi import examples, operations, schemas
from gateway.catalog.openapi.operations import Described
from gateway.catalog.openapi.references import resolved
from gateway.catalog.openapi.schemas import Direction, Schemas
from gateway.catalog.source.document import Document

# Parameters in a path segment (`;a=1`) have no style here: the edge refuses the sign (promise H22).
STYLES: Final[Mapping[str, frozenset[str]]] = {
    "query": frozenset({"form", "spaceDelimited", "pipeDelimited", "deepObject"}),
    "path": frozenset({"simple", "label"}),
    "header": frozenset({"simple"}),
    "cookie": frozenset({"form"}),
}
_OBJECTS: Final = {"type": "object", "additionalProperties": {"type": "object"}}
_CONTENT: Final = {
    "type": "object",
    "additionalProperties": {
        "type": "object",
        "properties": {"schema": {"type": ["object", "boolean"]}, "examples": _OBJECTS},
    },
}
_SCHEMA: Final = {"type": ["object", "boolean"]}
_HEADER: Final = {"type": "object", "properties": {"schema": _SCHEMA}}
# The form of what judging reads, references followed. The rest of the document may have any.
FORMS: Final[Mapping[str, jsonschema_rs.Draft202012Validator]] = {
    kind: jsonschema_rs.Draft202012Validator(form)
    for kind, form in (
        (
            "parameter",
            {
                "type": "object",
                "required": ["name", "in"],
                "properties": {
                    "name": {"type": "string", "minLength": 1},
                    "in": {"enum": list(STYLES)},
                    "style": {"type": "string"},
                    "schema": _SCHEMA,
                    "content": {**_CONTENT, "minProperties": 1, "maxProperties": 1},
                },
            },
        ),
        ("request body", {"type": "object", "properties": {"content": _CONTENT}}),
        (
            "response",
            {"type": "object", "properties": {"content": _CONTENT, "headers": _OBJECTS}},
        ),
        ("header", _HEADER),
    )
}


def check(document: Document, *, mocked: bool) -> Iterator[Fault]:
    """The document must have passed its schema, `references.check` and `operations.check`."""
    broken = [fault for each in operations.operations(document) for fault in _forms(document, each)]
    broken = broken or list(schemas.check(document))
    yield from broken
    if broken:
        return
    answers = Schemas(document.value, Direction.RESPONSE)
    for operation in operations.operations(document):
        yield from _parameters(document, operation)
        if mocked:
            yield from _examples(document, operation, answers)


def _forms(document: Document, operation: Described) -> Iterator[Fault]:
    parts: list[tuple[str, Any]] = [
        ("parameter", each) for each in operations.parameters(document, operation)
    ]
    if "requestBody" in operation.value:
        parts.append(("request body", resolved(document.value, operation.value["requestBody"])))
    responses = [resolved(document.value, each) for each in operation.value["responses"].values()]
    parts.extend(("response", each) for each in responses)
    for each in responses:
        headers = each.get("headers")
        for header in headers.values() if isinstance(headers, dict) else ():
            parts.append(("header", resolved(document.value, header)))
    for kind, value in parts:
        for error in FORMS[kind].iter_errors(value):
            where = "/".join(str(step) for step in error.instance_path)
            name = f"{kind} {value['name']!r}" if isinstance(value.get("name"), str) else kind
            message = error.message if len(error.message) <= 200 else f"{error.message[:199]}…"
            yield document.fault(operation.pointer, f"{operation.id}, {name}: {where or 'it'}: {message}")


def _parameters(document: Document, operation: Described) -> Iterator[Fault]:
    for parameter in operations.parameters(document, operation):
        place, name = str(parameter.get("in")), parameter.get("name")
        style = parameter.get("style")
        if style is not None and style not in STYLES[place]:
            fitting = ", ".join(sorted(STYLES[place]))
            yield document.fault(
                operation.pointer,
                f"{operation.id}: {name!r} in {place} cannot have the style {style}; use {fitting}",
            )
        elif place == "cookie":
            yield document.fault(
                operation.pointer,
                f"{operation.id}: {name!r} is a cookie, and cookies never reach a service; use a header",
                Severity.WARNING,
            )


def _examples(document: Document, operation: Described, answers: Schemas) -> Iterator[Fault]:
    found = list(examples.shown(document.value, operation.path, operation.method.lower(), answers))
    pointer = f"{operation.pointer}/responses"
    if not any(200 <= each.status < 300 for each in found):
        yield document.fault(
            pointer,
            f"{operation.id}: no example of a good answer, and none can be made from its schema; "
            "the mock answers 501. Give an example",
            Severity.WARNING,
        )
    for each in found:
        if each.pointer and not answers.validator(each.pointer).is_valid(each.value):
            yield document.fault(
                pointer,
                f"{operation.id} {each.status}: the example {each.name!r} breaks its own schema; correct one of them",
                Severity.WARNING,
            )

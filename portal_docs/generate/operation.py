"""One operation of an OpenAPI document as the page shows it: parameters, bodies, answers, samples."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from gateway.catalog.model import Api, Operation
from portal_docs.generate.samples import Call
from portal_docs.generate.schema import Field, Json, example_of, fields, merged, resolve, type_name
from portal_docs.generate.text import anchor

_HEADER_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]*")
_MEDIA_TYPE = re.compile(r"[A-Za-z0-9.+-]+/[A-Za-z0-9.+-]+(; ?[A-Za-z0-9-]+=[A-Za-z0-9.-]+)*")
_SEGMENT = re.compile(r"(\{[^{}]*\})")
# Headers that the samples already send, or that only the gateway may say anything about.
_OWN_HEADERS = frozenset({"authorization", "accept", "content-type"})


@dataclass(frozen=True, slots=True)
class Parameter:
    name: str
    place: str  # path, query, header
    type: str
    required: bool
    description: str
    values: tuple[str, ...]
    example: Any


@dataclass(frozen=True, slots=True)
class Body:
    """A request or response body: its media type, its fields and an example as indented JSON."""

    media_type: str
    fields: tuple[Field, ...]
    example: str
    required: bool = True


@dataclass(frozen=True, slots=True)
class Answer:
    status: str
    description: str
    body: Body | None


@dataclass(frozen=True, slots=True)
class OperationView:
    """Everything of one operation; texts are the publisher's own, not yet made safe."""

    operation: Operation
    anchor: str
    summary: str
    description: str
    deprecated: bool
    parameters: tuple[Parameter, ...]
    request: Body | None
    answers: tuple[Answer, ...]
    call: Call


def views(api: Api, document: Json, issuer: str) -> list[OperationView]:
    """All operations of an API in the publication's order."""
    return [_view(api, operation, document, issuer) for operation in api.operations]


def first_call(found: list[OperationView]) -> OperationView | None:
    """The operation to begin with: a reading one that needs no values, else the first."""
    plain = [v for v in found if not v.call.socket]
    simple = [v for v in plain if v.operation.method == "GET" and "{" not in v.operation.path]
    return next(iter(simple or plain or found), None)


def _view(api: Api, operation: Operation, document: Json, issuer: str) -> OperationView:
    item = resolve(document, (document.get("paths") or {}).get(operation.path))
    node = resolve(document, item.get(operation.method.lower()))
    parameters = tuple(_parameters(document, item, node))
    request = _body(document, resolve(document, node.get("requestBody")))
    answers = tuple(_answers(document, node))
    return OperationView(
        operation=operation,
        anchor=anchor(operation.id, "op"),
        summary=str(node.get("summary") or ""),
        description=str(node.get("description") or ""),
        deprecated=node.get("deprecated") is True,
        parameters=parameters,
        request=request,
        answers=answers,
        call=_call(f"{issuer.rstrip('/')}{api.base}", operation, parameters, request, _accepted(answers)),
    )


def _parameters(document: Json, item: Json, node: Json) -> Iterator[Parameter]:
    found: dict[tuple[str, str], Json] = {}
    for listed in (item.get("parameters") or [], node.get("parameters") or []):
        for entry in listed:
            parameter = resolve(document, entry)
            found[(str(parameter.get("in")), str(parameter.get("name")))] = parameter
    for (place, name), parameter in found.items():
        schema = merged(document, parameter.get("schema") or {})
        yield Parameter(
            name=name,
            place=place,
            type=type_name(document, schema),
            required=parameter.get("required") is True or place == "path",
            description=str(parameter.get("description") or schema.get("description") or ""),
            values=tuple(str(value) for value in schema.get("enum") or ()),
            example=example_of(document, parameter),
        )


def _answers(document: Json, node: Json) -> Iterator[Answer]:
    for status, entry in sorted((node.get("responses") or {}).items(), key=lambda pair: str(pair[0])):
        response = resolve(document, entry)
        yield Answer(str(status), str(response.get("description") or ""), _body(document, response))


def _body(document: Json, holder: Json) -> Body | None:
    content = holder.get("content")
    if not isinstance(content, Mapping) or not content:
        return None
    media_type = next((str(name) for name in content if "json" in str(name)), str(next(iter(content))))
    media = resolve(document, content[media_type])
    if not _MEDIA_TYPE.fullmatch(media_type):
        media_type = "application/json"
    example = example_of(document, media)
    text = (
        example
        if isinstance(example, str)
        else json.dumps(example, ensure_ascii=False, indent=2, default=str)
    )
    return Body(
        media_type=media_type,
        fields=tuple(fields(document, media.get("schema") or {})),
        example=text,
        required=holder.get("required") is True,
    )


def _accepted(answers: tuple[Answer, ...]) -> str:
    good = (answer.body for answer in answers if answer.status.startswith("2"))
    return next((body.media_type for body in good if body), "application/json")


def _call(
    base: str, operation: Operation, parameters: tuple[Parameter, ...], request: Body | None, accept: str
) -> Call:
    values = {p.name: _text(p.example) for p in parameters if p.place == "path"}
    path = "".join(
        quote(values.get(part[1:-1], "1"), safe="")
        if part.startswith("{")
        else quote(part, safe="/$:@!,;=-._~")
        for part in _SEGMENT.split(operation.path)
    )
    query = "&".join(
        f"{quote(p.name, safe='[]$')}={quote(_text(p.example), safe='')}"
        for p in parameters
        if p.place == "query" and p.required
    )
    headers = {
        p.name: _text(p.example)
        for p in parameters
        if p.place == "header" and p.required and _sendable(p.name, _text(p.example))
    }
    has_json = request is not None and "json" in request.media_type
    return Call(
        method=operation.method,
        url=f"{base}{path}{'?' + query if query else ''}",
        scopes=tuple(sorted(operation.scopes)),
        accept=accept,
        headers=headers,
        body=_one_line(request.example) if request is not None and has_json else None,
        content_type=request.media_type if request is not None and has_json else "application/json",
        socket=operation.message_weight is not None,
    )


def _sendable(name: str, value: str) -> bool:
    """A header that a sample may hold: a plain name (curl reads `@file`), no line break in the value."""
    return bool(_HEADER_NAME.fullmatch(name)) and name.lower() not in _OWN_HEADERS and value.isprintable()


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ",".join(_text(member) for member in value)
    return json.dumps(value, ensure_ascii=False, default=str)


def _one_line(text: str) -> str:
    try:
        return json.dumps(json.loads(text), ensure_ascii=False)
    except ValueError:
        return " ".join(text.split())

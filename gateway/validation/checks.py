"""The checks of every operation of one API, made when its publication is taken and shared by all calls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from gateway.access_log import Place
from gateway.catalog.model import Api, Judging, Operation
from gateway.catalog.openapi.references import find, resolved
from gateway.catalog.openapi.schemas import Direction, Schemas
from gateway.catalog.source.document import pointer_of
from gateway.validation import json_text
from gateway.validation.forms import MULTIPART, URLENCODED, form_of
from gateway.validation.mock import Mock, mock_of
from gateway.validation.parameters import Parameter, Parameters, compiled
from gateway.validation.requests import Body, Content, RequestCheck, RequestChecks
from gateway.validation.responses import Declared, ResponseCheck
from gateway.validation.texts import shape_of


@dataclass(frozen=True, slots=True)
class ApiChecks:
    """By operation id; empty where the publication asks for none."""

    api: Api
    requests: Mapping[str, RequestChecks]
    responses: Mapping[str, ResponseCheck]
    mocks: Mapping[str, Mock]


def are_wanted(api: Api) -> bool:
    wanted = api.validation
    return wanted.request is not Judging.OFF or wanted.response is not Judging.OFF or bool(api.mocked)


def compile_checks(api: Api) -> ApiChecks:
    """Everything that the publication asks to be held against the document."""
    modes = {
        str(each): Judging.ENFORCE if each in api.mocked else api.validation.request for each in api.upstreams
    }
    judged = {where: mode for where, mode in modes.items() if mode is not Judging.OFF}
    requests: dict[str, RequestChecks] = {}
    responses: dict[str, ResponseCheck] = {}
    if judged:
        schemas = Schemas(api.openapi, Direction.REQUEST)
        for each in api.operations:
            made = _request_check(api, each, schemas)
            requests[each.id] = RequestChecks(
                {where: replace(made, enforce=mode is Judging.ENFORCE) for where, mode in judged.items()},
                _place(api, each),
            )
    mocks: dict[str, Mock] = {}
    if api.validation.response is not Judging.OFF or api.mocked:
        schemas = Schemas(api.openapi, Direction.RESPONSE)
        if api.validation.response is not Judging.OFF:
            responses = {each.id: _response_check(api, each, schemas) for each in api.operations}
        if api.mocked:
            mocks = {each.id: mock_of(api, each, schemas) for each in api.operations}
    return ApiChecks(api, requests, responses, mocks)


def _place(api: Api, operation: Operation) -> Place:
    return Place(api.base + operation.path, api.key, operation.id)


def _request_check(api: Api, operation: Operation, schemas: Schemas) -> RequestCheck:
    method = operation.method.lower()
    pointer = pointer_of("paths", operation.path, method)
    value = find(schemas.document, "#" + pointer)
    wanted = api.validation
    return RequestCheck(
        enforce=True,
        parameters=Parameters(
            compiled(schemas, operation.path, method), operation.path, refuse_unknown=wanted.refuse_unknown
        ),
        body=_body(schemas, f"{pointer}/requestBody") if "requestBody" in value else None,
        offered=tuple(dict.fromkeys(_offered(schemas.document, value))),
        limit=min(wanted.body, operation.body_limit),
        bounds=json_text.Bounds(wanted.depth),
    )


def _body(schemas: Schemas, pointer: str) -> Body:
    pointer, value = followed(schemas, pointer)
    return Body(value.get("required", False) is True, dict(_contents(schemas, pointer, value)))


def _contents(schemas: Schemas, pointer: str, value: Mapping[str, Any]) -> Iterator[tuple[str, Content]]:
    for name, media_type in value.get("content", {}).items():
        schema = "schema" in media_type
        below = pointer + pointer_of("content", name, "schema")
        validator, form = schemas.validator(below) if schema else None, None
        if validator is not None and name.partition(";")[0].strip().lower() in (URLENCODED, MULTIPART):
            form = form_of(media_type, validator, schemas.document)
        yield name, Content(name, validator, schemas.document, form)


def followed(schemas: Schemas, pointer: str) -> tuple[str, dict[str, Any]]:
    """The value at a pointer and where it really stands, when there is a reference there."""
    value = find(schemas.document, "#" + pointer)
    while "$ref" in value:
        pointer = str(value["$ref"])[1:]
        value = find(schemas.document, "#" + pointer)
    return pointer, value


def _offered(document: dict[str, Any], operation: Mapping[str, Any]) -> Iterator[str]:
    for status, response in operation.get("responses", {}).items():
        if str(status).startswith("2"):
            yield from resolved(document, response).get("content", {})


def _response_check(api: Api, operation: Operation, schemas: Schemas) -> ResponseCheck:
    pointer = pointer_of("paths", operation.path, operation.method.lower(), "responses")
    answers = {}
    for status in find(schemas.document, "#" + pointer):
        below, value = followed(schemas, pointer + pointer_of(status))
        answers[str(status)] = Declared(
            [
                _header(schemas, name, below + pointer_of("headers", name))
                for name in value.get("headers", {})
                if name.lower() != "content-type"
            ],
            dict(_contents(schemas, below, value)),
        )
    wanted = api.validation
    return ResponseCheck(answers, wanted.body, json_text.Bounds(wanted.depth), _place(api, operation))


def _header(schemas: Schemas, name: str, pointer: str) -> Parameter:
    pointer, value = followed(schemas, pointer)
    schema = value.get("schema")
    return Parameter(
        name=name,
        place="header",
        required=value.get("required", False) is True,
        style="simple",
        explode=value.get("explode", False) is True,
        may_be_empty=False,
        json=False,
        shape=shape_of(schema, schemas.document),
        validator=schemas.validator(f"{pointer}/schema") if schema is not None else None,
        document=schemas.document,
    )

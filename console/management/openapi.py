"""The OpenAPI 3.1 document of the management API, made from the same table that routes the calls."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from console import errors
from console.management.operation import Door, Operation
from console.management.strict_json import MOST_BYTES, MOST_DEPTH
from console.problem import MEDIA_TYPE
from console.statuses import status_of

VERSION = "0.1.0"
RELEASED = "2026-11-21"
STATUS = "beta"
SCHEMAS = "#/components/schemas/{model}"

DESCRIPTION = f"""\
**Svenska.** Allt som konsolen kan, för program: organisationer, appar, hemligheter, prenumerationer, användning,
granskningslogg. Fel är problemdokument (RFC 9457). Tider är RFC 3339 i UTC. Listor har `_meta` och `_links`.
Kända begränsningar: innehåll högst {MOST_BYTES // 1024} KiB och {MOST_DEPTH} nivåer djupt, okända fält och
frågeparametrar avvisas, dubbla namn i JSON avvisas.

**English.** Everything the console can do, for programs: organisations, apps, secrets, subscriptions, usage, audit
log. Errors are problem documents (RFC 9457). Times are RFC 3339 in UTC. Lists have `_meta` and `_links`.
Known limits: content at most {MOST_BYTES // 1024} KiB and {MOST_DEPTH} levels deep; unknown fields and query
parameters are refused, as are duplicate names in JSON.

Authentication: a personal token as `Authorization: Bearer sluss_pat_…`, or the console's session cookie. With the
cookie, whatever changes something must come from our own origin (`Sec-Fetch-Site: same-origin`, or `Origin` equal to
the issuer) and carry the header `X-Sluss-CSRF: 1`.
"""


def document(operations: Iterable[Operation], issuer: str, *, secure: bool) -> dict[str, Any]:
    """The whole document. `issuer` is the public base URL."""
    table = list(operations)
    paths: dict[str, dict[str, Any]] = {}
    for operation in table:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": _info(issuer),
        "servers": [{"url": f"{issuer}/management/v1"}],
        "externalDocs": {"url": f"{issuer}/portal/", "description": "Portalen / The portal"},
        "tags": [{"name": name} for name in dict.fromkeys(operation.tag for operation in table)],
        "paths": paths,
        "components": {
            "schemas": _schemas(table),
            "securitySchemes": {
                "personalToken": {"type": "http", "scheme": "bearer", "bearerFormat": "sluss_pat_…"},
                "session": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": "__Host-sluss" if secure else "sluss_session",
                },
            },
        },
    }


def api_info(issuer: str) -> dict[str, Any]:
    """What DIGG's profile asks for at `/api-info` (VER.06, VER.07)."""
    return {
        "apiName": "management",
        "apiVersion": VERSION,
        "apiReleased": RELEASED,
        "apiDocumentation": f"{issuer}/portal/",
        "apiStatus": STATUS,
    }


def _info(issuer: str) -> dict[str, Any]:
    return {
        "title": "Sluss management API",
        "version": VERSION,
        "description": DESCRIPTION,
        "termsOfService": f"{issuer}/portal/",
        "contact": {"name": "Sluss", "url": f"{issuer}/portal/", "email": "api@region.example"},
        "license": {"name": "EUPL-1.2", "url": "https://eupl.eu/1.2/en/"},
    }


def _operation(operation: Operation) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.id,
        "summary": operation.summary,
        "description": f"{operation.summary_sv}.",
        "tags": [operation.tag],
        "security": _security(operation),
        "responses": _responses(operation),
    }
    parameters = [*_path_parameters(operation), *_query_parameters(operation)]
    if parameters:
        described["parameters"] = parameters
    if operation.takes is not None:
        described["requestBody"] = {"required": True, "content": _content(operation.takes)}
    return described


def _security(operation: Operation) -> list[dict[str, list[str]]]:
    entry: list[dict[str, list[str]]] = [{"personalToken": []}, {"session": []}]
    return [{}, *entry] if operation.door is Door.OPEN else entry


def _path_parameters(operation: Operation) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"{(\w+)}", operation.path)
    ]


def _query_parameters(operation: Operation) -> list[dict[str, Any]]:
    schema = operation.query.model_json_schema(by_alias=True)
    required = set(schema.get("required", ()))
    return [
        {"name": name, "in": "query", "required": name in required, "schema": described}
        for name, described in schema.get("properties", {}).items()
    ]


def _responses(operation: Operation) -> dict[str, Any]:
    answer: dict[str, Any] = {"description": HTTPStatus(operation.status).phrase}
    if operation.answers is not None:
        answer["content"] = _content(operation.answers)
    if operation.status == HTTPStatus.CREATED:
        answer["headers"] = {
            "Location": {"description": "The new resource.", "schema": {"type": "string", "format": "uri"}}
        }
    responses: dict[str, Any] = {str(operation.status): answer}
    for status in sorted(refusal_statuses(operation)):
        responses[str(status)] = {
            "description": HTTPStatus(status).phrase,
            "content": {MEDIA_TYPE: {"schema": {"$ref": SCHEMAS.format(model="Problem")}}},
        }
    return responses


def refusal_statuses(operation: Operation) -> set[int]:
    """Every status of refusal that the operation can answer with."""
    # 401 on open operations too: a proof that is shown there must hold.
    kinds: list[type[errors.ConsoleError]] = [
        errors.Unreadable,
        errors.NotSignedIn,
        errors.Internal,
        errors.Unavailable,
    ]
    kinds += list(operation.refusals)
    if operation.takes is not None:
        kinds += [errors.UnsupportedMedia, errors.TooLarge, errors.Invalid]
    if operation.mutates:
        kinds.append(errors.CrossSite)
    if operation.door is Door.OPERATOR:
        kinds.append(errors.OperatorOnly)
    return {status_of(kind) for kind in kinds}


def _content(model: type[BaseModel]) -> Mapping[str, Any]:
    return {"application/json": {"schema": {"$ref": SCHEMAS.format(model=model.__name__)}}}


def _schemas(operations: Iterable[Operation]) -> dict[str, Any]:
    taken = {operation.takes for operation in operations if operation.takes is not None}
    given = {operation.answers for operation in operations if operation.answers is not None}
    wanted: list[tuple[type[BaseModel], Any]] = [(model, "validation") for model in taken]
    wanted += [(model, "serialization") for model in given]
    wanted.sort(key=lambda pair: pair[0].__name__)
    _, found = models_json_schema(wanted, by_alias=True, ref_template=SCHEMAS)
    return {**dict(sorted(found["$defs"].items())), "Problem": PROBLEM}


PROBLEM: Mapping[str, Any] = {
    "title": "Problem",
    "description": "RFC 9457",
    "type": "object",
    "required": ["type", "title", "status", "detail", "instance", "code"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string", "format": "uri"},
        "code": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "code", "detail"],
                "properties": {
                    "field": {"type": "string"},
                    "code": {"type": "string"},
                    "detail": {"type": "string"},
                },
            },
        },
    },
}

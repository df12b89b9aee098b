"""Security schemes (SAK), query parameters and paging (FNS)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from gateway.catalog.openapi import operations
from gateway.catalog.rules.subject import Finding, Subject
from gateway.catalog.source.document import pointer_of

_OTHER_PAGING = frozenset({"pagesize", "perpage", "size", "pagenumber", "top", "skip", "start", "rows"})


def schemes(subject: Subject) -> Iterator[Finding]:
    declared = subject.value.get("components", {}).get("securitySchemes", {})
    for name, scheme in declared.items():
        pointer = pointer_of("components", "securitySchemes", name)
        kind, place = scheme.get("type"), scheme.get("in")
        if kind == "http" and str(scheme.get("scheme", "")).lower() in ("basic", "digest"):
            yield Finding("SAK.09", pointer, f"{name}: neither Basic nor Digest")
        if kind == "apiKey" and place == "query":
            yield Finding("SAK.15", pointer, f"{name}: a key in the query ends up in logs")
        if kind == "apiKey" and place != "header":
            yield Finding("SAK.16", pointer, f"{name}: send the key in a header")
        if kind == "oauth2" and not scheme.get("flows"):
            yield Finding("SAK.18", pointer, f"{name}: describe the OAuth 2.0 flow with its addresses")
    if not any(scheme.get("type") in ("oauth2", "openIdConnect") for scheme in declared.values()):
        yield Finding("SAK.18", "/components", "declare OAuth 2.0 or OpenID Connect as security scheme")


def query_parameters(subject: Subject) -> Iterator[Finding]:
    for pointer, parameter in subject.parameters():
        name = str(parameter.get("name", ""))
        if parameter.get("in") != "query":
            continue
        if not re.match(r"[A-Za-z]", name):
            yield Finding("FNS.03", pointer, f"{name!r}: begin the name with a letter")
        if parameter.get("required") is True:
            yield Finding("FNS.05", pointer, f"{name!r}: search parameters should be optional")
        yield from _page_or_limit(subject, pointer, name, parameter)


def _page_or_limit(subject: Subject, pointer: str, name: str, parameter: dict[str, Any]) -> Iterator[Finding]:
    schema = subject.resolved(parameter.get("schema", {}))
    if name == "page" and (schema.get("minimum") != 1 or schema.get("default", 1) != 1):
        yield Finding("FNS.08", pointer, "page counts from 1: minimum 1, default 1")
    if name == "limit" and schema.get("default") != 20:
        yield Finding("FNS.09", pointer, "limit should have the default 20")


def paging(subject: Subject) -> Iterator[Finding]:
    for operation in subject.operations():
        names = {
            str(parameter.get("name"))
            for parameter in operations.parameters(subject.openapi, operation)
            if parameter.get("in") == "query"
        }
        if {re.sub(r"[-_]", "", name).lower() for name in names} & _OTHER_PAGING:
            yield Finding(
                "FNS.07", operation.pointer, f"{operation.id}: page with `page` or `offset` and `limit`"
            )
        elif names & {"page", "offset"} and "limit" not in names:
            yield Finding("FNS.07", operation.pointer, f"{operation.id}: paging needs `limit` as well")

"""Bodies (AME), dates (DOT), errors (FEL) and created things (ARP)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from gateway.catalog.openapi import references
from gateway.catalog.rules.subject import Finding, Subject, as_object
from gateway.catalog.source.document import pointer_of

_CAMEL = re.compile(r"[a-z][a-zA-Z0-9]*")
_SNAKE = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")
_PRESCRIBED = frozenset({"_links", "_meta", "_embedded"})  # names the profile itself gives
_MOMENT = re.compile(r"(?:[a-z0-9](?:At|DateTime|Timestamp)|(?:_at|_timestamp))$")
_DAY = re.compile(r"(?:[a-z0-9]Date|_date)$|^date$")
_PROBLEM = ("type", "title", "status", "detail", "instance")
_PROBLEM_TYPES = ("application/problem+json", "application/problem+xml")


def properties(subject: Subject) -> Iterator[tuple[str, str, Any]]:
    """Pointer, name and schema of every property."""
    for path, value in references.walk(subject.value):
        if path and path[-1] == "properties" and (len(path) < 2 or path[-2] != "properties"):
            for name, schema in value.items():
                yield pointer_of(*path, name), name, schema


def names(subject: Subject) -> Iterator[Finding]:
    camel: list[tuple[str, str]] = []
    snake: list[tuple[str, str]] = []
    for pointer, name, _ in properties(subject):
        if name in _PRESCRIBED or (_CAMEL.fullmatch(name) and _SNAKE.fullmatch(name)):
            continue
        if _CAMEL.fullmatch(name):
            camel.append((pointer, name))
        elif _SNAKE.fullmatch(name):
            snake.append((pointer, name))
        else:
            yield Finding("AME.04", pointer, f"{name!r}: write names in camelCase or snake_case")
    fewer = min(camel, snake, key=len)
    for pointer, name in fewer if camel and snake else []:
        other = "camelCase" if fewer is snake else "snake_case"
        yield Finding("AME.05", pointer, f"{name!r}: most names are {other}; keep to one way")


def dates(subject: Subject) -> Iterator[Finding]:
    for pointer, name, schema in properties(subject):
        if not isinstance(schema, dict) or schema.get("type") != "string":
            continue
        form = schema.get("format")
        if _MOMENT.search(name) and form != "date-time":
            yield Finding("DOT.02", pointer, f"{name!r}: give a time the format date-time (RFC 3339)")
        if _DAY.search(name) and form not in ("date", "date-time"):
            yield Finding("DOT.02", pointer, f"{name!r}: give a day the format date (RFC 3339)")


def errors(subject: Subject) -> Iterator[Finding]:
    for operation in subject.operations():
        for status, pointer, response in subject.responses(operation):
            if status[0] not in "45":
                continue
            contents = as_object(response.get("content"))
            problem = next((contents[kind] for kind in _PROBLEM_TYPES if kind in contents), None)
            if problem is None:
                yield Finding(
                    "FEL.02", pointer, f"{operation.id} {status}: answer with application/problem+json"
                )
                continue
            schema = subject.resolved(as_object(problem).get("schema"))
            missing = [name for name in _PROBLEM if name not in as_object(schema.get("properties"))]
            if missing:
                yield Finding(
                    "FEL.01", pointer, f"{operation.id} {status}: the problem lacks {', '.join(missing)}"
                )


def created(subject: Subject) -> Iterator[Finding]:
    for operation in subject.operations():
        for status, pointer, response in subject.responses(operation):
            if status in ("201", "202") and "Location" not in as_object(response.get("headers")):
                rule = "ARP.03" if status == "201" else "ARP.04"
                yield Finding(rule, pointer, f"{operation.id} {status}: add the header Location")

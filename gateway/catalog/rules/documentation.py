"""What a reader needs to find in the document (DOK)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from gateway.catalog.openapi import references
from gateway.catalog.rules.subject import Finding, Subject
from gateway.catalog.source.document import pointer_of

_INFO = {"contact": ("name", "url", "email"), "license": ("name", "url")}
_ALWAYS = ("401", "403", "429")  # what the gateway answers under every operation
_JSON = re.compile(r"application/(?:[a-z0-9.+-]+\+)?json")


def about(subject: Subject) -> Iterator[Finding]:
    info = subject.value["info"]
    if not str(info.get("description", "")).strip():
        yield Finding(
            "DOK.03",
            "/info",
            "describe purpose, data model, authentication and life cycle in info.description",
        )
    for part, names in _INFO.items():
        given = info.get(part)
        for name in names:
            if not isinstance(given, dict) or not given.get(name):
                yield Finding("DOK.03", f"/info/{part}", f"give info.{part}.{name}")
    if not str(subject.value["openapi"]).startswith("3.1."):
        yield Finding("DOK.17", "/openapi", "write the document in OpenAPI 3.1")


def described(subject: Subject) -> Iterator[Finding]:
    for operation in subject.operations():
        if not str(operation.value.get("description", "")).strip():
            yield Finding("DOK.19", operation.pointer, f"{operation.id}: say in `description` what it does")
        if operation.method == "GET" and "requestBody" in operation.value:
            yield Finding("FOR.02", operation.pointer, f"{operation.id}: a GET has no body")
    for pointer, parameter in subject.parameters():
        if not str(parameter.get("description", "")).strip():
            yield Finding("DOK.12", pointer, f"describe the parameter {parameter.get('name')!r}")


def returns(subject: Subject) -> Iterator[Finding]:
    for operation in subject.operations():
        known = operation.value["responses"]
        missing = [status for status in _ALWAYS if status not in known and f"{status[0]}XX" not in known]
        if missing and "default" not in known:
            yield Finding(
                "DOK.20", operation.pointer, f"{operation.id}: document {', '.join(missing)} as well"
            )
        for status, pointer, response in subject.responses(operation):
            if not str(response.get("description", "")).strip():
                yield Finding("DOK.20", pointer, f"{operation.id}: describe the response {status}")


def examples(subject: Subject) -> Iterator[Finding]:
    for operation in subject.operations():
        body = subject.resolved(operation.value.get("requestBody", {}))
        if not _shown(body):
            yield Finding(
                "DOK.15", f"{operation.pointer}/requestBody", f"{operation.id}: give an example of the body"
            )
        for status, pointer, response in subject.responses(operation):
            if not _shown(response):
                yield Finding("DOK.15", pointer, f"{operation.id}: give an example of the response {status}")


def _shown(holder: dict[str, Any]) -> bool:
    """Whether every JSON content of a body or response has an example."""
    contents = holder.get("content")
    if not isinstance(contents, dict):
        return True
    return all(
        isinstance(content, dict) and ("example" in content or content.get("examples"))
        for media_type, content in contents.items()
        if _JSON.fullmatch(media_type.split(";")[0].strip())
    )


def languages(subject: Subject) -> Iterator[Finding]:
    """Every text in Swedish too. The document is English; the overlay sets the Swedish ones."""
    for path, value in references.walk(subject.value):
        if path and path[-1] in ("properties", "patternProperties", "headers", "contact", "license", "x-sla"):
            continue
        for name in ("title", "summary", "description"):
            if isinstance(value.get(name), str) and pointer_of(*path, name) not in subject.translated:
                yield Finding(
                    "DOK.06", pointer_of(*path, name), f"no Swedish {name}; add it to overlay.sv.yaml"
                )
        if path and path[-1] == "scopes":
            for scope in value:
                if pointer_of(*path, scope) not in subject.translated:
                    yield Finding(
                        "DOK.06", pointer_of(*path, scope), f"no Swedish text for the scope {scope!r}"
                    )

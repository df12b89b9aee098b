"""Paths (UFN, RES) and versions (VER)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gateway.catalog.openapi import paths
from gateway.catalog.rules.subject import Finding, Subject
from gateway.catalog.source.document import pointer_of

_PERSONAL = re.compile(
    r"personnummer|personalidentity|socialsecurity|pnr|ssn|samordningsnummer", re.IGNORECASE
)


def literals(path: str) -> Iterator[str]:
    """The segments that are no parameters."""
    return (segment for segment in path[1:].split("/") if segment and not segment.startswith("{"))


def characters(subject: Subject) -> Iterator[Finding]:
    for path in subject.value["paths"]:
        pointer = pointer_of("paths", path)
        for segment in literals(path):
            if not re.fullmatch(r"[a-z0-9.~-]+", segment):
                yield Finding(
                    "UFN.07", pointer, f"{segment!r}: only a-z, 0-9, hyphen, dot and tilde in a path"
                )
            if "_" in segment or re.search(r"[a-z][A-Z]", segment):
                yield Finding("UFN.08", pointer, f"{segment!r}: separate words with hyphens")
            if "_" in segment:
                yield Finding("UFN.09", pointer, f"{segment!r}: no underscore in a path")
            if segment != segment.lower():
                yield Finding("RES.06", pointer, f"{segment!r}: name resources in lower case")


def personal_parameters(subject: Subject) -> Iterator[Finding]:
    for pointer, parameter in subject.parameters():
        name = str(parameter.get("name", ""))
        if parameter.get("in") in ("path", "query") and _PERSONAL.search(re.sub(r"[-_]", "", name)):
            yield Finding(
                "RES.02", pointer, f"{name!r}: no personal identifiers in addresses; they end up in logs"
            )


def longest(subject: Subject) -> Iterator[Finding]:
    for path in subject.value["paths"]:
        if len(path) + 64 * len(paths.parameters(path)) > 2048:
            yield Finding("UFN.05", pointer_of("paths", path), "addresses should stay below 2048 characters")


def versions(subject: Subject) -> Iterator[Finding]:
    version = str(subject.value["info"]["version"])
    major, status = int(version.split(".", maxsplit=1)[0]), subject.api.value["status"]
    if status in ("alpha", "beta") and major != 0:
        yield Finding("VER.11", "/info/version", f"a version in {status} has the major number 0, not {major}")
    if status not in ("alpha", "beta") and major == 0:
        yield Finding(
            "VER.12", "/info/version", f"a version that is {status} has the major number 1 or higher"
        )
    for number, server in enumerate(subject.value.get("servers", [])):
        url = str(server.get("url", "")) if isinstance(server, dict) else ""
        if not url.rstrip("/").endswith(f"/v{major}"):
            yield Finding(
                "VER.05",
                f"/servers/{number}",
                f"the address should end with /v{major}; the gateway replaces it",
            )

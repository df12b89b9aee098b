"""The operations of an OpenAPI document as the line needs them, and the faults that would mislead it.

The document must have passed its schema and `references.check`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gateway.catalog.errors import Fault
from gateway.catalog.openapi import paths
from gateway.catalog.openapi.references import resolved
from gateway.catalog.source.document import Document, pointer_of

METHODS = ("get", "head", "post", "put", "patch", "delete", "options")
MOST_OPERATIONS = 1000
_SCOPE = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]{1,128}")  # RFC 6749, section 3.3
_TOKEN_SCHEMES = ("oauth2", "openIdConnect")


@dataclass(frozen=True, slots=True)
class Described:
    """One operation as the document has it."""

    id: str
    method: str  # "GET"
    path: str
    pointer: str  # of the operation
    scopes: frozenset[str]
    value: dict[str, Any]

    @property
    def is_socket(self) -> bool:
        """A WebSocket: the document says that it switches protocols. There is no other sign."""
        return self.method == "GET" and "101" in self.value["responses"]


def each(value: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Path, method in lower case, operation – in the order of the document."""
    for path, item in value["paths"].items():
        if path.startswith("/"):
            for method in METHODS:
                if isinstance(item.get(method), dict):
                    yield path, method, item[method]


def scopes_declared(value: dict[str, Any]) -> dict[str, str]:
    """Every scope of every OAuth flow with its description."""
    schemes = value.get("components", {}).get("securitySchemes", {})
    flows = [flow for scheme in schemes.values() for flow in scheme.get("flows", {}).values()]
    return {scope: text for flow in flows for scope, text in flow.get("scopes", {}).items()}


def operations(document: Document) -> Iterator[Described]:
    value = document.value
    for path, method, operation in each(value):
        demand = operation.get("security", value.get("security", []))
        scopes = frozenset(scope for entry in demand for names in entry.values() for scope in names)
        pointer = pointer_of("paths", path, method)
        yield Described(operation["operationId"], method.upper(), path, pointer, scopes, operation)


def check(document: Document) -> Iterator[Fault]:
    """Everything about paths, ids and security that the line relies on."""
    yield from _check_paths(document)
    yield from _check_ids(document)
    for operation in operations(document):
        yield from _check_security(document, operation)
        yield from _check_parameters(document, operation)
        if "101" in operation.value["responses"] and operation.method != "GET":
            yield document.fault(
                f"{operation.pointer}/responses/101",
                f"{operation.id}: only GET can become a WebSocket; remove 101 or make it a GET",
            )


def _check_paths(document: Document) -> Iterator[Fault]:
    value = document.value["paths"]
    sound = []
    for path, item in value.items():
        pointer = pointer_of("paths", path)
        if not path.startswith("/"):
            continue
        if problem := paths.fault_of(path):
            yield document.fault(pointer, f"path {path}: {problem}")
        else:
            sound.append(path)
        if "$ref" in item:
            yield document.fault(f"{pointer}/$ref", "a path cannot be a reference; write its operations here")
        for method in ("trace", "query", "additionalOperations"):
            if method in item:
                yield document.fault(f"{pointer}/{method}", f"{method} is never let through; remove it")
    for one, other in paths.ambiguous(sound):
        pointer = pointer_of("paths", other)
        line = document.position(pointer_of("paths", one))[0]
        yield document.fault(
            pointer, f"{other} and {one} (line {line}) fit the same request; rename a literal segment"
        )


def _check_ids(document: Document) -> Iterator[Fault]:
    seen: dict[str, str] = {}
    count = 0
    for operation in operations(document):
        count += 1
        pointer = f"{operation.pointer}/operationId"
        if operation.id in seen:
            line = document.position(seen[operation.id])[0]
            yield document.fault(
                pointer, f"operationId {operation.id!r} is taken on line {line}; choose another"
            )
        seen.setdefault(operation.id, pointer)
    if not count:
        yield document.fault("/paths", "no operation; a publication needs at least one")
    if count > MOST_OPERATIONS:
        yield document.fault("/paths", f"more than {MOST_OPERATIONS} operations; split the API")


def _check_security(document: Document, operation: Described) -> Iterator[Fault]:
    own = "security" in operation.value
    pointer = f"{operation.pointer}/security" if own else operation.pointer
    demand = operation.value.get("security", document.value.get("security", []))
    if len(demand) != 1 or len(demand[0]) != 1:
        yield document.fault(
            pointer,
            f"{operation.id}: the gateway asks for exactly one token; "
            "give one security requirement with one scheme, for example [{oauth2: [api:read]}]",
        )
        return
    [(name, scopes)] = demand[0].items()
    schemes = document.value.get("components", {}).get("securitySchemes", {})
    if name not in schemes:
        yield document.fault(pointer, f"{operation.id}: securitySchemes has no {name!r}; declare it")
        return
    if schemes[name].get("type") not in _TOKEN_SCHEMES:
        yield document.fault(pointer, f"{operation.id}: {name!r} must have the type oauth2 or openIdConnect")
    declared = scopes_declared(document.value)
    for scope in scopes:
        if scope not in declared:
            yield document.fault(
                pointer, f"{operation.id}: the scope {scope!r} is not declared; add it to the flow's scopes"
            )
        elif not _SCOPE.fullmatch(scope):
            yield document.fault(pointer, f"{operation.id}: {scope!r} is not a scope (RFC 6749, section 3.3)")


def parameters(document: Document, operation: Described) -> list[dict[str, Any]]:
    """Parameters of the path and of the operation, references followed."""
    item = document.value["paths"][operation.path]
    listed = [*item.get("parameters", []), *operation.value.get("parameters", [])]
    return [resolved(document.value, parameter) for parameter in listed]


def _check_parameters(document: Document, operation: Described) -> Iterator[Fault]:
    in_template = set(paths.parameters(operation.path))
    declared = {
        str(parameter.get("name"))
        for parameter in parameters(document, operation)
        if parameter.get("in") == "path"
    }
    for name in sorted(in_template - declared):
        yield document.fault(operation.pointer, f"{operation.id}: declare the path parameter {name!r}")
    for name in sorted(declared - in_template):
        yield document.fault(
            operation.pointer, f"{operation.id}: {name!r} does not stand in {operation.path}"
        )

"""What a rule looks at, and what it says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from gateway.catalog.model import Family
from gateway.catalog.openapi import operations
from gateway.catalog.openapi.operations import Described
from gateway.catalog.openapi.references import resolved
from gateway.catalog.source.document import Document, pointer_of


class Finding(NamedTuple):
    """One broken rule, at a pointer of the OpenAPI document."""

    rule: str
    pointer: str
    message: str


def as_object(value: object) -> dict[str, Any]:
    """The parts that the gateway does not read may have any form; what is no object has nothing to judge."""
    return value if isinstance(value, dict) else {}


@dataclass(frozen=True, slots=True)
class Subject:
    """A publication without errors: what `openapi.schema.json` describes has the form it says."""

    openapi: Document
    api: Document
    family: Family
    translated: frozenset[str]  # pointers of the texts that the Swedish overlay sets

    @property
    def value(self) -> dict[str, Any]:
        document: dict[str, Any] = self.openapi.value
        return document

    def operations(self) -> Iterator[Described]:
        return operations.operations(self.openapi)

    def parameters(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Every parameter where it is written, references left out: a shared one is judged once."""
        for name, parameter in self.value.get("components", {}).get("parameters", {}).items():
            yield pointer_of("components", "parameters", name), parameter
        for path, item in self.value["paths"].items():
            yield from self._listed(item, path)
            for method in operations.METHODS:
                if isinstance(item.get(method), dict):
                    yield from self._listed(item[method], path, method)

    def _listed(self, owner: dict[str, Any], *place: str) -> Iterator[tuple[str, dict[str, Any]]]:
        for number, parameter in enumerate(owner.get("parameters", [])):
            if "$ref" not in parameter:
                yield pointer_of("paths", *place, "parameters", number), parameter

    def responses(self, operation: Described) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Status, pointer and response with references followed."""
        for status, response in operation.value["responses"].items():
            pointer = f"{operation.pointer}/responses{pointer_of(status)}"
            yield status, pointer, resolved(self.value, response)

    def resolved(self, value: object) -> dict[str, Any]:
        return resolved(self.value, value)


Rule = Callable[[Subject], Iterator[Finding]]

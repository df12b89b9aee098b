"""The published schemas: valid, complete, and all of them explained."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import orjson
import pytest

from gateway.catalog import errors
from gateway.catalog.source.schema import NAMES, schema_bytes


def schemas(node: dict[str, Any], pointer: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every schema inside a schema."""
    yield pointer, node
    for group in ("properties", "patternProperties", "$defs"):
        for name, child in node.get(group, {}).items():
            yield from schemas(child, f"{pointer}/{group}/{name}")
    for name in ("items", "additionalProperties", "contains"):
        if isinstance(node.get(name), dict):
            yield from schemas(node[name], f"{pointer}/{name}")


@pytest.mark.parametrize("name", NAMES)
def test_every_part_is_described(name: str) -> None:
    schema = orjson.loads(schema_bytes(name))
    assert [pointer for pointer, part in schemas(schema) if not part.get("description")] == []
    jsonschema_rs.meta.validate(schema)


@pytest.mark.parametrize("name", ["api", "plans", "overlay"])
def test_own_files_take_no_unknown_names(name: str) -> None:
    for pointer, part in schemas(orjson.loads(schema_bytes(name))):
        if part.get("properties") and pointer not in ("/properties/contacts/contains", "/properties/info"):
            assert part.get("additionalProperties") is False, pointer


def test_every_error_has_a_code_and_both_languages() -> None:
    classes: list[type[errors.CatalogError]] = [errors.CatalogError, *errors.CatalogError.__subclasses__()]
    assert len({each.code for each in classes}) == len(classes)
    assert all(each.sv and each.en and each.sv != each.en for each in classes)
    assert all(each.__name__ in (errors.__doc__ or "") for each in classes)

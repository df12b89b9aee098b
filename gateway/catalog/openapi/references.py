"""References inside one OpenAPI document.

Only references to places in the same document are taken: a reference to another file or to the network
would make the published contract depend on something that can change or spy (who fetches what, when).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from gateway.catalog.errors import Fault
from gateway.catalog.source.document import Document, pointer_of, unescape

# Their contents are data of the API, where "$ref" is a name like any other.
_DATA = frozenset({"example", "default", "enum", "const", "value"})


def find(root: object, reference: str) -> Any:
    """The value `#/…` names. Raises LookupError when there is none."""
    if not reference.startswith("#/"):
        raise LookupError(reference)
    value: Any = root
    for token in reference[2:].split("/"):
        name = unescape(unquote(token))
        if isinstance(value, dict) and name in value:
            value = value[name]
        elif isinstance(value, list) and name.isdigit() and len(name) < 7 and int(name) < len(value):
            value = value[int(name)]
        else:
            raise LookupError(reference)
    return value


def resolve(root: object, value: Any) -> Any:
    """Follows references until a value that is none. Raises LookupError for a missing place or a circle."""
    seen: set[str] = set()
    while isinstance(value, dict) and isinstance(value.get("$ref"), str):
        reference: str = value["$ref"]
        if reference in seen:
            raise LookupError(reference)
        seen.add(reference)
        value = find(root, reference)
    return value


def resolved(root: object, value: Any) -> dict[str, Any]:
    """Like `resolve`, for readers that come after `check`: what cannot be found is an empty object."""
    try:
        found = resolve(root, value)
    except LookupError:
        return {}
    return found if isinstance(found, dict) else {}


def walk(value: object) -> Iterator[tuple[tuple[str | int, ...], dict[str, Any]]]:
    """Every object of the document with its path, without the contents of examples."""
    waiting: list[tuple[tuple[str | int, ...], Any]] = [((), value)]
    while waiting:
        path, current = waiting.pop()
        if isinstance(current, dict):
            yield path, current
            named = bool(path) and path[-1] in ("properties", "patternProperties", "$defs", "schemas")
            waiting.extend(
                ((*path, key), child) for key, child in current.items() if named or key not in _DATA
            )
        elif isinstance(current, list):
            waiting.extend(((*path, number), child) for number, child in enumerate(current))


def check(document: Document) -> Iterator[Fault]:
    """References that leave the document, lead nowhere or go round."""
    for path, value in walk(document.value):
        reference = value.get("$ref")
        pointer = pointer_of(*path, "$ref")
        if isinstance(reference, str):
            if not reference.startswith("#/"):
                yield document.fault(
                    pointer,
                    f"{reference!r} leaves the document; move the part under components and refer to #/…",
                )
                continue
            try:
                resolve(document.value, value)
            except LookupError:
                yield document.fault(pointer, f"{reference!r} leads nowhere; correct the name")
        for name in ("$id", "$dynamicRef", "externalValue"):
            if isinstance(value.get(name), str) and not _is_property_list(path):
                yield document.fault(pointer_of(*path, name), f"{name} is not read; remove it")


def _is_property_list(path: tuple[str | int, ...]) -> bool:
    return bool(path) and path[-1] in ("properties", "patternProperties")

"""Swedish texts laid over a document: a restricted OpenAPI Overlay 1.0.

Read: `update` actions, applied in order. Targets are JSONPath (RFC 9535) made of `.name`, `['name']`,
`[0]`, `.*`, `[*]` and the filter `[?@.name=='value']`. An update may only set texts (title, summary,
description, scope texts and `x-` extensions): an overlay that could change a path or a scope would make two
contracts out of one. Not read: `remove`, `copy`, recursive descent, other filters.
"""

from __future__ import annotations

import copy
import re
from dataclasses import dataclass, field
from typing import Any

from gateway.catalog.errors import Fault
from gateway.catalog.source.document import Document, pointer_of

_STEP = re.compile(
    r"""\.(?P<name>[A-Za-z_][A-Za-z0-9_-]*)
      | \[(?P<quoted>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")\]
      | \[(?P<index>[0-9]{1,6})\]
      | (?P<all>\.\*|\[\*\])
      | \[\?\(?\s*@\.(?P<field>[A-Za-z_][A-Za-z0-9_]*)\s*==\s*(?P<equals>'[^']*'|"[^"]*")\s*\)?\]""",
    re.VERBOSE,
)
_TEXTS = frozenset({"title", "summary", "description"})

Place = tuple[tuple[str | int, ...], Any]


@dataclass(frozen=True, slots=True)
class Overlaid:
    """The changed copy, the pointers of the texts that were set, and the faults of the overlay file."""

    value: dict[str, Any]
    texts: frozenset[str]
    faults: list[Fault] = field(default_factory=list)


def _children(value: object) -> list[tuple[str | int, Any]]:
    if isinstance(value, dict):
        return list(value.items())
    if isinstance(value, list):
        return list(enumerate(value))
    return []


def _step(places: list[Place], match: re.Match[str]) -> list[Place]:
    if (name := match["name"] or match["quoted"]) is not None:
        key = name if match["name"] else re.sub(r"\\(.)", r"\1", name[1:-1])
        return [
            ((*path, key), value[key]) for path, value in places if isinstance(value, dict) and key in value
        ]
    if match["index"] is not None:
        number = int(match["index"])
        found = [(path, value) for path, value in places if isinstance(value, list) and number < len(value)]
        return [((*path, number), value[number]) for path, value in found]
    children = [((*path, key), child) for path, value in places for key, child in _children(value)]
    if match["all"] is not None:
        return children
    wanted = match["equals"][1:-1]
    return [
        (path, child)
        for path, child in children
        if isinstance(child, dict) and child.get(match["field"]) == wanted
    ]


def select(value: object, target: str) -> list[Place] | None:
    """The places a target finds, or None when the target is outside of the subset."""
    places: list[Place] = [((), value)]
    position = 1
    while position < len(target):
        match = _STEP.match(target, position)
        if match is None:
            return None
        places = _step(places, match)
        position = match.end()
    return places if target.startswith("$") else None


def _is_text(path: tuple[str | int, ...]) -> bool:
    key = path[-1]
    return key in _TEXTS or str(key).startswith("x-") or (len(path) > 1 and path[-2] == "scopes")


class _Merge:
    def __init__(self) -> None:
        self.texts: set[str] = set()
        self.refused: list[str] = []

    def into(self, path: tuple[str | int, ...], old: dict[str, Any], update: dict[str, Any]) -> None:
        for key, new in update.items():
            here = (*path, key)
            current = old.get(key)
            if isinstance(new, dict) and isinstance(current, dict):
                self.into(here, current, new)
            elif isinstance(new, str) and _is_text(here) and (current is None or isinstance(current, str)):
                old[key] = new
                self.texts.add(pointer_of(*here))
            else:
                self.refused.append(pointer_of(*here))


def apply(base: dict[str, Any], overlay: Document) -> Overlaid:
    """The overlay must have passed its schema. Faults name the overlay's file and line; `base` stays as it
    is."""
    result = copy.deepcopy(base)
    merge = _Merge()
    faults: list[Fault] = []
    for number, action in enumerate(overlay.value["actions"]):
        pointer = f"/actions/{number}"
        places = select(result, action["target"])
        if places is None:
            faults.append(
                overlay.fault(f"{pointer}/target", f"{action['target']!r} is outside of what is read")
            )
            continue
        objects = [(path, value) for path, value in places if isinstance(value, dict)]
        if not objects:
            faults.append(overlay.fault(f"{pointer}/target", f"{action['target']!r} finds no object"))
        for path, value in objects:
            merge.into(path, value, action["update"])
        faults.extend(
            overlay.fault(f"{pointer}/update", f"an overlay sets texts only, not {refused}")
            for refused in merge.refused
        )
        merge.refused.clear()
    return Overlaid(result, frozenset(merge.texts), faults)

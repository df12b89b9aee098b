"""Path templates: their form, and whether one request could mean two of them.

A segment is either literal or one whole parameter: `/units/{unitId}`. Literals win over parameters, segment
by segment from the left, as OpenAPI says ("concrete before templated").
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import combinations

_PARAMETER = re.compile(r"\{([A-Za-z][A-Za-z0-9_-]{0,63})\}")
# RFC 3986 pchar without percent-encoding, `;` and quotes: what the line never has to normalise. FHIR needs
# `$`.
_LITERAL = re.compile(r"[A-Za-z0-9._~$@:!-]{1,128}")

LONGEST = 512
RESERVED = frozenset({"/api-info", "/openapi.json", "/openapi.yaml"})


def parameters(path: str) -> tuple[str, ...]:
    """Names in the template, from left to right."""
    return tuple(_PARAMETER.findall(path))


def fault_of(path: str) -> str | None:
    """What is wrong with the form of one template, or None."""
    if len(path) > LONGEST:
        return f"longer than {LONGEST} characters"
    if path in RESERVED:
        return f"the gateway itself answers {path}; remove it"
    if path == "/":
        return None
    for segment in path[1:].split("/"):
        if not segment:
            return "remove the empty segment (double slash or slash at the end)"
        if segment in (".", ".."):
            return "remove the dots"
        if not _PARAMETER.fullmatch(segment) and not _LITERAL.fullmatch(segment):
            return f"{segment!r} is neither a plain segment nor one whole {{parameter}}"
    names = parameters(path)
    if len(set(names)) != len(names):
        return "a parameter stands twice in the path"
    return None


def _shape(path: str) -> tuple[str | None, ...]:
    """Literal segments as they are, parameters as None."""
    return tuple(None if _PARAMETER.fullmatch(segment) else segment for segment in path[1:].split("/"))


def _clash(one: tuple[str | None, ...], other: tuple[str | None, ...]) -> bool:
    """Whether a request fits both and neither is the more concrete one in every segment where they differ."""
    first = second = False
    for left, right in zip(one, other, strict=True):
        if left == right:
            continue
        if left is not None and right is not None:
            return False
        first = first or left is not None
        second = second or right is not None
    return first == second


def ambiguous(paths: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Pairs of templates that one request could mean both of."""
    by_length: defaultdict[int, list[str]] = defaultdict(list)
    for path in paths:
        by_length[path.count("/")].append(path)
    for group in by_length.values():
        shapes = [(path, _shape(path)) for path in group]
        for (one, shape), (other, other_shape) in combinations(shapes, 2):
            if _clash(shape, other_shape):
                yield one, other

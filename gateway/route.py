"""Method and path to published operation: pure, compiled once per snapshot.

A published API owns `/{api}/v{major}/`; what lies below is found by one dictionary lookup when the path has
no parameter, else by walking a tree of segments. The cost does not grow with the number of APIs. Paths are
compared exactly: the edge has already refused every spelling that could mean something else (promises H21, H22).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Final, Generic, TypeVar

from gateway.errors import MethodNotAllowed, NoSuchApi, NoSuchOperation

T = TypeVar("T")

# The first path segments of the control plane, and of decision mode: no API has their names.
CONTROL: Final = frozenset(
    ("", "portal", "console", "oauth2", ".well-known", "management", "catalog", "robots.txt")
)
DECIDE: Final = "decide"


@dataclass(slots=True)
class _Node(Generic[T]):
    """One segment of templated paths: fixed names first, then the parameter."""

    fixed: dict[str, _Node[T]] = field(default_factory=dict)
    parameter: _Node[T] | None = None
    methods: dict[str, T] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ApiRoutes(Generic[T]):
    """The operations of one API version, `exact` by whole path below the base, the rest in a tree."""

    exact: Mapping[str, Mapping[str, T]]
    tree: _Node[T]

    def find(self, method: str, path: str) -> T:
        """`path` is what follows `/{api}/v{major}`, with its leading slash."""
        methods = self.exact.get(path)
        quickest = _straight(self.tree, path) if methods is None else methods
        if method in quickest:
            return quickest[method]
        allowed: set[str] = set()
        for found in chain([methods] if methods else [], _walk(self.tree, path)):
            if method in found:
                return found[method]
            if method == "HEAD" and "GET" in found:
                return found["GET"]  # RFC 9110, 9.3.2: HEAD wherever GET
            allowed.update(found)
        if not allowed:
            raise NoSuchOperation
        raise MethodNotAllowed(sorted(allowed | ({"HEAD"} if "GET" in allowed else set())))


def _straight(tree: _Node[T], path: str) -> Mapping[str, T]:
    """What the first way through the templates leads to, the one `_walk` would find first; most often the only."""
    node = tree
    for segment in path.split("/")[1:]:
        following = node.fixed.get(segment)
        if following is None:
            following = node.parameter
            if following is None or not segment:
                return {}
        node = following
    return node.methods


def _walk(tree: _Node[T], path: str) -> Iterator[Mapping[str, T]]:
    """What the templates that fit lead to, fixed segments before parameters."""
    waiting = [(tree, 0)]
    segments = path.split("/")[1:]
    while waiting:
        node, depth = waiting.pop()
        if depth == len(segments):
            if node.methods:
                yield node.methods
            continue
        segment = segments[depth]
        if node.parameter is not None and segment:
            waiting.append((node.parameter, depth + 1))
        fixed = node.fixed.get(segment)
        if fixed is not None:
            waiting.append((fixed, depth + 1))


def compile_routes(operations: Iterable[tuple[str, str, T]]) -> ApiRoutes[T]:
    """`operations` gives method, path template and what the route leads to."""
    exact: dict[str, dict[str, T]] = {}
    tree: _Node[T] = _Node()
    for method, path, target in operations:
        if "{" not in path:
            exact.setdefault(path, {})[method] = target
            continue
        node = tree
        for segment in path.split("/")[1:]:
            if segment.startswith("{") and segment.endswith("}"):
                node.parameter = node.parameter or _Node()
                node = node.parameter
            else:
                node = node.fixed.setdefault(segment, _Node())
        node.methods[method] = target
    return ApiRoutes(exact, tree)


@dataclass(frozen=True, slots=True)
class Routes(Generic[T]):
    """Every API version by `behov/v1`."""

    apis: Mapping[str, ApiRoutes[T]]

    def find(self, method: str, path: str) -> T:
        """The target of `method` on `path`. Raises NoSuchApi, NoSuchOperation, MethodNotAllowed."""
        parts = path.split("/", 3)  # "", api, v1, rest
        if len(parts) < 3:
            raise NoSuchApi
        api = self.apis.get(f"{parts[1]}/{parts[2]}")
        if api is None:
            raise NoSuchApi
        return api.find(method, "/" + parts[3] if len(parts) == 4 else "")

"""What one operation's calls meet beyond the line's ordinary stages. Most operations have none of it.

`Published.shaping` is None then, and the line asks nothing further.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Final

from gateway.answers.cors import Cors
from gateway.answers.header_rules import Compiled
from gateway.cache.key import Rule
from gateway.cache.store import Store
from gateway.cache.visit import Visit
from gateway.catalog.answers.values import Brownout
from gateway.catalog.model import Api, Operation
from gateway.edge.request import Request
from gateway.errors import ApiBrownout
from gateway.headers import Caller

_SAFE: Final = ("GET", "HEAD", "OPTIONS")


@dataclass(frozen=True, slots=True)
class Shaping:
    cors: Cors | None
    withheld: frozenset[bytes]  # names, in lower case, of request headers that do not reach the service
    brownouts: tuple[Brownout, ...]
    cache: Rule | None = None
    changes: str = ""  # key of the API whose kept answers a call of this operation makes void

    def refuse_brownout(self, now: float) -> None:
        """Raises ApiBrownout during a planned brown-out; `now` is epoch seconds."""
        for each in self.brownouts:
            if each.start <= now < each.end:
                raise ApiBrownout(max(1, ceil(each.end - now)))

    def reaching(self, request: Request) -> Request:
        """The request without what a header rule keeps from the service."""
        if not self.withheld:
            return request
        return request.with_lines(
            [line for line in request.forwarded_lines if line.partition(b":")[0].lower() not in self.withheld]
        )

    def told(self, request: Request) -> bytes:
        """What the answer says to the page that asked."""
        return self.cors.lines(request) if self.cors is not None else b""

    def visit(
        self, store: Store, request: Request, caller: Caller, time: float, began: float
    ) -> Visit | None:
        """The call at the cache, when its operation's answers may be kept."""
        if self.cache is None or not store.limit or request.upgrade is not None:
            return None
        return Visit(store, self.cache, request, caller, time, began)

    def ended(self, store: Store, visit: Visit | None, path: str, status: int) -> None:
        """A change that was made makes what was kept of its address void (RFC 9111, 4.4)."""
        if visit is not None:
            visit.close()
        if self.changes and 200 <= status < 400:
            store.invalidate(self.changes, path)


def shaping_of(api: Api, operation: Operation, cors: Cors | None, rules: Compiled) -> Shaping | None:
    said = api.answers
    cache, changes = None, ""
    if said.cache is not None:
        if operation.method not in _SAFE:
            changes = api.key
        elif operation.method == "GET" and operation.id in (said.cache.operations or {operation.id}):
            cache = Rule(api.key, said.cache.shared, rules.response_gone, rules.response_lines)
    if not (cors or rules.request_gone or said.brownouts or cache or changes):
        return None
    return Shaping(cors, rules.request_gone, said.brownouts, cache, changes)

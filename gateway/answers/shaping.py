"""What one operation's calls meet beyond the line's ordinary stages. Most operations have none of it.

`Published.shaping` is None then, and the line asks nothing further.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from gateway.answers.cors import Cors
from gateway.catalog.answers.values import Brownout
from gateway.catalog.model import Api
from gateway.edge.request import Request
from gateway.errors import ApiBrownout


@dataclass(frozen=True, slots=True)
class Shaping:
    cors: Cors | None
    withheld: frozenset[bytes]  # names, in lower case, of request headers that do not reach the service
    brownouts: tuple[Brownout, ...]

    def refuse_brownout(self, now: float) -> None:
        """Raises ApiBrownout during a planned brown-out; `now` is epoch seconds."""
        for each in self.brownouts:
            if each.start <= now < each.end:
                raise ApiBrownout(max(1, ceil(each.end - now)))

    def prepare(self, request: Request) -> None:
        """Takes away what a header rule keeps from the service."""
        if self.withheld:
            request.forwarded_lines = [
                line
                for line in request.forwarded_lines
                if line.partition(b":")[0].lower() not in self.withheld
            ]

    def lines(self, request: Request) -> bytes:
        """What the answer says to the page that asked."""
        return self.cors.lines(request) if self.cors is not None else b""


def shaping_of(api: Api, cors: Cors | None, withheld: frozenset[bytes]) -> Shaping | None:
    brownouts = api.answers.brownouts
    if cors is None and not withheld and not brownouts:
        return None
    return Shaping(cors, withheld, brownouts)

"""Groups of upstreams for tests: real servers behind an edge, or pools that are told how busy they are."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence

from gateway.catalog.model import Balancing
from gateway.edge.clock import Clock
from gateway.proxy.budget import RetryLimits
from gateway.proxy.group import Group
from gateway.proxy.outlier import OutlierLimits
from gateway.proxy.pool import PoolLimits, Upstream
from gateway.proxy.response import AnswerReader


class Told(Upstream):
    """A pool that no call reaches: how many calls it has under way is set by the test."""

    busy = 0

    @property
    def outstanding(self) -> int:
        return self.busy


def told(
    weights: Sequence[int], clock: Clock, balancing: Balancing | None = None
) -> tuple[list[Told], Group]:
    pools = [
        Told(f"http://127.0.0.1:{9000 + number}", clock, AnswerReader()) for number in range(len(weights))
    ]
    return pools, Group(list(zip(pools, weights, strict=True)), clock, balancing or Balancing(), seed=1)


def among(
    *urls: str,
    weights: Sequence[int] = (),
    pool: PoolLimits | None = None,
    balancing: Balancing | None = None,
    outlier: OutlierLimits | None = None,
    retry: RetryLimits | None = None,
) -> Callable[[Clock, Upstream], Group]:
    """For ``running_edge``: its upstream and these, the first call going to its own."""

    def make(clock: Clock, first: Upstream) -> Group:
        pools = [first, *(Upstream(url, clock, AnswerReader(), pool) for url in urls)]
        shares = weights or [1] * len(pools)
        group = Group(
            list(zip(pools, shares, strict=True)), clock, balancing or Balancing(), outlier, retry, seed=1
        )
        for member in group.members:
            member.current = 0.0
        return group

    return make


def closed_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port

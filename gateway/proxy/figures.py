"""What the upstreams count, as metrics. The label is the address as the catalogue has it, so it is bounded by the
catalogue; places that share an address (with other certificates or bounds) are one here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from gateway.proxy.circuit import State
from gateway.proxy.pool import Upstream
from gateway.proxy.upstreams import Upstreams

OPENNESS: Final = {State.CLOSED: 0.0, State.PROBING: 1.0, State.OPEN: 2.0}

# Of places that share an address: what an operator wants to see of them together, where that is no sum.
WORST: Final[Mapping[str, Callable[[list[float]], float]]] = {
    "sluss_upstream_healthy": min,
    "sluss_upstream_circuit": max,
}

_LABELS: Final = ("upstream",)
Figure = tuple[str, str, Callable[[Upstream], float]]

GAUGES: Final[tuple[Figure, ...]] = (
    ("sluss_upstream_healthy", "0 when its health checks fail", lambda pool: pool.healthy),
    (
        "sluss_upstream_circuit",
        "0 closed, 1 one call on trial, 2 open",
        lambda pool: OPENNESS[pool.circuit.state],
    ),
    ("sluss_upstream_connections", "Open connections to it", lambda pool: pool.open_connections),
    ("sluss_upstream_waiting", "Calls that wait for a connection to it", lambda pool: pool.waiting_callers),
)
COUNTERS: Final[tuple[Figure, ...]] = (
    ("sluss_upstream_calls", "Calls that got a connection to it", lambda pool: pool.calls),
    ("sluss_upstream_failures", "Calls it failed: no connection, no answer in time, an unreadable one",
     lambda pool: pool.failures_total),
    ("sluss_upstream_errors", "Its answers of 500 and above", lambda pool: pool.errors_total),
    ("sluss_upstream_opened", "Connections opened to it", lambda pool: pool.opened_total),
    ("sluss_upstream_circuit_opened", "Times its circuit has opened", lambda pool: pool.circuit.opened),
)  # fmt: skip


def families(upstreams: Upstreams) -> Iterator[Metric]:
    pools = upstreams.all()
    for name, meaning, value in GAUGES:
        gauge = GaugeMetricFamily(name, meaning, labels=_LABELS)
        for url, values in _by_address(pools, value):
            gauge.add_metric([url], WORST.get(name, sum)(values))
        yield gauge
    for name, meaning, value in COUNTERS:
        counter = CounterMetricFamily(name, meaning, labels=_LABELS)
        for url, values in _by_address(pools, value):
            counter.add_metric([url], sum(values))
        yield counter
    groups = upstreams.groups()
    out = {id(pool) for group in groups for pool in group.left_out()}
    left_out = GaugeMetricFamily(
        "sluss_upstream_left_out", "1 when it answers worse than its siblings", labels=_LABELS
    )
    for url, values in _by_address(pools, lambda pool: id(pool) in out):
        left_out.add_metric([url], max(values))
    yield left_out
    repeated = sum(group.repeated_total for group in groups)
    yield CounterMetricFamily(
        "sluss_repeated_calls", "Calls sent once more, to another upstream or connection", repeated
    )


def _by_address(
    pools: Iterable[Upstream], value: Callable[[Upstream], float]
) -> Iterable[tuple[str, list[float]]]:
    found: dict[str, list[float]] = {}
    for pool in pools:
        found.setdefault(pool.url, []).append(float(value(pool)))
    return found.items()

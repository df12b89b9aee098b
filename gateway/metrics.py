"""Counters of the line, kept as plain integers and shaped for Prometheus when scraped.

Records gather and are counted together, and before every scrape (see `access_log`).

Label sets are bounded: API and operation come from the catalogue, never from a request (promise P2).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Container, Iterable, Mapping

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from gateway.access_log import GATHERED, Record
from gateway.validation.tally import Tally

BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class _Series:
    """Calls of one API, operation and status: a count per duration bucket, and the sum."""

    __slots__ = ("buckets", "bytes_in", "bytes_out", "seconds")

    def __init__(self) -> None:
        self.buckets = [0] * (len(BOUNDS) + 1)
        self.seconds = 0.0
        self.bytes_in = 0
        self.bytes_out = 0


class LineMetrics(Collector):
    """Fed with each record; collected by prometheus-client. `gauges` and `further` are asked at scrape time."""

    def __init__(
        self,
        gauges: Callable[[], Iterable[tuple[str, str, float]]],
        turned_away: Callable[[], Mapping[str, int]] = dict,
        further: Callable[[], Iterable[Metric]] = tuple,
        deprecated: Callable[[], Container[str]] = frozenset,
    ) -> None:
        self._further = further
        self.tally = Tally()  # what validation counts into
        self._seen: list[Record] = []
        self._series: dict[tuple[str, str, str, int], _Series] = {}
        self._refusals: dict[str, int] = {}
        self._gauges = gauges
        self._turned_away = turned_away
        self._deprecated = deprecated  # keys of APIs on their way out

    def observe(self, record: Record) -> None:
        self._seen.append(record)
        if len(self._seen) >= GATHERED:
            self._count()

    def _count(self) -> None:
        seen, self._seen = self._seen, []
        known = self._series
        for record in seen:
            place, duration = record.place, record.duration
            key = (place.api, place.operation, record.method if place.api else "", record.status)
            series = known.get(key)
            if series is None:
                series = known[key] = _Series()
            series.buckets[bisect_left(BOUNDS, duration)] += 1
            series.seconds += duration
            series.bytes_in += record.bytes_in
            series.bytes_out += record.bytes_out
            if record.code:
                self.refused(record.code)

    def refused(self, code: str) -> None:
        """One answer of the gateway's own; also for what never became a call."""
        self._refusals[code] = self._refusals.get(code, 0) + 1

    def collect(self) -> Iterable[Metric]:
        self._count()
        labels = ["api", "operation", "method", "status"]
        calls = HistogramMetricFamily("sluss_call_seconds", "Duration of calls at the edge", labels=labels)
        sizes = CounterMetricFamily(
            "sluss_body_bytes", "Body bytes relayed", labels=["api", "operation", "direction"]
        )
        totals: dict[tuple[str, str, str], int] = {}
        for (api, operation, method, status), series in self._series.items():
            running, buckets = 0, []
            for bound, count in zip((*map(str, BOUNDS), "+Inf"), series.buckets, strict=True):
                running += count
                buckets.append((bound, float(running)))
            calls.add_metric([api, operation, method, str(status)], buckets, series.seconds)
            for direction, size in (("in", series.bytes_in), ("out", series.bytes_out)):
                totals[api, operation, direction] = totals.get((api, operation, direction), 0) + size
        for key, size in totals.items():
            sizes.add_metric(list(key), size)
        refused = CounterMetricFamily(
            "sluss_refusals", "Calls answered by the gateway itself", labels=["code"]
        )
        for code, count in self._refusals.items():
            refused.add_metric([code], count)
        away = CounterMetricFamily(
            "sluss_turned_away", "Connections closed before any HTTP", labels=["reason"]
        )
        for reason, count in self._turned_away().items():
            away.add_metric([reason], count)
        yield away
        yield self._leaving()
        broken = CounterMetricFamily(
            "sluss_validation_faults",
            "Places where a message breaks its document, and messages that were not judged",
            labels=["api", "operation", "direction", "part"],
        )
        for labelled, count in self.tally.counts.items():
            broken.add_metric(list(labelled), count)
        yield calls
        yield sizes
        yield refused
        yield broken
        for name, meaning, value in self._gauges():
            yield GaugeMetricFamily(name, meaning, value=value)
        yield from self._further()

    def _leaving(self) -> Metric:
        """Who has not moved yet: all calls to versions that are deprecated now, since the process began."""
        family = CounterMetricFamily(
            "sluss_deprecated_calls", "Calls to versions on their way out", labels=["api"]
        )
        deprecated, calls = self._deprecated(), dict[str, int]()
        for (api, _, _, _), series in self._series.items():
            if api in deprecated:
                calls[api] = calls.get(api, 0) + sum(series.buckets)
        for api, count in calls.items():
            family.add_metric([api], count)
        return family

    def page(self) -> bytes:
        """The exposition text, with these metrics alone: importing a library must not add to it."""
        registry = CollectorRegistry(auto_describe=False)
        registry.register(self)
        return generate_latest(registry)

"""Counters of the line: right sums, bounded labels."""

from __future__ import annotations

from dataclasses import replace

from gateway.access_log import NOBODY, Place, Record
from gateway.metrics import BOUNDS, LineMetrics
from gateway.trace import Trace

CALL = Record(
    1.0, Trace(b"1", b"2"), "GET", Place("/a/v1/x/{id}", "a/v1", "x"), 200, "", "served", NOBODY, "127.0.0.1",
    0.004, 3, 5, 200,
)  # fmt: skip


def lines(metrics: LineMetrics, name: str) -> dict[str, float]:
    found = [line.rsplit(" ", 1) for line in metrics.page().decode().splitlines() if line.startswith(name)]
    return {labels.removeprefix(name): float(value) for labels, value in found}


def test_durations_fall_into_their_buckets() -> None:
    metrics = LineMetrics(list)
    for duration in (0.0005, 0.001, 0.004, 100.0):
        metrics.observe(replace(CALL, duration=duration))
    found = lines(metrics, "sluss_call_seconds_bucket")
    of = '{api="a/v1",le="%s",method="GET",operation="x",status="200"}'
    assert [found[of % bound] for bound in (0.001, 0.0025, 0.005, 10.0, "+Inf")] == [2, 2, 3, 3, 4]
    assert len(found) == len(BOUNDS) + 1
    assert list(lines(metrics, "sluss_call_seconds_count").values()) == [4]


def test_bytes_are_summed_over_statuses() -> None:
    metrics = LineMetrics(list)
    metrics.observe(CALL)
    metrics.observe(replace(CALL, status=404))
    assert lines(metrics, "sluss_body_bytes_total") == {
        '{api="a/v1",direction="in",operation="x"}': 6,
        '{api="a/v1",direction="out",operation="x"}': 10,
    }


def test_what_is_no_api_makes_no_labels_of_its_own() -> None:
    metrics = LineMetrics(list)
    for method in ("GET", "POST", "PUT"):
        metrics.observe(
            replace(CALL, place=Place("(unknown)"), method=method, status=404, code="no-such-api")
        )
    assert list(lines(metrics, "sluss_call_seconds_count").values()) == [3]
    assert lines(metrics, "sluss_refusals_total") == {'{code="no-such-api"}': 3}


def test_gauges_are_asked_when_scraped() -> None:
    value = 1.0
    metrics = LineMetrics(lambda: [("sluss_x", "Of a test", value)])
    assert lines(metrics, "sluss_x") == {"": 1.0}
    value = 2.0
    assert lines(metrics, "sluss_x") == {"": 2.0}


def test_the_page_holds_nothing_but_ours() -> None:
    page = LineMetrics(list).page().decode()
    assert all(line.startswith(("#", "sluss_")) for line in page.splitlines())


def test_calls_to_versions_on_their_way_out_are_counted_for_each_api() -> None:
    leaving: set[str] = set()
    metrics = LineMetrics(list, deprecated=lambda: leaving)
    for status in (200, 503):
        metrics.observe(replace(CALL, status=status))
    assert lines(metrics, "sluss_deprecated_calls_total") == {}
    leaving.add("a/v1")
    assert lines(metrics, "sluss_deprecated_calls_total") == {'{api="a/v1"}': 2}

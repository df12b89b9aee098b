"""What the design asks of Sluss, judged against the cases of one run. Pure.

Each target has a stable id; the portal's page says in both languages what it means.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MANY, ONE = "64", "1"

Rows = Mapping[str, Mapping[str, Any]]  # candidate's id → its row


@dataclass(frozen=True, slots=True)
class Verdict:
    id: str
    asked: float
    at_least: bool  # else at most
    unit: str  # "ratio", "us", "s", "ms", "MiB"
    measured: float
    reached: bool


# The peer whose throughput at 64 connections ours is at least so many times.
THROUGHPUT: Mapping[str, float] = {
    "nginx": 0.55,
    "haproxy-rs256": 1.6,
    "haproxy-es256": 3.0,
    "traefik": 3.0,
    "starlette-httpx": 70.0,
}
ADDED_US = 100.0
EXACT = 0.8
ROUTES = 0.9
LOAD_SECONDS = 3.0
CHANGE_MS = 50.0
RESIDENT_MIB = 150.0
GROWTH_MIB = 16.0

IDS = (
    *(f"throughput-{peer}" for peer in THROUGHPUT), "added-p50", "two-processes-exact", "routes-10000",
    "snapshot-load", "snapshot-change", "snapshot-memory", "body-memory",
)  # fmt: skip


def verdicts(cases: Sequence[Mapping[str, Any]]) -> list[Verdict]:
    """Those that this run can judge."""
    rows = {case["id"]: {row["candidate"]: row for row in case["rows"]} for case in cases}
    return [
        *_throughput(rows.get("calls", {})),
        *_scale(rows),
        *_snapshot(rows.get("subscriptions", {})),
        *_bodies(rows.get("memory", {})),
    ]


def _least(id_: str, asked: float, measured: float) -> Verdict:
    return Verdict(id_, asked, True, "ratio", measured, measured >= asked)


def _most(id_: str, asked: float, unit: str, measured: float) -> Verdict:
    return Verdict(id_, asked, False, unit, measured, measured <= asked)


def _at(rows: Rows, candidate: str, connections: str, figure: str) -> float | None:
    value = rows.get(candidate, {}).get("at", {}).get(connections, {}).get(figure)
    return None if value is None else float(value)


def _throughput(rows: Rows) -> Iterator[Verdict]:
    for peer, asked in THROUGHPUT.items():
        ratio = rows.get("sluss", {}).get("at", {}).get(MANY, {}).get("ratios", {}).get(peer)
        if ratio is not None:
            yield _least(f"throughput-{peer}", asked, ratio)
    added = _at(rows, "sluss", ONE, "added_p50_us")
    if added is not None:
        yield _most("added-p50", ADDED_US, "us", added)


def _scale(cases: Mapping[str, Rows]) -> Iterator[Verdict]:
    for id_, case, candidate, asked in (
        ("two-processes-exact", "processes", "sluss-two-exact", EXACT),
        ("routes-10000", "routes", "sluss-routes-10000", ROUTES),
    ):
        ratio = _at(cases.get(case, {}), candidate, MANY, "ratio")
        if ratio is not None:
            yield _least(id_, asked, ratio)


def _snapshot(rows: Rows) -> Iterator[Verdict]:
    large = rows.get("sluss-subscriptions-100000", {}).get("snapshot", {})
    small = rows.get("sluss-subscriptions-1", {}).get("snapshot", {})
    if large and small:
        cost = large["start_cpu_seconds"] - small["start_cpu_seconds"]
        yield _most("snapshot-load", LOAD_SECONDS, "s", cost)
    if "change_cpu_seconds" in large:
        yield _most("snapshot-change", CHANGE_MS, "ms", large["change_cpu_seconds"] * 1000)
    if large:
        yield _most("snapshot-memory", RESIDENT_MIB, "MiB", large["resident_mib"])


def _bodies(rows: Rows) -> Iterator[Verdict]:
    ways = [way for name in ("down", "up") if (way := rows.get("sluss", {}).get(name))]
    if ways:
        growth = max(way["peak_mib"] - way["before_mib"] for way in ways)
        yield _most("body-memory", GROWTH_MIB, "MiB", growth)

"""From samples to one table for people and one JSON object for programs. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median

from tests.bench.measure import MANY, ONE, Sample

BASE = "nginx"
OURS = "Sluss"
DIRECT = "no gateway"

# What the design asks of throughput at 64 connections: at least so many times the peer's.
TARGETS: Mapping[str, float] = {
    "nginx": 0.55,
    "HAProxy RS256": 1.6,
    "HAProxy ES256": 3.0,
    "Traefik": 3.0,
    "Starlette + httpx": 70.0,
}
MOST_ADDED_US = 100.0


@dataclass(frozen=True, slots=True)
class Row:
    """Medians over the rounds."""

    name: str
    does: str
    version: str
    per_second: float
    ratio: float | None  # of throughput, to nginx in the same round
    cpu_us: float | None
    cpu_ratio: float | None  # nginx's CPU time per request over this one's, in the same round
    busy: float | None
    p50_us: float
    p99_us: float
    one_p50_us: float
    one_p99_us: float
    added_us: float | None  # median latency at one connection beyond the bare upstream's, in the same round
    resident_mib: float | None
    errors: int


@dataclass(frozen=True, slots=True)
class Verdict:
    what: str
    target: str
    measured: str
    reached: bool


def _middle(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None


def _by_round(samples: Sequence[Sample], name: str, connections: int) -> dict[int, Sample]:
    return {s.round: s for s in samples if s.candidate == name and s.connections == connections}


def row(samples: Sequence[Sample], name: str, does: str, version: str) -> Row:
    many, single = _by_round(samples, name, MANY), _by_round(samples, name, ONE)
    base, direct = _by_round(samples, BASE, MANY), _by_round(samples, DIRECT, ONE)
    ratios = [s.load.per_second / base[n].load.per_second for n, s in many.items() if n in base]
    cpu_ratios = [
        base_cpu / own_cpu
        for n, s in many.items()
        if n in base and (base_cpu := base[n].cpu_us) is not None and (own_cpu := s.cpu_us)
    ]
    added = [s.load.p50_us - direct[n].load.p50_us for n, s in single.items() if n in direct]
    memory = _middle([s.resident_bytes for s in (*many.values(), *single.values())])
    return Row(
        name=name,
        does=does,
        version=version,
        per_second=median(s.load.per_second for s in many.values()),
        ratio=_middle(ratios),
        cpu_us=_middle([s.cpu_us for s in many.values()]),
        cpu_ratio=_middle(cpu_ratios),
        busy=_middle([s.busy for s in many.values()]),
        p50_us=median(s.load.p50_us for s in many.values()),
        p99_us=median(s.load.p99_us for s in many.values()),
        one_p50_us=median(s.load.p50_us for s in single.values()),
        one_p99_us=median(s.load.p99_us for s in single.values()),
        added_us=_middle(added) if name != DIRECT else None,
        resident_mib=None if memory is None else memory / 2**20,
        errors=sum(s.load.errors for s in (*many.values(), *single.values())),
    )


def verdicts(rows: Sequence[Row], samples: Sequence[Sample]) -> list[Verdict]:
    """Sluss against what the design asks; empty when Sluss was not measured."""
    ours = next((r for r in rows if r.name == OURS), None)
    if ours is None:
        return []
    own = _by_round(samples, OURS, MANY)
    found = []
    for name, least in TARGETS.items():
        peer = _by_round(samples, name, MANY)
        ratios = [s.load.per_second / peer[n].load.per_second for n, s in own.items() if n in peer]
        if ratios:
            ratio = median(ratios)
            found.append(Verdict(f"throughput of {name}", f"≥ {least:g} ×", f"{ratio:.2f} ×", ratio >= least))
    if ours.added_us is not None:
        reached = ours.added_us < MOST_ADDED_US
        found.append(
            Verdict(
                "added median latency, 1 connection",
                f"< {MOST_ADDED_US:.0f} µs",
                f"{ours.added_us:.0f} µs",
                reached,
            )
        )
    return found


def _cell(value: float | None, form: str) -> str:
    return "–" if value is None else format(value, form)


def _line(r: Row) -> str:
    errors = f" – **ERRORS: {r.errors}**" if r.errors else ""
    cells = (
        f"**{r.name}** {r.version} – {r.does}{errors}".replace("  ", " "),
        f"{r.per_second:,.0f}",
        _cell(r.ratio, ".3f"),
        _cell(r.cpu_us, ",.1f"),
        _cell(r.cpu_ratio, ".3f"),
        _cell(r.busy, ".0%"),
        f"{r.p50_us:,.0f}",
        f"{r.p99_us:,.0f}",
        f"{r.one_p50_us:,.0f}",
        _cell(r.added_us, ",.0f"),
        _cell(r.resident_mib, ".0f"),
    )
    return "| " + " | ".join(cells) + " |"


def table(rows: Sequence[Row]) -> str:
    head = (
        "| candidate (one process) | calls/s | ratio | µs CPU/call | CPU ratio | core used | p50 µs | p99 µs "
        "| p50 µs, 1 conn. | added µs | MiB |",
        "| --- " + "| ---: " * 10 + "|",
    )
    return "\n".join([*head, *map(_line, rows)])


def markdown(
    rows: Sequence[Row], samples: Sequence[Sample], facts: Mapping[str, str], absent: Sequence[str]
) -> str:
    parts = [
        "# Side by side",
        "",
        *(f"- {name}: {value}" for name, value in facts.items()),
        "",
        table(rows),
        "",
    ]
    parts += [
        "Medians over the rounds; ratios are to nginx in the same round. Where the core is not used whole, load or "
        "upstream was the limit, and CPU per call says more than calls per second.",
        "",
    ]
    if judged := verdicts(rows, samples):
        parts += ["| target | asked | measured | |", "| --- | ---: | ---: | --- |"]
        parts += [
            f"| {v.what} | {v.target} | {v.measured} | {'reached' if v.reached else 'MISSED'} |"
            for v in judged
        ]
        parts.append("")
    parts += [f"**Not measured: {reason}**" for reason in absent]
    return "\n".join(parts).rstrip() + "\n"


def as_json(
    rows: Sequence[Row], samples: Sequence[Sample], facts: Mapping[str, str], absent: Sequence[str]
) -> dict[str, object]:
    return {
        "facts": dict(facts),
        "rows": [asdict(r) for r in rows],
        "targets": [asdict(v) for v in verdicts(rows, samples)],
        "not_measured": list(absent),
        "samples": [asdict(s) for s in samples],
    }

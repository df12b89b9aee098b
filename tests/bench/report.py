"""From samples to the JSON that programs read, and from that to tables for people. Pure.

The JSON's form is `SCHEMA`; the portal's page on speed is made from it (`portal_docs.generate.speed`).

    schema, full, when, facts{name: text}, plan{rounds, seconds}
    cases[]    id, title, base, rows[], not_measured[{candidate, reason}], failures[{candidate, reason}], samples[]
    rows[]     candidate, name, does, version, resident_mib, errors, at{connections: figures}; `snapshot`, `up`,
               `down` in the cases that have them
    figures    per_second, ratio (to the base, same round), ratios{candidate: …}, cpu_us, cpu_ratio, busy,
               p50_us, p99_us, added_p50_us, added_p99_us (beyond direct calls, same round)
    targets[]  id, asked, at_least, unit, measured, reached
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from statistics import median
from typing import Any

from tests.bench.candidate import MIB, Candidate
from tests.bench.cases import Case
from tests.bench.measure import Failed, Sample
from tests.bench.targets import THROUGHPUT, verdicts

SCHEMA = 1
DIRECT = "direct"

Rounds = Mapping[int, Sample]


def case_of(
    case: Case,
    measured: Sequence[tuple[Candidate, str]],
    samples: Sequence[Sample],
    not_measured: Sequence[Mapping[str, str]],
    failures: Sequence[Failed],
) -> dict[str, Any]:
    """One case as it stands in the JSON. `measured`: candidates with their versions."""
    return {
        "id": case.id,
        "title": case.title,
        "base": case.base,
        "rows": [_row(case, candidate, version, samples) for candidate, version in measured],
        "not_measured": list(not_measured),
        "failures": [asdict(failed) for failed in failures],
        "samples": [asdict(sample) for sample in samples],
    }


def run_of(
    cases: Sequence[Mapping[str, Any]],
    facts: Mapping[str, str],
    *,
    when: str,
    full: bool,
    rounds: int,
    seconds: int,
) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "full": full,
        "when": when,
        "facts": dict(facts),
        "plan": {"rounds": rounds, "seconds": seconds},
        "cases": list(cases),
        "targets": [asdict(verdict) for verdict in verdicts(cases)],
    }


def _rounds(samples: Sequence[Sample], candidate: str, connections: int) -> Rounds:
    return {s.round: s for s in samples if s.candidate == candidate and s.connections == connections}


def _row(case: Case, candidate: Candidate, version: str, samples: Sequence[Sample]) -> dict[str, Any]:
    own = [sample for sample in samples if sample.candidate == candidate.id]
    memory = [sample.resident_bytes for sample in own if sample.resident_bytes is not None]
    return {
        "candidate": candidate.id,
        "name": candidate.name,
        "does": candidate.does,
        "version": version,
        "resident_mib": median(memory) / MIB if memory else None,
        "errors": sum(sample.load.errors for sample in own),
        "at": {
            str(connections): _figures(case, candidate.id, connections, samples)
            for connections in case.connections
            if any(sample.connections == connections for sample in own)
        },
    }


def _figures(case: Case, candidate: str, connections: int, samples: Sequence[Sample]) -> dict[str, Any]:
    own = _rounds(samples, candidate, connections)
    base = _rounds(samples, case.base, connections)
    direct = _rounds(samples, DIRECT, connections) if candidate != DIRECT else {}
    return {
        "per_second": median(s.load.per_second for s in own.values()),
        "ratio": _ratio(own, base),
        "ratios": {
            peer: ratio
            for peer in THROUGHPUT
            if case.id == "calls" and (ratio := _ratio(own, _rounds(samples, peer, connections))) is not None
        },
        "cpu_us": _middle([s.cpu_us for s in own.values()]),
        "cpu_ratio": _middle(
            [
                theirs / ours
                for n, s in own.items()
                if n in base and (theirs := base[n].cpu_us) is not None and (ours := s.cpu_us)
            ]
        ),
        "busy": _middle([s.busy for s in own.values()]),
        "p50_us": median(s.load.p50_us for s in own.values()),
        "p99_us": median(s.load.p99_us for s in own.values()),
        "added_p50_us": _middle(
            [s.load.p50_us - direct[n].load.p50_us for n, s in own.items() if n in direct]
        ),
        "added_p99_us": _middle(
            [s.load.p99_us - direct[n].load.p99_us for n, s in own.items() if n in direct]
        ),
    }


def _ratio(own: Rounds, base: Rounds) -> float | None:
    """Of throughput, in the same round."""
    return _middle([s.load.per_second / base[n].load.per_second for n, s in own.items() if n in base])


def _middle(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None


# --- for people


def markdown(run: Mapping[str, Any]) -> str:
    parts = ["# Side by side", ""]
    if not run["full"]:
        parts += ["**Part of the comparison, or a quick look: quote nothing.**", ""]
    parts += [f"- {name}: {value}" for name, value in run["facts"].items()]
    parts.append("")
    if run["targets"]:
        parts += ["| target | asked | measured | |", "| --- | ---: | ---: | --- |"]
        parts += [
            f"| {t['id']} | {'≥' if t['at_least'] else '≤'} {t['asked']:g} {t['unit']} | {t['measured']:.3g} "
            f"| {'reached' if t['reached'] else 'MISSED'} |"
            for t in run["targets"]
        ]
        parts.append("")
    for case in run["cases"]:
        parts += [f"## {case['title']}", "", *_table(case), ""]
        parts += [f"**{it['candidate']} was not measured: {it['reason']}**" for it in case["not_measured"]]
        parts += [f"**{it['candidate']} FAILED: {it['reason']}**" for it in case["failures"]]
    parts += [
        "Medians over the rounds; ratios are of throughput, in the same round. Where the core is not used whole, load "
        "or upstream was the limit, and CPU per call says more than calls per second."
    ]
    return "\n".join(parts).rstrip() + "\n"


def _table(case: Mapping[str, Any]) -> list[str]:
    if any("down" in row or "up" in row for row in case["rows"]):
        return _moved(case)
    head = f"| candidate | conn. | calls/s | to {case['base']} | µs CPU/call | CPU ratio | core used | p50 µs | p99 µs "
    lines = [head + "| added p50 | added p99 | MiB |", "| --- " + "| ---: " * 11 + "|"]
    for row in case["rows"]:
        errors = f" – **ERRORS: {row['errors']}**" if row["errors"] else ""
        for connections, f in row["at"].items():
            cells = (
                f"**{row['name']}** {row['version']} – {row['does']}{errors}".replace("  ", " "),
                connections,
                f"{f['per_second']:,.0f}",
                _cell(f["ratio"], ".3f"),
                _cell(f["cpu_us"], ",.1f"),
                _cell(f["cpu_ratio"], ".3f"),
                _cell(f["busy"], ".0%"),
                f"{f['p50_us']:,.0f}",
                f"{f['p99_us']:,.0f}",
                _cell(f["added_p50_us"], ",.0f"),
                _cell(f["added_p99_us"], ",.0f"),
                _cell(row["resident_mib"], ".0f"),
            )
            lines.append("| " + " | ".join(cells) + " |")
    return lines


def _moved(case: Mapping[str, Any]) -> list[str]:
    lines = ["| candidate | way | MiB/s | MiB before | MiB at most |", "| --- | --- | ---: | ---: | ---: |"]
    for row in case["rows"]:
        for way in ("down", "up"):
            if moved := row.get(way):
                rate = moved["mib"] / moved["seconds"]
                lines.append(
                    f"| {row['candidate']} | {way} | {rate:,.0f} | {moved['before_mib']:.0f} "
                    f"| {moved['peak_mib']:.0f} |"
                )
    return lines


def _cell(value: float | None, form: str) -> str:
    return "–" if value is None else format(value, form)

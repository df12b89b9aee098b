"""The tables on the page on speed, made from what the bench wrote; no figure is copied by hand.

`bench-results/last.json` is the last whole comparison (its form stands in `tests/bench/report.py`),
`bench-results/profile.json` says where a call's time goes:

    {"when": "2026-11-21T…", "parts": [{"sv": "läsa huvudet", "en": "read the head", "us": 5.1}, …]}

Either may be absent: then the page says how to make it. A file in another form than is known here is treated as
absent too: a page that says less is better than a portal that cannot be built.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from babel.numbers import format_decimal

from portal_docs.generate.speed_words import CANDIDATES, CASES, TARGETS, UNITS, WORDS
from portal_docs.generate.text import plain

SCHEMA = 1
LAST, PROFILE = "last.json", "profile.json"

Table = Sequence[Sequence[str]]


def marks(folder: Path, language: str) -> dict[str, str]:
    """Mark → the generated part of the page."""
    run, profile = _read(folder / LAST), _read(folder / PROFILE)
    page = _Page(language)
    if run is None or run.get("schema") != SCHEMA:
        run = None
    return {
        "@@speed-measured@@": page.absent("run_absent") if run is None else page.measured(run),
        "@@speed-targets@@": page.absent("no_figures") if run is None else page.targets(run),
        "@@speed-cases@@": page.absent("no_figures") if run is None else page.cases(run),
        "@@speed-profile@@": page.profile(profile or {}),
    }


def _read(path: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


class _Page:
    """Writes Markdown in one language."""

    def __init__(self, language: str) -> None:
        self._language = language

    def _word(self, name: str) -> str:
        return WORDS[name][self._language]

    def absent(self, name: str) -> str:
        return self._word(name)

    def measured(self, run: Mapping[str, Any]) -> str:
        """When and where."""
        facts = run["facts"]
        return self._word("measured").format(
            day=plain(str(run["when"])[:10]),
            machine=plain(str(facts["machine"])),
            python=plain(str(facts["Python"]).split(" ")[0]),
            rounds=run["plan"]["rounds"],
            seconds=run["plan"]["seconds"],
            load=plain(str(facts["load"])),
        )

    def targets(self, run: Mapping[str, Any]) -> str:
        rows = []
        for target in run["targets"]:
            if target["id"] not in TARGETS:
                continue
            sign, unit = "≥" if target["at_least"] else "≤", UNITS[target["unit"]][self._language]
            rows.append(
                (
                    TARGETS[target["id"]][self._language],
                    f"{sign} {self._number(target['asked'])}{unit}",
                    f"{self._number(target['measured'])}{unit}",
                    self._word("reached" if target["reached"] else "missed"),
                )
            )
        return _table(
            [self._word(n) for n in ("target", "asked", "measured_column", "outcome")], "lrrl", rows
        )

    def cases(self, run: Mapping[str, Any]) -> str:
        return "\n\n".join(part for case in run["cases"] if case["id"] in CASES for part in self._case(case))

    def _case(self, case: Mapping[str, Any]) -> Iterator[str]:
        title, about = CASES[case["id"]]
        yield f"### {title[self._language]} {{ #case-{case['id']} }}"
        yield about[self._language]
        if case["id"] == "memory":
            yield self._moved(case)
        elif case["rows"]:
            yield self._loads(case)
        for kind in ("not_measured", "failures"):
            for item in case[kind]:
                name = self._candidate(str(item["candidate"]), "")
                yield self._word(kind).format(name=name, reason=plain(str(item["reason"])))

    def _loads(self, case: Mapping[str, Any]) -> str:
        rows = [
            (
                self._candidate(row["candidate"], row["version"]),
                connections,
                self._number(figures["per_second"]),
                self._number(figures["ratio"]),
                self._number(figures["cpu_us"]),
                self._number(figures["added_p50_us"]),
                self._number(figures["added_p99_us"]),
                self._number(row["resident_mib"]),
            )
            for row in case["rows"]
            for connections, figures in row["at"].items()
        ]
        base = self._word("ratio").format(base=self._candidate(case["base"], ""))
        names = [self._word(n) for n in ("candidate", "connections", "per_second")]
        names += [base, *(self._word(n) for n in ("cpu", "added_p50", "added_p99", "memory"))]
        return _table(names, "lrrrrrrr", rows)

    def _moved(self, case: Mapping[str, Any]) -> str:
        rows = [
            (
                self._candidate(row["candidate"], row["version"]),
                self._word(way),
                self._number(row[way]["mib"] / row[way]["seconds"]),
                self._number(row[way]["before_mib"]),
                self._number(row[way]["peak_mib"]),
            )
            for row in case["rows"]
            for way in ("down", "up")
            if way in row
        ]
        names = ("candidate", "way", "mib_per_second", "before", "peak")
        return _table([self._word(n) for n in names], "llrrr", rows)

    def profile(self, profile: Mapping[str, Any]) -> str:
        parts = profile.get("parts")
        if not isinstance(parts, list) or not parts:
            return self._word("profile_absent")
        whole = sum(float(part["us"]) for part in parts)
        rows = [
            (
                plain(str(part[self._language])),
                self._number(part["us"]),
                f"{self._number(part['us'] / whole * 100)} %",
            )
            for part in parts
        ]
        return _table([self._word(n) for n in ("part", "microseconds", "share")], "lrr", rows)

    def _candidate(self, id_: str, version: str) -> str:
        name = CANDIDATES[id_][self._language] if id_ in CANDIDATES else plain(id_)
        short = version.split("-", maxsplit=1)[0]
        return f"{name} {plain(short)}".strip() if id_ in _WITH_VERSION else name

    def _number(self, value: float | None) -> str:
        """Three figures that mean something, in the language's own form."""
        if value is None:
            return "–"
        decimals = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2 if abs(value) >= 0.1 else 3
        rounded = float(f"{value:.3g}")
        pattern = "#,##0" + ("." + "#" * decimals if decimals else "")
        return str(format_decimal(rounded, pattern, locale=self._language))


_WITH_VERSION = frozenset({"nginx", "haproxy", "traefik", "caddy", "sluss", "starlette-httpx"})


def _table(names: Sequence[str], alignment: str, rows: Sequence[Sequence[str]]) -> str:
    rules = {"l": "---", "r": "---:"}
    lines = ["| " + " | ".join(names) + " |", "| " + " | ".join(rules[side] for side in alignment) + " |"]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join(lines)

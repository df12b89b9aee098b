"""The page on speed is made from the bench's JSON: every id has words, every figure is the file's own."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from portal_docs.generate import speed
from portal_docs.generate.speed_words import CANDIDATES, CASES, TARGETS
from tests.bench import cases, report, targets
from tests.bench.cases import Kit
from tests.bench.load import Load
from tests.bench.measure import Failed, Sample
from tests.bench.tokens import Signed
from tests.portal.documents import LANGUAGES, page

KIT = Kit(Signed("ES256", "a", Path("a")), Signed("RS256", "b", Path("b")))
FACTS = {"machine": "A | machine", "Python": "3.11.7 (main)", "load": "wrk"}


def samples(case: cases.Case) -> Iterator[Sample]:
    """The tenth candidate is ten times as slow as the first."""
    for number, candidate in enumerate(case.candidates(KIT), 1):
        for turn in range(3):
            for connections in case.connections:
                load = Load(12_345_600 // number, 3.0, 0, 10.0 * number, 20.0 * number, 30.0 * number)
                yield Sample(candidate.id, turn, connections, load, 2.5, 77 * 2**20)


@pytest.fixture(scope="module")
def run() -> dict[str, Any]:
    made = []
    for case in cases.CASES:
        measured = [(candidate, "1.2.3-4") for candidate in case.candidates(KIT)]
        absent = [{"candidate": "caddy", "reason": "pip install <caddy>"}]
        made.append(
            report.case_of(case, measured, list(samples(case)), absent, [Failed("traefik", "it | fell")])
        )
    by_id = {row["candidate"]: row for case in made for row in case["rows"]}
    by_id["sluss-subscriptions-1"]["snapshot"] = {"start_cpu_seconds": 1.5, "resident_mib": 90.0}
    by_id["sluss-subscriptions-100000"]["snapshot"] = {
        "start_cpu_seconds": 3.75, "resident_mib": 149.0, "change_cpu_seconds": 0.0375,
    }  # fmt: skip
    moved = {"mib": 1024.0, "seconds": 0.5, "before_mib": 100.0, "peak_mib": 123.0, "cpu_seconds": 1.0}
    memory = {"candidate": "sluss", "version": "1", "down": moved, "up": moved}
    made.append({"id": "memory", "title": "", "base": "", "rows": [memory], "not_measured": [], "failures": [],
                 "samples": []})  # fmt: skip
    return report.run_of(made, FACTS, when="2026-11-22T01:02:03+00:00", full=True, rounds=3, seconds=3)


@pytest.fixture
def measured(run: dict[str, Any], tmp_path: Path) -> Path:
    (tmp_path / speed.LAST).write_text(json.dumps(run))
    return tmp_path


def test_every_id_of_the_bench_has_words() -> None:
    assert set(CASES) == set(cases.IDS)
    assert set(TARGETS) == set(targets.IDS)
    assert set(CANDIDATES) == {candidate.id for case in cases.CASES for candidate in case.candidates(KIT)}


def test_a_whole_run_judges_every_target(run: dict[str, Any]) -> None:
    assert [target["id"] for target in run["targets"]] == list(targets.IDS)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_tables_hold_the_file_s_figures(measured: Path, run: dict[str, Any], language: str) -> None:
    marks = speed.marks(measured, language)
    found = marks["@@speed-cases@@"]
    for case in run["cases"]:
        assert f"{{ #case-{case['id']} }}" in found
    first = "4 120 000" if language == "sv" else "4,120,000"
    assert first in found.replace("\xa0", " ").replace("\u202f", " ")
    assert marks["@@speed-targets@@"].count("\n") == len(targets.IDS) + 1
    verdict = next(
        line for line in marks["@@speed-targets@@"].splitlines() if "100" in line and "MiB" not in line
    )
    assert ("nått" if language == "sv" else "reached") in verdict
    assert "2026&#45;11&#45;22" in marks["@@speed-measured@@"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_in_the_file_is_markup(measured: Path, language: str) -> None:
    """Versions, machine and reasons come from other programs."""
    text = "\n".join(speed.marks(measured, language).values())
    assert "<caddy>" not in text
    assert "it | fell" not in text
    for line in text.splitlines():
        if line.startswith("| "):
            assert line.endswith(" |")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("content", [None, "", "[]", '{"schema": 999}', "{"])
def test_without_a_measurement_the_page_says_how_to_make_one(
    tmp_path: Path, language: str, content: str | None
) -> None:
    if content is not None:
        (tmp_path / speed.LAST).write_text(content)
    marks = speed.marks(tmp_path, language)
    assert "`make bench`" in marks["@@speed-measured@@"]
    assert "|" not in marks["@@speed-targets@@"] + marks["@@speed-cases@@"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_profile_is_a_table_too(tmp_path: Path, language: str) -> None:
    parts = [{"sv": "läsa", "en": "read", "us": 7.5}, {"sv": "skriva", "en": "write", "us": 2.5}]
    (tmp_path / speed.PROFILE).write_text(json.dumps({"when": "2026-11-22", "parts": parts}))
    rows = speed.marks(tmp_path, language)["@@speed-profile@@"].splitlines()
    assert [row.split("|")[-2].strip() for row in rows[2:]] == ["75 %", "25 %"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_measured_figure_is_copied_by_hand(language: str) -> None:
    """The page's own text holds neither a table nor a figure with a unit of what is measured."""
    text = page(language, "operate/speed.md")
    assert not [line for line in text.splitlines() if line.startswith("|")]
    assert re.findall(r"\d[\d ,.]*(?:µs|ms|MiB|calls|anrop|×|%)", text) == []
    assert set(re.findall(r"@@speed-[a-z]+@@", text)) == set(speed.marks(Path("nowhere"), language))


def test_a_candidate_that_fails_leaves_the_others(run: dict[str, Any]) -> None:
    (case,) = (case for case in run["cases"] if case["id"] == "calls")
    assert case["failures"] == [{"candidate": "traefik", "reason": "it | fell"}]
    assert "FAILED" in report.markdown(run)
    assert len(case["rows"]) == len(cases.CASES[0].candidates(KIT))

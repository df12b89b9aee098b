"""The page on faults names every promise F, its figures are the code's, and each promise has tests that name it."""

from __future__ import annotations

import inspect
import re
from functools import cache
from pathlib import Path

import pytest

from gateway import supervise
from gateway.app import LOG_SECONDS
from gateway.snapshot import keeper
from quota import ledger
from quota.counters.breaker import LONGEST_REST, SHORTEST_REST
from quota.counters.redis import RedisCounters
from storage.dialects import engines, postgresql
from storage.usage import processes
from tests.portal.documents import LANGUAGES, page, plain_figures, seconds, section, table

NAME = "operate/faults.md"
PROMISES = range(1, 21)
ROOT = Path(__file__).resolve().parents[2]


@cache
def suite() -> str:
    here = Path(__file__)
    return "\n".join(path.read_text() for path in sorted((ROOT / "tests").rglob("*.py")) if path != here)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("number", PROMISES)
def test_each_fault_says_what_happens_what_is_seen_and_what_to_do(language: str, number: int) -> None:
    rows = table(page(language, NAME), f"f{number}")
    assert len(rows) == 4
    assert all(len(row) == 2 and row[1] for row in rows)


@pytest.mark.parametrize("number", PROMISES)
def test_each_promise_is_named_by_a_test(number: int) -> None:
    assert re.search(rf"\bF{number}\b", suite()), f"no test names F{number}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_times_are_the_code_s(language: str) -> None:
    wait = inspect.signature(RedisCounters).parameters["timeout"].default
    interval = inspect.signature(ledger.Flusher).parameters["interval"].default
    wanted = [
        seconds(interval), seconds(ledger._LONGEST_WAIT), seconds(ledger.ALIVE_EVERY), seconds(processes.ALIVE_S),
        seconds(keeper.LOOK_SECONDS), seconds(postgresql.STATEMENT_S), f"{wait * 1000:g} ms",
        f"{SHORTEST_REST * 1000:g} ms", seconds(interval), seconds(LOG_SECONDS), seconds(supervise.FIRST_DELAY),
    ]  # fmt: skip
    rows = table(page(language, NAME), "intervals")
    for row, figure in zip(rows, wanted, strict=True):
        assert plain_figures(row[1]).startswith(figure), row
    assert rows[7][1].endswith(f" {seconds(LONGEST_REST)}")
    assert rows[10][1].endswith(f" {seconds(supervise.LONGEST_DELAY)}")
    six = section(page(language, NAME), "f6")
    assert f" {postgresql.CONNECTIONS + postgresql.MORE_AT_PEAK} " in six
    assert seconds(engines.WAIT_S) in six
    hanging = engines.WAIT_S + 2 + postgresql.STATEMENT_S
    assert seconds(hanging) in section(page(language, NAME), "f4")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_metric_on_the_page_is_one(language: str) -> None:
    source = "\n".join(path.read_text() for path in (ROOT / "gateway").rglob("*.py"))
    for name in set(re.findall(r"`(sluss_\w+)`", page(language, NAME) + page(language, "operate/index.md"))):
        assert f'"{name}"' in source, name

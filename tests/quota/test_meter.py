"""The published table of what is billed, row by row."""

from __future__ import annotations

import pytest

from quota.counters.protocol import Outcome
from quota.meter import OUTCOMES, Ending, ending_of


@pytest.mark.parametrize(
    ("reached", "status", "client_left", "whole", "ending"),
    [
        (True, 200, False, True, Ending.ANSWERED),
        (True, 404, False, True, Ending.ANSWERED),
        (True, 499, False, True, Ending.ANSWERED),
        (True, 500, False, True, Ending.UPSTREAM_ERROR),
        (True, 503, True, False, Ending.UPSTREAM_ERROR),
        (True, 200, False, False, Ending.UPSTREAM_CUT),
        (True, 200, True, False, Ending.CLIENT_LEFT),
        (True, None, True, False, Ending.CLIENT_LEFT),
        (True, None, False, False, Ending.NO_ANSWER),
        (True, 101, False, True, Ending.OPENED),
        (True, 101, False, False, Ending.OPENED),
        (True, 0, False, True, Ending.NO_ANSWER),
        (False, None, False, False, Ending.NOT_REACHED),
        (False, 0, True, False, Ending.NOT_REACHED),
    ],
)
def test_endings(reached: bool, status: int | None, client_left: bool, whole: bool, ending: Ending) -> None:
    assert ending_of(reached, status, client_left=client_left, whole=whole) is ending


def test_every_ending_is_in_the_table() -> None:
    assert set(OUTCOMES) == set(Ending)
    assert set(OUTCOMES.values()) == {Outcome.SERVED, Outcome.UPSTREAM_FAILED}


def test_only_what_was_answered_or_left_by_the_caller_is_billed() -> None:
    billed = {ending for ending, outcome in OUTCOMES.items() if outcome is Outcome.SERVED}
    assert billed == {Ending.ANSWERED, Ending.CLIENT_LEFT, Ending.OPENED}

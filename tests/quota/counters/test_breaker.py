"""The circuit's table, every cell, and how long it rests."""

from __future__ import annotations

from itertools import product

import pytest

from quota.counters.breaker import CIRCUIT, LONGEST_REST, SHORTEST_REST, Breaker, Circuit, Sign

CELLS = {
    (Circuit.CLOSED, Sign.ANSWERED): Circuit.CLOSED,
    (Circuit.CLOSED, Sign.FAILED): Circuit.OPEN,
    (Circuit.CLOSED, Sign.RESTED): Circuit.CLOSED,
    (Circuit.OPEN, Sign.ANSWERED): Circuit.OPEN,
    (Circuit.OPEN, Sign.FAILED): Circuit.OPEN,
    (Circuit.OPEN, Sign.RESTED): Circuit.HALF_OPEN,
    (Circuit.HALF_OPEN, Sign.ANSWERED): Circuit.CLOSED,
    (Circuit.HALF_OPEN, Sign.FAILED): Circuit.OPEN,
    (Circuit.HALF_OPEN, Sign.RESTED): Circuit.HALF_OPEN,
}


@pytest.mark.parametrize(("circuit", "sign"), list(product(Circuit, Sign)))
def test_every_cell(circuit: Circuit, sign: Sign) -> None:
    breaker = Breaker()
    breaker.circuit = circuit
    breaker.see(sign)
    assert breaker.circuit is CELLS[circuit, sign]
    assert CIRCUIT.get((circuit, sign), circuit) is CELLS[circuit, sign]


def test_it_rests_longer_after_each_failed_probe_and_never_too_long() -> None:
    breaker = Breaker()
    breaker.see(Sign.FAILED)
    rests = []
    for _ in range(8):
        rests.append(breaker.rest)
        breaker.see(Sign.RESTED)
        breaker.see(Sign.FAILED)
    assert rests[:3] == [SHORTEST_REST, SHORTEST_REST * 2, SHORTEST_REST * 4]
    assert rests[-1] == LONGEST_REST
    breaker.see(Sign.RESTED)
    breaker.see(Sign.ANSWERED)
    assert breaker.rest == SHORTEST_REST

"""The life of a call, every cell of its table walked, in the store and at the start after a lost process."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest

from quota.counters.calls import Call
from quota.counters.memory import MemoryCounters
from quota.counters.protocol import CALLS, ENDED, GIVE_BACK, KEEP, PROCESS_LOST, SENT, TAKEN, TO_UPSTREAM
from tests.quota.counters.test_kill import abandon
from tests.quota.stage import Sum, ask, limits, summed, token

STATES = (ENDED, TAKEN, SENT)
EVENTS = (TO_UPSTREAM, KEEP, GIVE_BACK, PROCESS_LOST)
RETURNED, COUNTED = Sum(0, 0, 1, 0, 0, 0), Sum(1, 4, 0, 0, 0, 0)


def test_the_table_names_only_states_and_events_that_exist() -> None:
    assert set(CALLS) <= set(product(STATES, EVENTS))
    assert {state for state, _ in CALLS.values()} <= set(STATES)
    assert not any(state == ENDED for state, _ in CALLS)


@pytest.mark.parametrize(("state", "event"), list(product(STATES, EVENTS)))
async def test_every_cell(tmp_path: Path, state: int, event: int) -> None:
    counters = MemoryCounters(tmp_path)
    await counters.start()
    taken = token(await ask(counters, limits(), units=4))
    assert isinstance(taken, Call)
    if state == SENT:
        counters.sent(taken)
    if state == ENDED:
        counters.keep(taken)
    following, back = CALLS.get((state, event), (state, False))
    if event == PROCESS_LOST:
        abandon(counters)
        counters = MemoryCounters(tmp_path)
        await counters.start()
        assert summed(counters.totals()) == (RETURNED if back else COUNTED)
        await counters.close()
        return
    {TO_UPSTREAM: counters.sent, KEEP: counters.keep, GIVE_BACK: counters.give_back}[event](taken)
    assert taken.state == following
    counters.keep(taken)
    assert summed(counters.totals()) == (RETURNED if back else COUNTED)
    await counters.close()


async def test_more_calls_under_way_than_entries_are_counted_all_the_same(tmp_path: Path) -> None:
    counters = MemoryCounters(tmp_path)
    await counters.start()
    del counters._calls._free[1:]
    tokens = [token(await ask(counters, limits())) for _ in range(5)]
    for taken in tokens[:3]:
        counters.sent(taken)
        counters.keep(taken)
    for taken in tokens[3:]:
        counters.give_back(taken)
    assert summed(counters.totals()) == Sum(3, 3, 2, 0, 0, 0)
    assert (await ask(counters, limits())).day_left == 496
    await counters.close()

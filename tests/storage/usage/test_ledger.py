"""The ledger: absolute totals, written as often and as late as anybody likes."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from storage import usage
from storage.database import Database
from storage.errors import InvalidValue
from storage.usage import UsageRow, UsageTotal
from tests.parts.postgres_server import run

HOUR = 500_000
START, END = HOUR * 3600, (HOUR + 24) * 3600

ROW = UsageRow(
    source="s1",
    hour=HOUR,
    organisation_id="org_us",
    app_id="app_1",
    subscription_id="sub_1",
    api="behov/v1",
    plan="prova",
    plan_version=1,
    operation="listBehov",
    outcome="served",
    units=10,
    calls=5,
)


async def write(database: Database, rows: Sequence[UsageRow]) -> None:
    async with database.begin() as session:
        await usage.write(session, rows)


async def total(database: Database, organisation_id: str = "org_us") -> tuple[int, int]:
    async with database.read() as session:
        sums = await usage.totals(session, organisation_id, start=START, end=END)
    return (sums[0].units, sums[0].calls) if sums else (0, 0)


async def test_a_repeated_write_changes_nothing(database: Database) -> None:
    for _ in range(3):
        await write(database, [ROW])
        await write(database, [ROW, ROW])
    assert await total(database) == (10, 5)


async def test_a_later_total_replaces_and_an_older_one_is_ignored(database: Database) -> None:
    await write(database, [ROW])
    await write(database, [replace(ROW, units=14, calls=7)])
    await write(database, [ROW])
    assert await total(database) == (14, 7)


@pytest.mark.parametrize(
    "other",
    [
        {"source": "s2"},
        {"hour": HOUR + 1},
        {"subscription_id": "sub_2"},
        {"operation": "getBehov"},
        {"outcome": "upstream_failed"},
        {"plan": "innovation"},
        {"plan_version": 2},
    ],
    ids=lambda it: next(iter(it)),
)
async def test_another_key_is_another_row(database: Database, other: dict[str, object]) -> None:
    await write(database, [ROW, replace(ROW, **other)])  # type: ignore[arg-type]
    assert await total(database) == (20, 10)


async def test_nothing_to_write_is_no_error(database: Database) -> None:
    await write(database, [])
    assert await total(database) == (0, 0)


async def test_one_organisation_never_sees_another(database: Database) -> None:
    theirs = replace(ROW, organisation_id="org_them", subscription_id="sub_9", app_id="app_9", units=99)
    await write(database, [ROW, theirs])
    async with database.read() as session:
        [ours] = await usage.totals(session, "org_us", start=START, end=END, by=("app", "subscription"))
        assert (ours.app_id, ours.subscription_id, ours.units) == ("app_1", "sub_1", 10)
        assert await usage.totals(session, "org_us", start=START, end=END, app_id="app_9") == []
        assert await usage.totals(session, "org_0", start=START, end=END) == []


async def test_grouping_by_every_combination_sums_to_the_same(database: Database) -> None:
    chance = random.Random(7)
    rows = [
        replace(
            ROW,
            hour=HOUR + hour,
            app_id=f"app_{app}",
            subscription_id=f"sub_{app}{api}",
            api=f"{api}/v1",
            operation=operation,
            outcome=outcome,
            units=chance.randrange(100),
            calls=chance.randrange(100),
        )
        for hour, app, api, operation, outcome in itertools.product(
            range(2), "12", "ab", ("x", "y"), ("served", "refused")
        )
    ]
    await write(database, rows)
    names = ("app", "api", "operation", "outcome", "hour", "subscription")
    field = {"app": "app_id", "subscription": "subscription_id"}
    async with database.read() as session:
        for size in range(len(names) + 1):
            for by in itertools.combinations(names, size):
                sums = await usage.totals(session, "org_us", start=START, end=END, by=by)
                keys = [field.get(name, name) for name in by]
                expected = {tuple(getattr(row, key) for key in keys) for row in rows}
                assert {tuple(getattr(it, key) for key in keys) for it in sums} == expected
                assert len(sums) == len(expected)
                assert sum(it.units for it in sums) == sum(row.units for row in rows)
                assert sum(it.calls for it in sums) == sum(row.calls for row in rows)
                assert all(type(it.units) is int for it in sums)
        [only] = await usage.totals(session, "org_us", start=START, end=END, app_id="app_1")
        assert only == UsageTotal(
            units=sum(row.units for row in rows if row.app_id == "app_1"),
            calls=sum(row.calls for row in rows if row.app_id == "app_1"),
        )


async def test_the_end_is_not_included(database: Database) -> None:
    await write(database, [replace(ROW, hour=HOUR + n, units=10**n) for n in range(4)])
    async with database.read() as session:

        async def units(start: int, end: int) -> int:
            return (await usage.totals(session, "org_us", start=start, end=end))[0].units

        assert await units(START, START + 3600) == 1
        assert await units(START + 3600, START + 3 * 3600) == 110
        assert await units(START, START + 4 * 3600) == 1111
        assert await usage.totals(session, "org_us", start=START, end=START) == []


async def test_an_unknown_grouping_is_refused(database: Database) -> None:
    async with database.read() as session:
        with pytest.raises(InvalidValue):
            await usage.totals(session, "org_us", start=START, end=END, by=("organisation",))


async def test_quotas_are_rebuilt_from_what_was_served(database: Database) -> None:
    await write(
        database,
        [
            ROW,
            replace(ROW, source="s2", units=3),
            replace(ROW, hour=HOUR - 1, units=1000),
            replace(ROW, outcome="refused_quota", units=1000),
            replace(ROW, outcome="upstream_failed", units=1000),
            replace(ROW, subscription_id="sub_2", hour=HOUR + 5, units=7),
        ],
    )
    async with database.read() as session:
        assert await usage.units_since(session, START) == {"sub_1": 13, "sub_2": 7}
        assert await usage.units_since(session, START + 3600) == {"sub_2": 7}
        assert await usage.units_since(session, START, subscription_id="sub_1") == {"sub_1": 13}
        assert await usage.units_since(session, START, subscription_id="sub_0") == {}


async def test_writers_of_the_same_rows_in_any_order_do_not_stop_each_other(database: Database) -> None:
    rows = [replace(ROW, operation=f"op{n}") for n in range(40)]

    async def flush(seed: int) -> None:
        mine = [replace(row, units=seed, calls=seed) for row in rows]
        random.Random(seed).shuffle(mine)
        await write(database, mine)

    await asyncio.gather(*(flush(seed) for seed in range(8)))
    assert await total(database) == (7 * 40, 7 * 40)


async def test_totals_beyond_32_bits_are_exact(database: Database) -> None:
    most = 2**62
    await write(database, [replace(ROW, units=most), replace(ROW, source="s2", units=most - 1)])
    assert (await total(database))[0] == 2 * most - 1


# One call adds this many units to one of a few keys.
CALLS = st.lists(
    st.tuples(
        st.sampled_from("ab"), st.integers(0, 1), st.sampled_from(["served", "refused"]), st.integers(0, 9)
    ),
    max_size=20,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(calls=CALLS, chance=st.randoms(use_true_random=False))
def test_flushes_lost_repeated_and_reordered_end_at_the_counters_totals(
    database_url: str, calls: list[tuple[str, int, str, int]], chance: random.Random
) -> None:
    """Whatever became of the flushes before, when the last one arrives the ledger is what was counted."""
    counters: dict[tuple[str, int, str], tuple[int, int]] = {}
    flushes: list[list[UsageRow]] = []
    for operation, hour, outcome, units in calls:
        before = counters.get((operation, hour, outcome), (0, 0))
        counters[operation, hour, outcome] = (before[0] + units, before[1] + 1)
        flushes.append(
            [
                replace(ROW, operation=o, hour=HOUR + h, outcome=out, units=u, calls=c)
                for (o, h, out), (u, c) in counters.items()
            ]
        )
    # The last flush arrives; those before it arrive never, once or often, before or after it.
    arriving = [flush for flush in flushes for _ in range(chance.randrange(3))] + flushes[-1:]
    chance.shuffle(arriving)

    async def play() -> tuple[int, int]:
        database = Database(database_url)
        try:
            async with database.begin() as session:
                await session.execute(delete(usage.table))
            for flush in arriving:
                await write(database, flush)
            return await total(database)
        finally:
            await database.close()

    counted = (sum(u for u, _ in counters.values()), sum(c for _, c in counters.values()))
    assert run(play()) == counted

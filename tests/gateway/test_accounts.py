"""The edge's own table of apps and subscriptions: read whole once, then changed row by row, and never otherwise than
the database says.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete

from gateway.snapshot.accounts import Accounts
from gateway.snapshot.keeper import SnapshotKeeper
from gateway.snapshot.subscribed import Subscriptions
from storage import apps, changes, organisations, revocations, subscriptions
from storage.access import AccessRows, AppRow, GrantRow, load
from storage.database import Database
from tests.auth.mint import ISSUER
from tests.gateway.line_of_one import BACKENDS, built, reference
from tests.storage.samples import NOW, Tenant, subscribe, tenant

APPS = [AppRow(f"app_{n}", f"client_{n}", f"org_{n % 2}", "sandbox", "active", 0) for n in range(4)]


def standing(accounts: Accounts) -> tuple[dict[str, object], dict[object, object]]:
    return dict(accounts.apps), dict(accounts.grants)


def test_a_successor_in_the_same_step_is_not_taken_away_by_its_predecessor() -> None:
    old, new = (
        GrantRow("sub_1", "app_1", "a/v1", "p", 1, "closed"),
        GrantRow("sub_2", "app_1", "a/v1", "q", 2, "active"),
    )
    for order in ([old, new], [new, old]):
        accounts = Accounts()
        accounts.put_apps(APPS)
        accounts.put_grants([old._replace(state="active")])
        accounts.put_grants(order)
        assert accounts.grants["app_1", "a/v1"].subscription_id == "sub_2"
        assert len(accounts.grants) == 1


def test_nothing_is_left_of_a_deleted_app() -> None:
    accounts = Accounts()
    accounts.put_apps(APPS)
    accounts.put_grants([GrantRow("sub_1", "app_1", "a/v1", "p", 1, "active")])
    accounts.put_apps([APPS[1]._replace(state="deleted")])
    accounts.put_grants([GrantRow("sub_3", "app_1", "b/v1", "p", 1, "active")])
    assert ("app_1", "a/v1") not in accounts.grants
    assert "client_1" not in accounts.apps
    assert (len(accounts.apps), len(accounts.grants)) == (3, 0)


rows = st.one_of(
    st.builds(
        lambda n, state, since: APPS[n]._replace(state=state, tokens_valid_from=since),
        st.integers(0, 3), st.sampled_from(["active", "suspended", "deleted"]), st.integers(0, 3),
    ),
    st.builds(
        lambda n, app, state: GrantRow(f"sub_{n}", f"app_{app}", f"api_{n % 3}/v1", "p", 1, state),
        st.integers(0, 8), st.integers(0, 3), st.sampled_from(["requested", "active", "suspended", "closed"]),
    ),
)  # fmt: skip


@given(st.lists(rows, max_size=30))
def test_row_by_row_it_becomes_what_it_would_be_at_once(steps: list[AppRow | GrantRow]) -> None:
    accounts = Accounts()
    accounts.put_apps(APPS)
    last_apps: dict[str, AppRow] = {app.id: app for app in APPS}
    last_grants: dict[tuple[str, str], GrantRow] = {}
    for row in steps:
        if isinstance(row, AppRow):
            if last_apps[row.id].state == "deleted":
                continue  # the end of an app
            accounts.put_apps([row])
            last_apps[row.id] = row
        else:
            held = last_grants.get((row.app_id, row.api))
            if held is not None and held.id != row.id:
                continue  # the database lets no second one in
            accounts.put_grants([row])
            last_grants[row.app_id, row.api] = row
            if row.state == "closed":
                del last_grants[row.app_id, row.api]
    whole = Accounts()
    whole.put_apps(row for row in last_apps.values() if row.state != "deleted")
    whole.put_grants(last_grants.values())
    assert standing(accounts) == standing(whole)
    assert len(accounts.grants) == len(dict(accounts.grants))


def test_the_memory_of_those_that_call_is_bounded() -> None:
    accounts, subscribed = Accounts(), Subscriptions(reference(), most=3)
    accounts.put_apps(APPS)
    for number in range(20):
        accounts.put_grants([GrantRow(f"sub_{number}", "app_1", f"a{number}/v1", "prova", 1, "active")])
        assert subscribed.of(accounts.grants["app_1", f"a{number}/v1"]) is not None
        assert len(subscribed._known) <= 3


class TestFollowing:
    """A keeper that follows a database stands where one stands that reads it anew."""

    @pytest.fixture
    async def database(self, sqlite_url: str) -> AsyncIterator[Database]:
        database = Database(sqlite_url)
        yield database
        await database.close()

    @pytest.fixture
    async def us(self, database: Database) -> Tenant:
        return await tenant(database)

    async def keeper(self, database: Database) -> SnapshotKeeper:
        keeper = SnapshotKeeper(database, [BACKENDS], {}, ISSUER)
        await keeper._rebuild(reference())
        return keeper

    async def expect_the_whole(self, keeper: SnapshotKeeper, database: Database) -> AccessRows:
        await keeper._look(files=False)
        async with database.read() as session:
            found = await load(session, int(time.time()))
        assert keeper.current is not None
        whole = built(found)
        assert keeper.current.version == found.version
        assert dict(keeper.current.access.apps) == dict(whole.access.apps)
        assert dict(keeper.current.access.grants) == dict(whole.access.grants)
        assert keeper.current.access.revoked == whole.access.revoked
        assert len(keeper.current.access.grants) == len(found.subscriptions)
        return found

    async def test_every_kind_of_step(self, database: Database, us: Tenant) -> None:
        keeper = await self.keeper(database)
        began = keeper._accounts
        async with database.begin() as session:
            one = await subscribe(session, us, api="eko/v1")
        await self.expect_the_whole(keeper, database)
        async with database.begin() as session:
            await subscriptions.set_state(session, us.id, one.id, "suspended", NOW)
            await organisations.set_disabled(session, us.id, NOW)
        await self.expect_the_whole(keeper, database)
        async with database.begin() as session:
            await subscriptions.set_state(session, us.id, one.id, "closed", NOW)
            await subscribe(session, us, api="eko/v1", state="requested")
            await revocations.add(
                session, jti="j", app_id=us.app.id, expires_at=int(time.time()) + 99, reason="r", now=NOW
            )
        found = await self.expect_the_whole(keeper, database)
        assert [row.state for row in found.subscriptions] == ["requested"]
        async with database.begin() as session:
            await apps.set_tokens_valid_from(session, us.id, us.app.id, NOW)
            other = await apps.add(session, us.id, name="Second", environment="production", now=NOW)
        await self.expect_the_whole(keeper, database)
        async with database.begin() as session:
            await apps.set_state(session, us.id, us.app.id, "deleted", NOW)
        found = await self.expect_the_whole(keeper, database)
        assert [row.id for row in found.apps] == [other.id]
        assert keeper._accounts is began  # changed in place, never read anew

    async def test_a_step_that_nobody_wrote_down_makes_it_read_everything(
        self, database: Database, us: Tenant
    ) -> None:
        """F17: the release before this one knows no log."""
        keeper = await self.keeper(database)
        began = keeper._accounts
        async with database.begin() as session:
            await subscribe(session, us, api="eko/v1")
            await session.execute(delete(changes.log_table))
        await self.expect_the_whole(keeper, database)
        assert keeper._accounts is not began

    async def test_a_change_among_many_is_one_row_s_work(self, database: Database, us: Tenant) -> None:
        async with database.begin() as session:
            for number in range(1200):
                await subscribe(session, us, api=f"a{number}/v1")
        keeper = await self.keeper(database)
        assert keeper.current is not None
        assert len(keeper.current.access.grants) == 1200
        async with database.begin() as session:
            [one, *_] = await subscriptions.for_organisation(session, us.id)
            await subscriptions.set_state(session, us.id, one.id, "suspended", NOW)
        async with database.read() as session:
            version = await changes.current(session)
            steps = await changes.since(session, version - 1, version)
        assert steps == [changes.Step(changes.SUBSCRIPTION, one.id)]
        await self.expect_the_whole(keeper, database)

    async def test_the_loop_goes_on_while_all_is_read(self, database: Database, us: Tenant) -> None:
        """Turns of the loop are counted, not seconds: the machine may be slow."""
        async with database.begin() as session:
            for number in range(3000):
                await subscribe(session, us, api=f"a{number}/v1")
        turns = 0

        async def tick() -> None:
            nonlocal turns
            while True:
                await asyncio.sleep(0)
                turns += 1

        ticking = asyncio.create_task(tick())
        await self.keeper(database)
        ticking.cancel()
        assert turns >= 6  # one between each slice of 500


def test_a_plan_that_moves_is_another_subscription() -> None:
    accounts, subscribed = Accounts(), Subscriptions(reference())
    accounts.put_apps(APPS)
    row = GrantRow("sub_1", "app_1", "eko/v1", "prova", 1, "active")
    accounts.put_grants([row])
    first = subscribed.of(accounts.grants["app_1", "eko/v1"])
    accounts.put_grants([row._replace(plan="innovation")])
    second = subscribed.of(accounts.grants["app_1", "eko/v1"])
    assert first is not None
    assert second is not None
    assert first.limits.plan != second.limits.plan
    assert replace(first.grant, plan="innovation") == second.grant

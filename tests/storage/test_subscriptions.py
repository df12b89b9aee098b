"""Subscriptions: one open per app and API."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from itertools import product

import pytest

from storage import apps, changes, subscriptions
from storage.database import Database
from storage.errors import AlreadyExists, NotFound, WrongState
from tests.storage.samples import NOW, Tenant, subscribe, tenant, two_tenants

STATES = ("requested", "active", "suspended", "closed")
ALLOWED = {
    ("requested", "requested"),
    ("requested", "active"),
    ("requested", "closed"),
    ("active", "active"),
    ("active", "suspended"),
    ("active", "closed"),
    ("suspended", "suspended"),
    ("suspended", "active"),
    ("suspended", "closed"),
    ("closed", "closed"),
}


@pytest.mark.parametrize("state", ["requested", "active", "suspended"])
async def test_a_second_open_one_is_refused_and_a_closed_one_makes_room(
    database: Database, state: str
) -> None:
    us = await tenant(database)
    async with database.begin() as session:
        first = await subscribe(session, us, state=state)
        with pytest.raises(AlreadyExists):
            await subscribe(session, us)
        await subscribe(session, us, api="vardenheter/v1")
        await subscriptions.set_state(session, us.id, first.id, "closed", NOW + 1)
        again = await subscribe(session, us)
        assert again.id != first.id
        assert len(await subscriptions.for_app(session, us.id, us.app.id)) == 3


async def test_of_many_at_the_same_time_one_is_opened(database: Database) -> None:
    us = await tenant(database)

    async def attempt() -> bool:
        try:
            async with database.begin() as session:
                await subscribe(session, us)
        except AlreadyExists:
            return False
        return True

    assert (await asyncio.gather(*(attempt() for _ in range(8)))).count(True) == 1


@pytest.mark.parametrize(("old", "new"), list(product(STATES, STATES)))
async def test_every_step_of_the_life_cycle(database: Database, old: str, new: str) -> None:
    us = await tenant(database)
    async with database.begin() as session:
        made = await subscribe(session, us, state=old)
        before = await changes.current(session)
        if (old, new) in ALLOWED:
            after = await subscriptions.set_state(session, us.id, made.id, new, NOW + 1)
            assert after == replace(made, state=new, changed_at=NOW + 1)
            assert await changes.current(session) == before + 1
        else:
            with pytest.raises(WrongState):
                await subscriptions.set_state(session, us.id, made.id, new, NOW + 1)
            assert await subscriptions.get(session, us.id, made.id) == made
            assert await changes.current(session) == before


async def test_a_state_that_is_none_is_refused(database: Database) -> None:
    us = await tenant(database)
    async with database.begin() as session:
        with pytest.raises(WrongState):
            await subscribe(session, us, state="open")
        made = await subscribe(session, us)
        with pytest.raises(WrongState):
            await subscriptions.set_state(session, us.id, made.id, "open", NOW)


async def test_another_organisations_subscription_does_not_exist(database: Database) -> None:
    us, them = await two_tenants(database)
    async with database.begin() as session:
        theirs = await subscribe(session, them)
        assert await subscriptions.get(session, us.id, theirs.id) is None
        assert await subscriptions.for_app(session, us.id, them.app.id) == []
        assert await subscriptions.for_organisation(session, us.id) == []
        with pytest.raises(NotFound):
            await subscriptions.set_state(session, us.id, theirs.id, "closed", NOW)
        with pytest.raises(NotFound):
            await subscribe(session, Tenant(us.organisation, us.person, them.app))
        assert await subscriptions.any_by_id(session, theirs.id) == theirs
        assert await subscriptions.any_by_id(session, "sub_0") is None
        assert await subscriptions.for_organisation(session, them.id) == [theirs]


async def test_what_waits_for_approval_is_listed_for_operators(database: Database) -> None:
    us, them = await two_tenants(database)
    async with database.begin() as session:
        first = await subscribe(session, us, state="requested")
        second = await subscribe(session, them, state="requested")
        await subscribe(session, us, api="eko/v1")
        waiting = await subscriptions.pending(session)
        assert sorted(it.id for it in waiting) == sorted([first.id, second.id])
        await subscriptions.set_state(session, us.id, first.id, "active", NOW)
        assert await subscriptions.pending(session) == [second]


async def test_a_deleted_app_subscribes_to_nothing(database: Database) -> None:
    us = await tenant(database)
    async with database.begin() as session:
        await apps.set_state(session, us.id, us.app.id, "deleted", NOW)
        with pytest.raises(NotFound):
            await subscribe(session, us)

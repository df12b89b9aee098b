"""Apps: owned by one organisation, with a life that ends."""

from __future__ import annotations

import re
from itertools import product

import pytest

from storage import apps, changes
from storage.database import Database
from storage.errors import NotFound, WrongState
from tests.storage.samples import NOW, tenant, two_tenants

STATES = ("active", "suspended", "deleted")
ALLOWED = {
    ("active", "active"),
    ("active", "suspended"),
    ("active", "deleted"),
    ("suspended", "active"),
    ("suspended", "suspended"),
    ("suspended", "deleted"),
    ("deleted", "deleted"),
}


async def test_an_app_is_found_by_its_owner_and_by_client_id(database: Database) -> None:
    us, them = await two_tenants(database)
    async with database.read() as session:
        assert await apps.get(session, us.id, us.app.id) == us.app
        assert await apps.get(session, us.id, them.app.id) is None
        assert await apps.by_client_id(session, us.app.client_id) == us.app
        assert await apps.by_client_id(session, us.app.client_id.upper()) is None
        assert await apps.for_organisation(session, us.id) == [us.app]
    assert re.fullmatch(r"app_[0-9a-f]{32}", us.app.id)
    assert re.fullmatch(r"sluss_app_[0-9a-f]{32}", us.app.client_id)
    assert (us.app.state, us.app.tokens_valid_from, us.app.created_at) == ("active", 0, NOW)


async def test_nobody_changes_another_organisations_app(database: Database) -> None:
    us, them = await two_tenants(database)
    async with database.begin() as session:
        before = await changes.current(session)
        with pytest.raises(NotFound):
            await apps.set_state(session, us.id, them.app.id, "deleted", NOW)
        with pytest.raises(NotFound):
            await apps.set_tokens_valid_from(session, us.id, them.app.id, NOW)
        with pytest.raises(NotFound):
            await apps.rename(session, us.id, them.app.id, "ours")
        assert await apps.get(session, them.id, them.app.id) == them.app
        assert await changes.current(session) == before


async def test_an_app_needs_its_organisation(database: Database) -> None:
    with pytest.raises(NotFound):
        async with database.begin() as session:
            await apps.add(session, "org_0", name="x", environment="sandbox", now=NOW)


@pytest.mark.parametrize(("old", "new"), list(product(STATES, STATES)))
async def test_every_step_of_the_life_cycle(database: Database, old: str, new: str) -> None:
    us = await tenant(database)
    async with database.begin() as session:
        await apps.set_state(session, us.id, us.app.id, old, NOW)
        before = await changes.current(session)
        if (old, new) in ALLOWED:
            assert (await apps.set_state(session, us.id, us.app.id, new, NOW + 1)).state == new
            assert await changes.current(session) == before + 1
        else:
            with pytest.raises(WrongState):
                await apps.set_state(session, us.id, us.app.id, new, NOW + 1)
            assert await changes.current(session) == before


async def test_a_state_that_is_none_is_refused(database: Database) -> None:
    us = await tenant(database)
    async with database.begin() as session:
        with pytest.raises(WrongState):
            await apps.set_state(session, us.id, us.app.id, "paused", NOW)


async def test_a_deleted_app_is_not_listed_and_keeps_its_row(database: Database) -> None:
    us = await tenant(database)
    async with database.begin() as session:
        gone = await apps.set_state(session, us.id, us.app.id, "deleted", NOW)
        assert await apps.for_organisation(session, us.id) == []
        assert await apps.get(session, us.id, us.app.id) == gone


async def test_tokens_from_before_a_suspension_stay_refused(database: Database) -> None:
    us = await tenant(database)
    async with database.begin() as session:
        await apps.set_state(session, us.id, us.app.id, "suspended", NOW)
        assert (await apps.set_state(session, us.id, us.app.id, "active", NOW + 9)).tokens_valid_from > NOW


async def test_tokens_valid_from_moves_past_every_token_issued_so_far(database: Database) -> None:
    us = await tenant(database)
    async with database.begin() as session:
        for at, expected in ((NOW, NOW), (NOW, NOW + 1), (NOW - 5, NOW + 2), (NOW + 5, NOW + 5)):
            app = await apps.set_tokens_valid_from(session, us.id, us.app.id, at)
            assert app.tokens_valid_from == expected


async def test_renaming(database: Database) -> None:
    us = await tenant(database)
    async with database.begin() as session:
        assert (await apps.rename(session, us.id, us.app.id, "Nytt namn")).name == "Nytt namn"

"""What the edge's snapshot is made of, and the number that tells it to look again."""

from __future__ import annotations

import asyncio

from storage import access, apps, changes, organisations, revocations, signing_keys, subscriptions
from storage.database import Database
from tests.storage.samples import NOW, subscribe, tenant, two_tenants


async def test_an_empty_database_gives_empty_rows(database: Database) -> None:
    async with database.read() as session:
        rows = await access.load(session, NOW)
    assert rows == access.AccessRows(0, 0, [], [], frozenset(), frozenset(), [])


async def test_what_is_deleted_closed_expired_or_retired_is_not_loaded(database: Database) -> None:
    us, them = await two_tenants(database)
    async with database.begin() as session:
        closed = await subscribe(session, us, api="eko/v1")
        await subscriptions.set_state(session, us.id, closed.id, "closed", NOW)
        ours = [
            await subscribe(session, us, api=f"a{n}/v1", state=state)
            for n, state in enumerate(("requested", "active", "suspended"))
        ]
        await subscribe(session, them)
        await apps.set_state(session, them.id, them.app.id, "deleted", NOW)
        await organisations.set_disabled(session, them.id, NOW)
        for jti, expires_at in (("live", NOW + 1), ("over", NOW - 1000)):
            await revocations.add(
                session, jti=jti, app_id=us.app.id, expires_at=expires_at, reason="r", now=NOW
            )
        for state in ("retired", "active"):
            await signing_keys.add(
                session,
                kid=state,
                algorithm="ES256",
                public_jwk="{}",
                private_encrypted=b"",
                state=state,
                now=NOW,
            )
        version = await changes.current(session)
    async with database.read() as session:
        rows = await access.load(session, NOW)
    assert rows.version == version
    assert rows.apps == [us.app]
    assert sorted(rows.subscriptions, key=lambda it: it.api) == ours
    assert rows.organisations_disabled == {them.id}
    assert rows.revoked == {"live"}
    assert [key.kid for key in rows.keys] == ["active"]


async def test_the_rows_are_of_one_moment(database: Database) -> None:
    us = await tenant(database)
    async with database.read() as reading:
        before = await changes.current(reading)
        async with database.begin() as session:
            await apps.set_state(session, us.id, us.app.id, "suspended", NOW)
        assert await changes.current(reading) == before
        [app] = (await access.load(reading, NOW)).apps
        assert app.state == "active"
    async with database.read() as reading:
        assert await changes.current(reading) == before + 1


async def test_every_bump_gives_a_number_of_its_own(database: Database) -> None:
    async def bump() -> int:
        async with database.begin() as session:
            return await changes.bump(session)

    numbers = await asyncio.gather(*(bump() for _ in range(20)))
    assert sorted(numbers) == list(range(1, 21))
    async with database.read() as session:
        assert await changes.current(session) == 20


async def test_a_change_that_is_rolled_back_has_no_number(database: Database) -> None:
    try:
        async with database.begin() as session:
            await changes.bump(session)
            raise LookupError
    except LookupError:
        pass
    async with database.read() as session:
        assert await changes.current(session) == 0

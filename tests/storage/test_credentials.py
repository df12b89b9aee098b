"""Credentials of apps: several at once, so that they can roll with an overlap."""

from __future__ import annotations

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from storage import apps, credentials, organisations
from storage.credentials import Credential
from storage.database import Database
from storage.errors import AlreadyExists, NotFound
from tests.storage.samples import NOW, Tenant, tenant, two_tenants


async def add(
    session: AsyncSession, who: Tenant, secret_hash: str, *, expires_at: int | None = None, now: int = NOW
) -> Credential:
    return await credentials.add(
        session,
        who.id,
        who.app.id,
        kind="client_secret",
        secret_hash=secret_hash,
        last4="wxyz",
        expires_at=expires_at,
        now=now,
    )


async def test_live_are_those_neither_expired_nor_revoked(database: Database) -> None:
    us = await tenant(database)
    async with database.begin() as session:
        first = await add(session, us, "1")
        second = await add(session, us, "2", expires_at=NOW + 10, now=NOW + 1)
        assert await credentials.live_for_client(session, us.app.client_id, NOW + 9) == [second, first]
        assert await credentials.live_for_client(session, us.app.client_id, NOW + 10) == [first]
        revoked = await credentials.revoke(session, us.id, first.id, NOW + 2)
        assert revoked.revoked_at == NOW + 2
        assert (await credentials.revoke(session, us.id, first.id, NOW + 3)).revoked_at == NOW + 2
        assert await credentials.live_for_client(session, us.app.client_id, NOW + 9) == [second]
        assert await credentials.for_app(session, us.id, us.app.id) == [second, revoked]
    assert "'1'" not in repr(first)


async def test_an_expiry_is_only_brought_forward(database: Database) -> None:
    us = await tenant(database)
    async with database.begin() as session:
        made = await add(session, us, "1")
        for at, expected in ((NOW + 50, NOW + 50), (NOW + 99, NOW + 50), (NOW + 20, NOW + 20)):
            assert (await credentials.expire(session, us.id, made.id, at)).expires_at == expected


async def test_no_credential_is_live_for_a_stopped_app_or_organisation(database: Database) -> None:
    us, them = await two_tenants(database)
    async with database.begin() as session:
        await add(session, us, "1")
        assert await credentials.live_for_client(session, them.app.client_id, NOW) == []
        await organisations.set_disabled(session, us.id, NOW)
        assert await credentials.live_for_client(session, us.app.client_id, NOW) == []
        await organisations.set_disabled(session, us.id, None)
        await apps.set_state(session, us.id, us.app.id, "suspended", NOW)
        assert await credentials.live_for_client(session, us.app.client_id, NOW) == []
        await apps.set_state(session, us.id, us.app.id, "active", NOW)
        assert len(await credentials.live_for_client(session, us.app.client_id, NOW)) == 1
        await apps.set_state(session, us.id, us.app.id, "deleted", NOW)
        assert await credentials.live_for_client(session, us.app.client_id, NOW) == []
        with pytest.raises(NotFound):
            await add(session, us, "2")


async def test_another_organisations_credentials_do_not_exist(database: Database) -> None:
    us, them = await two_tenants(database)
    async with database.begin() as session:
        theirs = await add(session, them, "1")
        assert await credentials.for_app(session, us.id, them.app.id) == []
        with pytest.raises(NotFound):
            await credentials.revoke(session, us.id, theirs.id, NOW)
        with pytest.raises(NotFound):
            await credentials.expire(session, us.id, theirs.id, NOW)
        with pytest.raises(NotFound):
            await add(session, Tenant(us.organisation, us.person, them.app), "2")
        assert await credentials.for_app(session, them.id, them.app.id) == [theirs]


async def test_the_last_use_is_noted(database: Database) -> None:
    us = await tenant(database)
    async with database.begin() as session:
        made = await add(session, us, "1")
        assert made.last_used_at is None
        await credentials.touch(session, made.id, NOW + 7)
        [after] = await credentials.for_app(session, us.id, us.app.id)
        assert after.last_used_at == NOW + 7


async def test_a_secret_belongs_to_one_credential(database: Database) -> None:
    us = await tenant(database)
    async with database.begin() as session:
        await add(session, us, "same")
    with pytest.raises(AlreadyExists):
        async with database.begin() as session:
            await add(session, us, "same")

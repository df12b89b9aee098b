"""Revoked tokens: known for as long as anybody could accept them."""

from __future__ import annotations

from storage import changes, revocations
from storage.database import Database
from tests.storage.samples import NOW, tenant


async def test_a_revocation_is_live_until_the_token_could_not_be_accepted(database: Database) -> None:
    us = await tenant(database)
    async with database.begin() as session:
        for jti, expires_at in (("a", NOW + 300), ("b", NOW + 10)):
            await revocations.add(
                session, jti=jti, app_id=us.app.id, expires_at=expires_at, reason="test", now=NOW
            )
        late = NOW + 10 + revocations.SKEW_S
        assert [it.jti for it in await revocations.live(session, late - 1)] == ["b", "a"]
        assert [it.jti for it in await revocations.live(session, late)] == ["a"]
        before = await changes.current(session)
        assert await revocations.delete_expired(session, late) == 1
        assert await changes.current(session) == before
        assert [it.jti for it in await revocations.live(session, NOW)] == ["a"]


async def test_a_second_revocation_changes_nothing(database: Database) -> None:
    us = await tenant(database)
    async with database.begin() as session:
        for attempt in range(3):
            await revocations.add(
                session,
                jti="a",
                app_id=us.app.id,
                expires_at=NOW + 300 + attempt,
                reason=f"try {attempt}",
                now=NOW + attempt,
            )
            if attempt == 0:
                first = await changes.current(session)
        assert await changes.current(session) == first
        [only] = await revocations.live(session, NOW)
        assert (only.expires_at, only.revoked_at, only.reason) == (NOW + 300, NOW, "try 0")

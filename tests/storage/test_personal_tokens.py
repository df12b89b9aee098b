"""Personal tokens: found by hash while they live, revoked by their owner alone."""

from __future__ import annotations

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from storage import people, personal_tokens
from storage.database import Database
from storage.errors import NotFound
from storage.people import Person
from tests.storage.samples import NOW, person


async def _owner(session: AsyncSession, token_hash: str, now: int) -> Person:
    found = await personal_tokens.find(session, token_hash, now)
    assert found is not None
    return found[1]


async def test_a_token_finds_its_person_until_it_ends(database: Database) -> None:
    async with database.begin() as session:
        who, other = await person(session, "a@b.example"), await person(session, "c@b.example")
        ends = await personal_tokens.add(
            session,
            person_id=who.id,
            name="CI",
            token_hash="h1",
            last4="abcd",
            expires_at=NOW + 10,
            now=NOW,
        )
        stays = await personal_tokens.add(
            session, person_id=who.id, name="", token_hash="h2", last4="efgh", expires_at=None, now=NOW + 1
        )
        assert await _owner(session, "h1", NOW + 9) == who
        assert await personal_tokens.find(session, "h1", NOW + 10) is None
        assert await _owner(session, "h2", NOW + 10**9) == who
        assert await personal_tokens.find(session, "H2", NOW) is None
        assert await personal_tokens.for_person(session, who.id) == [stays, ends]
        assert await personal_tokens.for_person(session, other.id) == []
        with pytest.raises(NotFound):
            await personal_tokens.revoke(session, other.id, stays.id, NOW)
        assert await _owner(session, "h2", NOW) == who
        assert (await personal_tokens.revoke(session, who.id, stays.id, NOW)).revoked_at == NOW
        assert (await personal_tokens.revoke(session, who.id, stays.id, NOW + 5)).revoked_at == NOW
        assert await personal_tokens.find(session, "h2", NOW) is None
        await people.set_disabled(session, who.id, NOW)
        assert await personal_tokens.find(session, "h1", NOW) is None
    assert "h1" not in repr(ends)

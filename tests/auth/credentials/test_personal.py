"""Personal tokens for the management API (promise T33)."""

from __future__ import annotations

import pytest

from auth.credentials.personal import LONGEST_LIFE, bearer, issue, revoke
from auth.credentials.secrets import Prefix, make
from storage import people, personal_tokens
from storage.database import Database
from storage.errors import NotFound
from storage.people import Person
from tests.auth.mint import NOW
from tests.auth.platform import NOBODY


async def person(database: Database, email: str) -> Person:
    async with database.begin() as session:
        return await people.add(session, email=email, name="N", password_hash="x", now=NOW)


async def test_a_token_is_its_person_until_it_ends(database: Database) -> None:
    one = await person(database, "one@example.se")
    async with database.begin() as session:
        made = await issue(session, one.id, name="CI", now=NOW, origin=NOBODY, life=100)
    async with database.read() as session:
        assert await bearer(session, made.secret.text, NOW + 99) == (made.row, one)
        assert await bearer(session, made.secret.text, NOW + 100) is None
        assert await bearer(session, made.secret.text.lower(), NOW) is None
        assert await bearer(session, made.secret.text + "\x00", NOW) is None
        assert await bearer(session, make(Prefix.PERSONAL_TOKEN).text, NOW) is None
        stored = await personal_tokens.for_person(session, one.id)
    assert made.secret.text not in repr(stored)


async def test_a_revoked_token_is_nobody(database: Database) -> None:
    one, other = await person(database, "one@example.se"), await person(database, "other@example.se")
    async with database.begin() as session:
        made = await issue(session, one.id, name="CI", now=NOW, origin=NOBODY)
    with pytest.raises(NotFound):
        async with database.begin() as session:
            await revoke(session, other.id, made.row.id, now=NOW, origin=NOBODY)
    async with database.begin() as session:
        await revoke(session, one.id, made.row.id, now=NOW, origin=NOBODY)
        assert await bearer(session, made.secret.text, NOW) is None


@pytest.mark.parametrize(("life", "ends"), [(-5, 1), (0, 1), (60, 60), (10**12, LONGEST_LIFE)])
async def test_every_token_ends(sqlite_url: str, life: int, ends: int) -> None:
    database = Database(sqlite_url)
    one = await person(database, "one@example.se")
    async with database.begin() as session:
        made = await issue(session, one.id, name="CI", now=NOW, origin=NOBODY, life=life)
    assert made.row.expires_at == NOW + ends
    await database.close()

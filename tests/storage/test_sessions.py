"""Console sessions: found only while they live, ended on the server."""

from __future__ import annotations

import pytest

from storage import people, sessions
from storage.database import Database
from storage.errors import AlreadyExists, NotFound
from tests.storage.samples import NOW, person


async def test_a_session_is_found_until_it_expires(database: Database) -> None:
    async with database.begin() as session:
        who = await person(session, "a@b.example")
        made = await sessions.add(
            session, id_hash="h", person_id=who.id, csrf="c", expires_at=NOW + 10, now=NOW
        )
    async with database.read() as session:
        assert await sessions.find(session, "h", NOW + 9) == (made, who)
        assert await sessions.find(session, "h", NOW + 10) is None
        assert await sessions.find(session, "H", NOW) is None
    assert "'h'" not in repr(made)


async def test_signing_out_ends_one_or_all_sessions(database: Database) -> None:
    async with database.begin() as session:
        who, other = await person(session, "a@b.example"), await person(session, "c@b.example")
        for id_hash, owner in (("1", who), ("2", who), ("3", who), ("4", other)):
            await sessions.add(
                session, id_hash=id_hash, person_id=owner.id, csrf="c", expires_at=NOW + 10, now=NOW
            )
        await sessions.delete(session, "1")
        await sessions.delete(session, "unknown")
        assert await sessions.find(session, "1", NOW) is None
        assert await sessions.delete_for_person(session, who.id, but="2") == 1
        assert await sessions.find(session, "3", NOW) is None
        assert await sessions.find(session, "2", NOW) is not None
        assert await sessions.delete_for_person(session, who.id) == 1
        assert await sessions.find(session, "4", NOW) is not None


async def test_a_disabled_person_has_no_session(database: Database) -> None:
    async with database.begin() as session:
        who = await person(session, "a@b.example")
        await sessions.add(session, id_hash="h", person_id=who.id, csrf="c", expires_at=NOW + 10, now=NOW)
        await people.set_disabled(session, who.id, NOW)
        assert await sessions.find(session, "h", NOW) is None


async def test_expired_sessions_are_removed(database: Database) -> None:
    async with database.begin() as session:
        who = await person(session, "a@b.example")
        for id_hash, expires_at in (("old", NOW), ("new", NOW + 1)):
            await sessions.add(
                session, id_hash=id_hash, person_id=who.id, csrf="c", expires_at=expires_at, now=NOW - 10
            )
        assert await sessions.delete_expired(session, NOW) == 1
        assert await sessions.find(session, "new", NOW) is not None


async def test_a_session_needs_its_person_and_a_hash_of_its_own(database: Database) -> None:
    with pytest.raises(NotFound):
        async with database.begin() as session:
            await sessions.add(session, id_hash="h", person_id="per_0", csrf="c", expires_at=NOW, now=NOW)
    async with database.begin() as session:
        who = await person(session, "a@b.example")
        await sessions.add(session, id_hash="h", person_id=who.id, csrf="c", expires_at=NOW + 9, now=NOW)
    with pytest.raises(AlreadyExists):
        async with database.begin() as session:
            await sessions.add(session, id_hash="h", person_id=who.id, csrf="d", expires_at=NOW + 9, now=NOW)

"""People: one row per address."""

from __future__ import annotations

import pytest

from storage import people
from storage.database import Database
from storage.errors import AlreadyExists, InvalidValue, NotFound
from tests.storage.samples import NOW, person


async def test_a_person_is_found_by_address_in_any_case_and_by_id(database: Database) -> None:
    async with database.begin() as session:
        made = await people.add(
            session,
            email=" Åsa.Öberg@Region.Example ",
            name="Åsa",
            password_hash="h",
            operator=True,
            language="en",
            now=NOW,
        )
    async with database.read() as session:
        assert await people.by_email(session, "ÅSA.ÖBERG@region.example") == made
        assert await people.by_id(session, made.id) == made
        assert await people.by_email(session, "nobody@region.example") is None
        assert await people.by_id(session, "per_0") is None
    assert made.email == "åsa.öberg@region.example"
    assert made.operator is True
    assert made.language == "en"
    assert made.created_at == NOW
    assert made.disabled_at is None


async def test_an_address_is_taken_once_and_the_transaction_goes_on(database: Database) -> None:
    async with database.begin() as session:
        first = await person(session, "a@b.example")
        with pytest.raises(AlreadyExists):
            await person(session, "A@B.example")
        second = await person(session, "c@b.example")
    async with database.read() as session:
        assert await people.by_email(session, "a@b.example") == first
        assert await people.by_id(session, second.id) == second


async def test_password_language_and_disabling_change_one_person(database: Database) -> None:
    async with database.begin() as session:
        one, other = await person(session, "one@b.example"), await person(session, "other@b.example")
        await people.set_password(session, one.id, "new")
        await people.set_language(session, one.id, "en")
        disabled = await people.set_disabled(session, one.id, NOW)
        assert (disabled.password_hash, disabled.language, disabled.disabled_at) == ("new", "en", NOW)
        assert (await people.set_disabled(session, one.id, None)).disabled_at is None
        assert await people.by_id(session, other.id) == other
        for change in (people.set_password, people.set_language):
            with pytest.raises(NotFound):
                await change(session, "per_0", "x")
        with pytest.raises(NotFound):
            await people.set_disabled(session, "per_0", NOW)


async def test_a_hash_is_not_shown_by_accident(database: Database) -> None:
    async with database.begin() as session:
        assert "argon2id" not in repr(await person(session, "a@b.example"))


@pytest.mark.postgres
async def test_a_text_postgresql_cannot_hold_is_an_invalid_value(postgres_url: str) -> None:
    database = Database(postgres_url)
    with pytest.raises(InvalidValue) as refused:
        async with database.begin() as session:
            await person(session, "nul\0@b.example")
    assert "b.example" not in refused.value.detail
    await database.close()

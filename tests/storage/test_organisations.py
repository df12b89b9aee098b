"""Organisations and their members."""

from __future__ import annotations

import pytest

from storage import changes, organisations
from storage.database import Database
from storage.errors import AlreadyExists, NotFound
from tests.storage.samples import NOW, person, tenant, two_tenants


async def test_an_organisation_is_found_by_id_and_by_name(database: Database) -> None:
    us, them = await two_tenants(database)
    async with database.read() as session:
        assert await organisations.by_id(session, us.id) == us.organisation
        assert await organisations.by_name(session, " VI ") == us.organisation
        assert await organisations.by_id(session, "org_0") is None
        assert await organisations.by_name(session, "V") is None
        assert await organisations.all_of_them(session) == [them.organisation, us.organisation]


@pytest.mark.parametrize("taken", ["Ånga  ab", "ÅNGA AB", " Ånga AB ", "Ånga ＡＢ", "A\u030anga AB"])
async def test_a_name_that_looks_the_same_is_taken(database: Database, taken: str) -> None:
    await tenant(database, "Ånga AB")
    async with database.begin() as session:
        with pytest.raises(AlreadyExists):
            await organisations.add(session, name=taken, number="", type="research", now=NOW)


async def test_members_have_one_role_each(database: Database) -> None:
    us, them = await two_tenants(database)
    async with database.begin() as session:
        new = await person(session, "new@b.example")
        await organisations.add_member(session, us.id, new.id, "developer", NOW)
        with pytest.raises(AlreadyExists):
            await organisations.add_member(session, us.id, new.id, "owner", NOW)
        assert await organisations.role_of(session, us.id, new.id) == "developer"
        assert await organisations.role_of(session, them.id, new.id) is None
        members = await organisations.members(session, us.id)
        assert sorted(members, key=lambda it: it[1]) == [(new, "developer"), (us.person, "owner")]
        assert await organisations.for_person(session, new.id) == [(us.organisation, "developer")]
        await organisations.set_role(session, us.id, new.id, "admin")
        assert await organisations.role_of(session, us.id, new.id) == "admin"
        await organisations.remove_member(session, us.id, new.id)
        assert await organisations.for_person(session, new.id) == []
        assert await organisations.members(session, them.id) == [(them.person, "owner")]


async def test_membership_of_another_organisation_is_not_found(database: Database) -> None:
    us, them = await two_tenants(database)
    async with database.begin() as session:
        with pytest.raises(NotFound):
            await organisations.set_role(session, us.id, them.person.id, "owner")
        with pytest.raises(NotFound):
            await organisations.remove_member(session, us.id, them.person.id)
        assert await organisations.role_of(session, them.id, them.person.id) == "owner"
    with pytest.raises(NotFound):
        async with database.begin() as session:
            await organisations.add_member(session, "org_0", us.person.id, "owner", NOW)


async def test_disabling_is_seen_by_the_edge(database: Database) -> None:
    us = await tenant(database)
    async with database.begin() as session:
        before = await changes.current(session)
        assert (await organisations.set_disabled(session, us.id, NOW)).disabled_at == NOW
        assert await changes.current(session) == before + 1
        assert (await organisations.set_disabled(session, us.id, None)).disabled_at is None
        assert await changes.current(session) == before + 2
        with pytest.raises(NotFound):
            await organisations.set_disabled(session, "org_0", NOW)

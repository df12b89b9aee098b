"""Signing keys: published before and after they sign, one signing at a time."""

from __future__ import annotations

import asyncio
from itertools import product

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from storage import changes, signing_keys
from storage.database import Database
from storage.errors import AlreadyExists, NotFound, WrongState
from storage.signing_keys import SigningKey
from tests.storage.samples import NOW

STATES = ("next", "active", "retiring", "retired")
ALLOWED = {
    ("next", "next"),
    ("next", "active"),
    ("next", "retired"),
    ("active", "active"),
    ("active", "retiring"),
    ("retiring", "retiring"),
    ("retiring", "retired"),
    ("retired", "retired"),
}


async def add(session: AsyncSession, kid: str, state: str, now: int = NOW) -> SigningKey:
    return await signing_keys.add(
        session,
        kid=kid,
        algorithm="ES256",
        public_jwk='{"kty":"EC"}',
        private_encrypted=b"\x00\xffsealed",
        state=state,
        now=now,
    )


async def test_published_are_all_but_the_retired(database: Database) -> None:
    async with database.begin() as session:
        keys = [await add(session, state, state, NOW + n) for n, state in enumerate(STATES)]
    async with database.read() as session:
        assert await signing_keys.all_published(session) == keys[:3]
    assert keys[0].private_encrypted == b"\x00\xffsealed"
    assert "sealed" not in repr(keys[0])


@pytest.mark.parametrize(("old", "new"), list(product(STATES, STATES)))
async def test_every_step_of_the_life_cycle(database: Database, old: str, new: str) -> None:
    async with database.begin() as session:
        await add(session, "k", old)
        before = await changes.current(session)
        if (old, new) in ALLOWED:
            after = await signing_keys.set_state(session, "k", new, NOW + 1)
            assert (after.state, after.changed_at) == (new, NOW + 1)
            assert await changes.current(session) == before + 1
        else:
            with pytest.raises(WrongState):
                await signing_keys.set_state(session, "k", new, NOW + 1)
            assert await changes.current(session) == before


async def test_rotation_leaves_one_active_whichever_comes_first(database: Database) -> None:
    async with database.begin() as session:
        await add(session, "old", "active")
        await add(session, "new", "next")
        await signing_keys.set_state(session, "new", "active", NOW + 1)
        states = {key.kid: key.state for key in await signing_keys.all_published(session)}
        assert states == {"old": "retiring", "new": "active"}
        assert (await signing_keys.set_state(session, "old", "retiring", NOW + 2)).state == "retiring"


async def test_rotations_at_the_same_time_follow_each_other(database: Database) -> None:
    async with database.begin() as session:
        await add(session, "0", "active")
        for kid in "12345678":
            await add(session, kid, "next")

    async def activate(kid: str) -> None:
        async with database.begin() as session:
            await signing_keys.set_state(session, kid, "active", NOW + 1)

    await asyncio.gather(*(activate(kid) for kid in "12345678"))
    async with database.read() as session:
        states = [key.state for key in await signing_keys.all_published(session)]
    assert sorted(states) == ["active"] + ["retiring"] * 8


async def test_a_refused_activation_leaves_the_active_key(database: Database) -> None:
    async with database.begin() as session:
        await add(session, "active", "active")
        await add(session, "gone", "retired")
        for kid, error in (("gone", WrongState), ("unknown", NotFound)):
            with pytest.raises(error):
                await signing_keys.set_state(session, kid, "active", NOW)
        [active] = await signing_keys.all_published(session)
        assert (active.kid, active.state) == ("active", "active")


async def test_a_retired_key_can_sign_no_more(database: Database) -> None:
    async with database.begin() as session:
        await add(session, "k", "retiring")
        assert (await signing_keys.set_state(session, "k", "retired", NOW)).private_encrypted == b""


async def test_a_second_of_the_same_name_or_active_is_refused(database: Database) -> None:
    async with database.begin() as session:
        await add(session, "k", "active")
        for kid, state in (("k", "next"), ("other", "active")):
            with pytest.raises(AlreadyExists):
                await add(session, kid, state)
        with pytest.raises(WrongState):
            await add(session, "other", "resting")
        with pytest.raises(WrongState):
            await signing_keys.set_state(session, "k", "resting", NOW)

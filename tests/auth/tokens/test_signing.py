"""Signing keys: the table of their life, walked cell by cell, and their making."""

from __future__ import annotations

import asyncio
import json
from itertools import product

import pytest

from auth.errors import ForbiddenTransition, NoSigningKey, UnusableKey
from auth.tokens import signing
from auth.tokens.issue import Subject as About
from auth.tokens.issue import access_token_claims, sign
from auth.tokens.keys import VerificationKeys
from auth.tokens.signing import LEAD, TRANSITIONS, Event, State, chosen, generate, step, unlock
from storage import signing_keys
from storage.database import Database
from storage.signing_keys import SigningKey
from tests.auth.mint import ISSUER, NOW, authenticator
from tests.auth.platform import SYSTEM

MASTER = b"m" * 32


@pytest.mark.parametrize(("state", "event"), list(product(State, Event)))
def test_every_cell_of_the_table(state: State, event: Event) -> None:
    expected = {
        (State.NEXT, Event.ACTIVATE): State.ACTIVE,
        (State.NEXT, Event.WITHDRAW): State.RETIRED,
        (State.ACTIVE, Event.SUPERSEDE): State.RETIRING,
        (State.RETIRING, Event.EXPIRE): State.RETIRED,
        (State.RETIRING, Event.WITHDRAW): State.RETIRED,
    }.get((state, event))
    if expected is None:
        with pytest.raises(ForbiddenTransition):
            step(state, event)
    else:
        assert step(state, event) is expected


def test_every_step_of_the_table_is_one_storage_takes() -> None:
    for (before, _), after in TRANSITIONS.items():
        assert before in signing_keys.REACHED_FROM[after]


def row(kid: str, state: str, created: int, changed: int) -> SigningKey:
    return SigningKey(kid, "ES256", "{}", b"", state, created, changed)


@pytest.mark.parametrize(
    ("rows", "kid"),
    [
        ([row("a", "active", NOW - LEAD, NOW)], "a"),
        ([row("a", "active", NOW, NOW)], "a"),  # the very first key: there is no other
        ([row("n", "next", 0, 0), row("a", "active", 0, 0)], "a"),
        ([row("old", "retiring", 0, NOW), row("a", "active", NOW - LEAD + 1, NOW)], "old"),
        ([row("old", "retiring", 0, NOW), row("a", "active", NOW - LEAD, NOW)], "a"),
        (
            [
                row("older", "retiring", 0, NOW - 9),
                row("old", "retiring", 0, NOW),
                row("a", "active", NOW, NOW),
            ],
            "old",
        ),
        (
            [row("old", "retiring", 0, 0), row("new", "retiring", NOW, NOW), row("a", "active", NOW, NOW)],
            "old",
        ),
    ],
)
def test_which_key_signs(rows: list[SigningKey], kid: str) -> None:
    assert chosen(rows, NOW).kid == kid


@pytest.mark.parametrize("rows", [[], [row("n", "next", 0, 0)], [row("r", "retiring", 0, 0)]])
def test_without_an_active_key_nothing_is_signed(rows: list[SigningKey]) -> None:
    with pytest.raises(NoSigningKey):
        chosen(rows, NOW)


def test_a_made_key_signs_and_verifies() -> None:
    made = generate(MASTER)
    stored = SigningKey(made.kid, made.algorithm, made.public_jwk, made.private_encrypted, "active", NOW, NOW)
    signer = unlock(stored, MASTER)
    about = About("c", "c", "o", "a", "sandbox")
    claims = access_token_claims(about, {"b:x", "a:x"}, issuer=ISSUER, audience=ISSUER, token_id="j", now=NOW)
    principal = authenticator().authenticate(
        b"Bearer " + sign(claims, signer).encode(), VerificationKeys.from_rows([stored]), NOW
    )
    assert principal.scopes == {"a:x", "b:x"}
    assert claims["scope"] == "a:x b:x"
    assert "d" not in json.loads(made.public_jwk)
    assert json.loads(made.public_jwk)["x"].encode() not in made.private_encrypted
    assert repr(signer.key) not in repr(signer)
    assert "encrypted" not in repr(made)


def test_a_key_of_another_name_or_master_is_unusable() -> None:
    made = generate(MASTER)
    for kid, master in ((made.kid, b"x" * 32), ("another", MASTER)):
        stored = SigningKey(kid, made.algorithm, made.public_jwk, made.private_encrypted, "active", NOW, NOW)
        with pytest.raises(UnusableKey):
            unlock(stored, master)


def test_a_private_member_in_a_stored_key_is_not_published() -> None:
    """T32: the published members are listed, not the secret ones left out."""
    made = generate(MASTER)
    leaky = json.dumps({**json.loads(made.public_jwk), "d": "secret", "k": "secret", "p": "secret"})
    stored = SigningKey(made.kid, made.algorithm, leaky, b"", "active", NOW, NOW)
    assert "secret" not in json.dumps(signing.public_set([stored]))


async def states(database: Database) -> list[str]:
    async with database.read() as session:
        return sorted(one.state for one in await signing_keys.all_published(session))


async def ensure(database: Database) -> None:
    async with database.begin() as session:
        await signing.ensure(session, MASTER, NOW, SYSTEM)


async def test_ensure_makes_one_active_and_one_next_once(database: Database) -> None:
    for _ in range(3):
        await ensure(database)
        assert await states(database) == ["active", "next"]


async def test_parallel_starts_agree_on_one_active_key(database: Database) -> None:
    await asyncio.gather(*(ensure(database) for _ in range(5)))
    assert (await states(database)).count("active") == 1


async def test_parallel_rotations_leave_one_active_key(database: Database) -> None:
    await ensure(database)

    async def rotate() -> None:
        async with database.begin() as session:
            await signing.rotate(session, MASTER, NOW, SYSTEM)

    await asyncio.gather(*(rotate() for _ in range(3)), return_exceptions=True)
    held = await states(database)
    assert held.count("active") == 1
    assert held.count("next") >= 1
    await rotate()
    assert (await states(database)).count("active") == 1

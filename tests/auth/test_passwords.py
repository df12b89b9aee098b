"""Rules for passwords, and hashing them beside the loop (promise T34)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
from argon2 import PasswordHasher

from auth import errors
from auth.passwords import COMMON, SHORTEST, Passwords, check

EMAIL = "anna@example.se"


@pytest.fixture
async def passwords() -> AsyncIterator[Passwords]:
    made = Passwords()
    yield made
    made.close()


@pytest.mark.parametrize(
    "password",
    [
        "en bra lösenfras",
        "tolv-tecken!",
        "x" * 11 + "y",
        "åäöåäöåäöåäö",
        "日本語のパスワードです。。",
        "🔑🔒" * 6,
        "a" + "b" * 255,
    ],
)
def test_accepted(password: str) -> None:
    check(password, EMAIL)


@pytest.mark.parametrize(
    ("password", "expected"),
    [
        ("", errors.PasswordTooShort),
        ("elva tecken", errors.PasswordTooShort),
        ("a\u030a" * 11, errors.PasswordTooShort),  # eleven å, written as two characters each
        ("ab" * 128 + "c", errors.PasswordTooLong),
        ("x" * 100_000, errors.PasswordTooLong),
        ("aaaaaaaaaaaaaaaa", errors.PasswordTooCommon),
        ("AAAAaaaaAAAA", errors.PasswordTooCommon),
        ("Password1234", errors.PasswordTooCommon),
        ("lo\u0308senord1234", errors.PasswordTooCommon),
        ("LÖSENORD1234", errors.PasswordTooCommon),
        ("anna@example.se", errors.PasswordHoldsEmail),
        ("xx-ANNA@example.SE-1", errors.PasswordHoldsEmail),
    ],
)
def test_refused(password: str, expected: type[errors.WeakPassword]) -> None:
    with pytest.raises(expected):
        check(password, EMAIL)


def test_the_list_holds_what_the_length_lets_through() -> None:
    for one in COMMON:
        assert len(one) >= SHORTEST, one
        with pytest.raises(errors.PasswordTooCommon):
            check(one.upper(), "")


async def test_only_the_password_matches(passwords: Passwords) -> None:
    stored = await passwords.hash("en bra lösenfras")
    assert stored.startswith("$argon2id$v=19$m=47104,t=1,p=1$")
    assert await passwords.matches("en bra lösenfras", stored)
    assert await passwords.matches("en bra lo\u0308senfras", stored)
    for wrong in (
        "",
        "en bra losenfras",
        "En bra lösenfras",
        "en bra lösenfras ",
        "\x00",
        "\ud800",
        "x" * 10**6,
    ):
        assert not await passwords.matches(wrong, stored)
    assert not await passwords.matches("en bra lösenfras", "not a hash")


async def test_nobody_has_no_password(passwords: Passwords) -> None:
    assert not await passwords.matches("nobody has this password", None)


async def test_nobody_takes_as_long_as_somebody(passwords: Passwords) -> None:
    """No enumeration by time: the same work, so within a factor that noise explains."""
    stored = await passwords.hash("en bra lösenfras")

    async def fastest(against: str | None) -> float:
        times = []
        for _ in range(5):
            started = time.perf_counter()
            await passwords.matches("fel", against)
            times.append(time.perf_counter() - started)
        return min(times)

    somebody, nobody = await fastest(stored), await fastest(None)
    assert 0.5 < somebody / nobody < 2


async def test_the_loop_goes_on_meanwhile(passwords: Passwords) -> None:
    turns = 0
    hashing = asyncio.ensure_future(passwords.hash("en bra lösenfras"))
    while not hashing.done():
        await asyncio.sleep(0)
        turns += 1
    assert turns > 10


async def test_the_queue_is_bounded() -> None:
    cheap = Passwords(PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1))
    answers = await asyncio.gather(*(cheap.hash("x" * 12) for _ in range(200)), return_exceptions=True)
    refused = [one for one in answers if isinstance(one, errors.TooManyAttempts)]
    assert len(refused) == 200 - 64
    assert all(isinstance(one, str) for one in answers if one not in refused)
    assert await cheap.hash("x" * 12)
    cheap.close()


async def test_other_parameters_are_outdated(passwords: Passwords) -> None:
    old = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash("x")
    assert passwords.outdated(old)
    assert not passwords.outdated(await passwords.hash("x"))

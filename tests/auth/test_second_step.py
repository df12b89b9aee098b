"""The second step of a sign-in (promises T27, T34): once, in time, for whoever took the first."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pyotp
import pytest

from auth import errors
from auth.people import People, authentication_of
from auth.sign_in.second_step import MOST_TRIES
from auth.sign_in.visits import HALFWAY, Halfway, SignedIn
from storage import people as rows
from storage.audit import latest
from storage.database import Database
from storage.people import Person
from storage.proofs import recovery_codes
from tests.auth.mint import NOW
from tests.auth.test_people import EMAIL, HERE, MASTER_KEY, PASSWORD, acts, cheap, sign_up

KEY = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


@pytest.fixture
async def desk(database: Database) -> AsyncIterator[People]:
    made = People(database, cheap(), master_key=MASTER_KEY)
    yield made
    made.close()


def code(now: int = NOW) -> str:
    return pyotp.TOTP(KEY).at(now)


async def enrol(desk: People, database: Database, person: Person) -> list[str]:
    before = NOW - 3600
    async with database.begin() as session:
        await desk.factors.propose(session, person, before, KEY)
        return await desk.factors.confirm(session, person, code(before), before, HERE)


async def first_step(desk: People, now: int = NOW) -> str:
    half = await desk.sign_in(email=EMAIL, password=PASSWORD, now=now, origin=HERE)
    assert isinstance(half, Halfway)
    return half.sign_in_id


async def test_the_password_alone_is_half_a_sign_in(desk: People, database: Database) -> None:
    person = await sign_up(desk)
    await enrol(desk, database, person)
    half = await first_step(desk)
    assert await desk.find(half, NOW) is None, "half a sign-in opens nothing"
    waiting = await desk.second_step.waiting(half, NOW)
    assert waiting is not None
    assert waiting.id == person.id
    begun = await desk.second_step.finish(half, code(), NOW, HERE)
    assert begun.session_id != half
    assert await desk.find(half, NOW) is None
    found = await desk.find(begun.session_id, NOW)
    assert found is not None
    said = authentication_of(found[0])
    assert (said.amr, said.auth_time, said.multi_factor) == (("pwd", "otp", "mfa"), NOW, True)
    assert said.acr == "https://refeds.org/profile/mfa"
    assert [act for act, _, _ in await acts(database)][:2] == ["person.sign_in", "person.first_factor"]


async def test_without_a_second_factor_the_session_says_so(desk: People) -> None:
    await sign_up(desk)
    begun = await desk.sign_in(email=EMAIL, password=PASSWORD, now=NOW, origin=HERE)
    assert isinstance(begun, SignedIn)
    said = authentication_of(begun.session)
    assert (said.amr, said.multi_factor, said.acr) == (("pwd",), False, "https://refeds.org/profile/sfa")


async def test_a_proposal_counts_for_nothing(desk: People, database: Database) -> None:
    person = await sign_up(desk)
    async with database.begin() as session:
        await desk.factors.propose(session, person, NOW)
        assert not await desk.factors.enrolled(session, person.id)
    assert isinstance(await desk.sign_in(email=EMAIL, password=PASSWORD, now=NOW, origin=HERE), SignedIn)


async def test_a_code_works_once_and_not_even_twice_at_once(desk: People, database: Database) -> None:
    await enrol(desk, database, await sign_up(desk))
    halves = [await first_step(desk) for _ in range(4)]
    tries = (desk.second_step.finish(half, code(), NOW, HERE) for half in halves)
    answers = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(one, SignedIn) for one in answers) == 1
    assert sum(isinstance(one, errors.CodeRefused) for one in answers) == 3


async def test_half_a_sign_in_becomes_one_session(desk: People, database: Database) -> None:
    """Two right codes at once, by recovery code and by app."""
    codes = await enrol(desk, database, await sign_up(desk))
    half = await first_step(desk)
    tries = (desk.second_step.finish(half, shown, NOW, HERE) for shown in (code(), codes[0]))
    answers = await asyncio.gather(*tries, return_exceptions=True)
    assert [type(one) for one in answers if isinstance(one, Exception)] == [errors.SignInOver]


async def test_a_recovery_code_works_once(desk: People, database: Database) -> None:
    person = await sign_up(desk)
    codes = await enrol(desk, database, person)
    await desk.second_step.finish(await first_step(desk), codes[3].upper(), NOW, HERE)
    with pytest.raises(errors.CodeRefused):
        await desk.second_step.finish(await first_step(desk), codes[3], NOW, HERE)
    async with database.read() as session:
        assert await recovery_codes.left(session, person.id) == len(codes) - 1


async def test_another_persons_codes_are_wrong_codes(desk: People, database: Database) -> None:
    await enrol(desk, database, await sign_up(desk))
    other = await sign_up(desk, email="b@example.se")
    async with database.begin() as session:
        await desk.factors.propose(session, other, NOW, "A" * 32)
        theirs = await desk.factors.confirm(session, other, pyotp.TOTP("A" * 32).at(NOW), NOW, HERE)
    half = await first_step(desk)
    for shown in (pyotp.TOTP("A" * 32).at(NOW + 30), theirs[0]):
        with pytest.raises(errors.CodeRefused):
            await desk.second_step.finish(half, shown, NOW, HERE)


async def test_wrong_codes_end_the_sign_in(desk: People, database: Database) -> None:
    await enrol(desk, database, await sign_up(desk))
    half = await first_step(desk)
    for number in range(MOST_TRIES):
        expected = errors.SignInOver if number == MOST_TRIES - 1 else errors.CodeRefused
        with pytest.raises(expected):
            await desk.second_step.finish(half, "000000", NOW, HERE)
    with pytest.raises(errors.SignInOver):
        await desk.second_step.finish(half, code(), NOW, HERE)
    assert [act for act, _, _ in await acts(database)].count("person.second_factor_refused") == MOST_TRIES


async def test_starting_over_gives_no_more_tries(desk: People, database: Database) -> None:
    await enrol(desk, database, await sign_up(desk))
    halves = [await first_step(desk) for _ in range(4)]
    said = []
    for half in halves:
        for _ in range(MOST_TRIES):
            with pytest.raises(errors.PersonError) as caught:
                await desk.second_step.finish(half, "000000", NOW, HERE)
            said.append(caught.type)
    assert said[:9].count(errors.CodeRefused) == 8
    assert said[10:].count(errors.TooManyAttempts) == 10
    with pytest.raises(errors.TooManyAttempts):
        await first_step(desk)


@pytest.mark.parametrize("shown", ["", "\x00", "\ud800", "٠٠٠٠٠٠", "x" * 100_000, "-" * 40])
async def test_hostile_codes_are_wrong_codes(desk: People, database: Database, shown: str) -> None:
    await enrol(desk, database, await sign_up(desk))
    with pytest.raises(errors.CodeRefused):
        await desk.second_step.finish(await first_step(desk), shown, NOW, HERE)


async def test_it_ends_by_itself_and_with_the_account(desk: People, database: Database) -> None:
    person = await sign_up(desk)
    await enrol(desk, database, person)
    half = await first_step(desk)
    with pytest.raises(errors.SignInOver):
        await desk.second_step.finish(half, code(NOW + HALFWAY), NOW + HALFWAY, HERE)
    async with database.begin() as session:
        await rows.set_disabled(session, person.id, NOW)
    with pytest.raises(errors.SignInOver):
        await desk.second_step.finish(half, code(), NOW, HERE)
    await desk.second_step.give_up(half)


async def test_a_new_password_ends_half_a_sign_in_by_the_old_one(desk: People, database: Database) -> None:
    person = await sign_up(desk)
    await enrol(desk, database, person)
    half = await first_step(desk)
    await desk.change_password(person, old=PASSWORD, new=PASSWORD + "!", now=NOW, origin=HERE)
    with pytest.raises(errors.SignInOver):
        await desk.second_step.finish(half, code(), NOW, HERE)


async def test_enrolling_strengthens_this_session_and_ends_the_others(
    desk: People, database: Database
) -> None:
    """T27: the session id changes with what the session may do; those begun with a password alone end."""
    person = await sign_up(desk)
    mine, other = [await desk.sign_in(email=EMAIL, password=PASSWORD, now=NOW, origin=HERE) for _ in range(2)]
    assert isinstance(mine, SignedIn)
    assert isinstance(other, SignedIn)
    await enrol(desk, database, person)
    async with database.begin() as session:
        strong = await desk.factors.strengthen(session, mine.session, person, NOW + 60, HERE)
    assert await desk.find(mine.session_id, NOW) is None
    assert await desk.find(other.session_id, NOW) is None
    found = await desk.find(strong.session_id, NOW)
    assert found is not None
    assert authentication_of(found[0]).multi_factor
    assert found[0].created_at == NOW, "the absolute end does not move"


async def test_the_key_of_the_codes_is_sealed_and_nothing_is_in_the_log(
    desk: People, database: Database
) -> None:
    person = await sign_up(desk)
    codes = await enrol(desk, database, person)
    async with database.read() as session:
        text = repr(await latest(session))
    assert KEY not in text
    assert all(one not in text for one in codes)
    elsewhere = People(database, cheap(), master_key=b"x" * 32)
    half = await first_step(desk)
    with pytest.raises(errors.CodeRefused):
        await elsewhere.second_step.finish(half, code(), NOW, HERE)
    elsewhere.close()
    # Who has lost the master key still gets in with a recovery code.
    await desk.second_step.finish(half, codes[0], NOW, HERE)


async def test_without_a_second_factor_recovery_codes_open_nothing(desk: People, database: Database) -> None:
    person = await sign_up(desk)
    await enrol(desk, database, person)
    async with database.begin() as session:
        await desk.factors.remove_codes(session, person, NOW, HERE)
        assert await recovery_codes.left(session, person.id) == 0

"""Passkeys (WebAuthn Level 3, 7.1 and 7.2): each answer once, in time, for whom the question was asked."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from webauthn.helpers import bytes_to_base64url as b64

from auth import errors
from auth.factors.passkeys import LIFE, Passkeys
from auth.people import People, authentication_of
from auth.sign_in.passkey_sign_in import PasskeySignIn
from auth.sign_in.visits import Halfway, SignedIn
from storage import people as rows
from storage.database import Database
from storage.people import Person
from storage.proofs import passkeys as passkey_rows
from tests.auth.factors.authenticator import Authenticator
from tests.auth.mint import NOW
from tests.auth.test_people import EMAIL, HERE, MASTER_KEY, PASSWORD, cheap, sign_up

ISSUER = "http://localhost:8080"


@dataclass
class Place:
    database: Database
    people: People
    passkeys: Passkeys
    entrance: PasskeySignIn
    person: Person
    key: Authenticator

    async def ask_to_register(self, person: Person | None = None) -> str:
        async with self.database.begin() as session:
            return await self.passkeys.registration(session, person or self.person, NOW)

    async def register(self, answer: str, person: Person | None = None, now: int = NOW) -> None:
        async with self.database.begin() as session:
            await self.passkeys.register(session, person or self.person, answer, "Telefonen", now, HERE)

    async def enter(self, answer: str, browser: str = "b", now: int = NOW) -> SignedIn:
        return await self.entrance.sign_in(browser, answer, now, HERE, None)


@pytest.fixture
async def bare(database: Database) -> AsyncIterator[Place]:
    people = People(database, cheap(), master_key=MASTER_KEY)
    passkeys = Passkeys(ISSUER)
    person = await sign_up(people)
    yield Place(database, people, passkeys, PasskeySignIn(database, passkeys), person, Authenticator(ISSUER))
    people.close()


@pytest.fixture
async def place(bare: Place) -> Place:
    await bare.register(bare.key.create(await bare.ask_to_register()))
    return bare


async def test_a_passkey_alone_is_two_factors(place: Place) -> None:
    begun = await place.enter(place.key.get(await place.entrance.question("b", NOW, HERE)))
    assert begun.person.id == place.person.id
    said = authentication_of(begun.session)
    assert said.multi_factor
    assert said.amr == ("swk", "user", "mfa")


async def test_a_passkey_after_the_password(place: Place) -> None:
    place.key.verified = False  # possession is enough here
    half = await place.people.sign_in(email=EMAIL, password=PASSWORD, now=NOW, origin=HERE)
    assert isinstance(half, Halfway)
    question = await place.entrance.second_question(half.sign_in_id, NOW, HERE)
    assert b64(place.key.id) in question
    begun = await place.entrance.second_step(half.sign_in_id, place.key.get(question), NOW, HERE)
    assert authentication_of(begun.session).amr == ("pwd", "swk", "mfa")
    with pytest.raises(errors.SignInOver):
        await place.entrance.second_question(half.sign_in_id, NOW, HERE)


async def test_alone_it_must_have_verified_the_person(place: Place) -> None:
    place.key.verified = False
    with pytest.raises(errors.PasskeyRefused):
        await place.enter(place.key.get(await place.entrance.question("b", NOW, HERE)))


async def test_an_answer_works_once(place: Place) -> None:
    answer = place.key.get(await place.entrance.question("b", NOW, HERE))
    answers = await asyncio.gather(*(place.enter(answer) for _ in range(4)), return_exceptions=True)
    assert sum(isinstance(one, SignedIn) for one in answers) == 1
    assert sum(isinstance(one, errors.PasskeyRefused) for one in answers) == 3


async def test_an_answer_from_another_browser_or_too_late(place: Place) -> None:
    answer = place.key.get(await place.entrance.question("b", NOW, HERE))
    with pytest.raises(errors.PasskeyRefused):
        await place.enter(answer, browser="c")
    late = place.key.get(await place.entrance.question("b", NOW, HERE))
    with pytest.raises(errors.PasskeyRefused):
        await place.enter(late, now=NOW + LIFE)


async def test_a_question_of_one_kind_is_not_answered_by_another(place: Place) -> None:
    """A registration's challenge must not sign anybody in, nor another sign-in's."""
    with pytest.raises(errors.PasskeyRefused):
        await place.enter(place.key.get(await place.ask_to_register()))
    half = await place.people.sign_in(email=EMAIL, password=PASSWORD, now=NOW, origin=HERE)
    assert isinstance(half, Halfway)
    answer = place.key.get(await place.entrance.question("b", NOW, HERE))
    with pytest.raises(errors.PasskeyRefused):
        await place.entrance.second_step(half.sign_in_id, answer, NOW, HERE)


@pytest.mark.parametrize("wrong", ["origin", "host", "key", "count"])
async def test_a_forged_answer(place: Place, wrong: str) -> None:
    if wrong == "origin":
        place.key.origin = "https://evil.example"
    elif wrong == "host":
        place.key.host = "evil.example"
    elif wrong == "key":
        place.key.key = Authenticator(ISSUER).key
    else:
        await place.enter(place.key.get(await place.entrance.question("b", NOW, HERE)))
        place.key.count = 0  # a copied authenticator
    with pytest.raises(errors.PasskeyRefused):
        await place.enter(place.key.get(await place.entrance.question("b", NOW, HERE)))


async def test_another_persons_passkey_is_no_second_step(place: Place) -> None:
    other = await sign_up(place.people, email="b@example.se")
    theirs = Authenticator(ISSUER)
    await place.register(theirs.create(await place.ask_to_register(other)), other)
    half = await place.people.sign_in(email=EMAIL, password=PASSWORD, now=NOW, origin=HERE)
    assert isinstance(half, Halfway)
    question = await place.entrance.second_question(half.sign_in_id, NOW, HERE)
    with pytest.raises(errors.PasskeyRefused):
        await place.entrance.second_step(half.sign_in_id, theirs.get(question), NOW, HERE)


async def test_a_registration_is_for_the_person_who_asked(bare: Place) -> None:
    other = await sign_up(bare.people, email="b@example.se")
    answer = bare.key.create(await bare.ask_to_register())
    with pytest.raises(errors.PasskeyRefused):
        await bare.register(answer, other)
    await bare.register(bare.key.create(await bare.ask_to_register()))
    with pytest.raises(errors.FactorInUse):
        await bare.register(bare.key.create(await bare.ask_to_register(other)), other)


async def test_a_closed_account(place: Place) -> None:
    async with place.database.begin() as session:
        await rows.set_disabled(session, place.person.id, NOW)
    with pytest.raises(errors.SignInRefused):
        await place.enter(place.key.get(await place.entrance.question("b", NOW, HERE)))


async def test_a_removed_passkey_signs_nobody_in(place: Place) -> None:
    async with place.database.begin() as session:
        held = await passkey_rows.for_person(session, place.person.id)
        await place.passkeys.remove(session, place.person, held[0].id, NOW, HERE)
    with pytest.raises(errors.PasskeyRefused):
        await place.enter(place.key.get(await place.entrance.question("b", NOW, HERE)))


@pytest.mark.parametrize(
    "hostile",
    ["", "null", "[]", "{}", "1", '"x"', "[" * 20_000, "x" * 100_000, '{"response": null}',
     '{"response": {"clientDataJSON": 1}}', '{"response": {"clientDataJSON": "\\u00e5"}}',
     '{"response": {"clientDataJSON": "bnVsbA"}}', '{"response": {"clientDataJSON": "eyJjaGFsbGVuZ2UiOiAxfQ"}}'],
)  # fmt: skip
async def test_an_answer_that_is_none(place: Place, hostile: str) -> None:
    with pytest.raises(errors.PasskeyRefused):
        await place.enter(hostile)
    with pytest.raises(errors.PasskeyRefused):
        await place.register(hostile)


@pytest.mark.parametrize(
    "changed",
    [{"id": 1}, {"id": "\x00"}, {"id": "å"}, {"rawId": "AA"}, {"type": "x"}, {"response": {}}, {"id": None}],
)
async def test_an_answer_with_one_part_wrong(place: Place, changed: dict[str, object]) -> None:
    question = await place.entrance.question("b", NOW, HERE)
    with pytest.raises(errors.PasskeyRefused):
        await place.enter(place.key.get(question, **changed))


@pytest.mark.parametrize("attestation", ["", "AA", "oA", b64(b"\xbf" * 4000), b64(b"\x9f" * 5000)])
async def test_an_attestation_that_is_none(bare: Place, attestation: str) -> None:
    answer = json.loads(bare.key.create(await bare.ask_to_register()))
    answer["response"]["attestationObject"] = attestation
    with pytest.raises(errors.PasskeyRefused):
        await bare.register(json.dumps(answer))

"""Accounts and sessions (promises T26, T27, T34, P5)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from argon2 import PasswordHasher

from auth import errors
from auth.credentials.secrets import hash_of
from auth.origin import Origin
from auth.passwords import Passwords
from auth.people import PER_ACCOUNT, PER_ADDRESS, SIGN_UPS, People, acceptable_email
from auth.sign_in.visits import ABSOLUTE, IDLE, SignedIn
from storage import people as rows
from storage import sessions
from storage.audit import latest
from storage.database import Database
from storage.people import Person
from tests.auth.mint import NOW

MASTER_KEY = b"k" * 32
EMAIL, PASSWORD = "anna@example.se", "en bra lösenfras"
HERE = Origin("nobody", "", ip="192.0.2.1", request_id="r-1")


def cheap() -> Passwords:
    """The same code with little memory: these tests are about what surrounds the hash."""
    return Passwords(PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1))


@pytest.fixture
async def desk(database: Database) -> AsyncIterator[People]:
    made = People(database, cheap(), master_key=MASTER_KEY)
    yield made
    made.close()


async def sign_up(desk: People, email: str = EMAIL, ip: str = "192.0.2.1") -> Person:
    return await desk.sign_up(
        email=email, name="Anna", password=PASSWORD, now=NOW, origin=Origin("nobody", "", ip=ip)
    )


async def sign_in(
    desk: People, password: str = PASSWORD, *, email: str = EMAIL, now: int = NOW, ip: str = "192.0.2.1"
) -> SignedIn:
    begun = await desk.sign_in(email=email, password=password, now=now, origin=Origin("nobody", "", ip=ip))
    assert isinstance(begun, SignedIn)
    return begun


async def acts(database: Database) -> list[tuple[str, str, str]]:
    async with database.read() as session:
        return [(one.act, one.actor_kind, one.object_id) for one in await latest(session)]


async def test_sign_up_and_in(desk: People, database: Database) -> None:
    person = await sign_up(desk, email=" Anna@Example.SE ")
    assert person.email == EMAIL
    assert PASSWORD not in person.password_hash
    begun = await sign_in(desk, email="ANNA@example.se")
    found = await desk.find(begun.session_id, NOW)
    assert found == (begun.session, person)
    assert await acts(database) == [
        ("person.sign_in", "person", person.id),
        ("person.sign_up", "person", person.id),
    ]


@pytest.mark.parametrize(
    "email",
    ["", "anna", "@example.se", "anna@", "a b@example.se", "a@b@c", "anna@exa mple.se", "anna@example..se",
     "anna@example.se\n", "a\x00@example.se", "a\r\nBcc: x@y.z", "ån@example.se", "anna@exämple.se", "\ud800@x.se",
     "<a@b.se>", "a" * 65 + "@example.se", "a@" + "b" * 64 + ".se", "a@" + "b." * 150 + "se"],
)  # fmt: skip
def test_an_address_that_something_would_have_to_escape(email: str) -> None:
    if email == "anna@example.se\n":
        assert acceptable_email(email) == EMAIL  # white space around it is a typing error
        return
    with pytest.raises(errors.UnacceptableEmail):
        acceptable_email(email)


async def test_an_address_is_one_account(desk: People) -> None:
    answers = await asyncio.gather(*(sign_up(desk) for _ in range(4)), return_exceptions=True)
    assert sum(isinstance(one, Person) for one in answers) == 1
    assert sum(isinstance(one, errors.EmailTaken) for one in answers) == 3


async def test_a_weak_password_makes_no_account(desk: People, database: Database) -> None:
    with pytest.raises(errors.PasswordTooShort):
        await desk.sign_up(email=EMAIL, name="A", password="kort", now=NOW, origin=HERE)
    async with database.read() as session:
        assert await rows.by_email(session, EMAIL) is None


async def test_one_answer_for_wrong_unknown_and_disabled(desk: People, database: Database) -> None:
    await sign_up(desk)
    gone = await sign_up(desk, email="gone@example.se")
    async with database.begin() as session:
        await rows.set_disabled(session, gone.id, NOW)
    said = set()
    for email, password in (
        (EMAIL, "fel lösenord!"), (EMAIL, ""), (EMAIL, "\ud800"), (EMAIL, PASSWORD.upper()),
        ("nobody@example.se", PASSWORD),
        ("gone@example.se", PASSWORD), ("", ""), ("\x00", "\x00"), ("' OR 1=1 --", PASSWORD), ("\ud800", PASSWORD),
        ("x" * 5000, PASSWORD),
    ):  # fmt: skip
        with pytest.raises(errors.SignInRefused) as caught:
            await sign_in(desk, password, email=email)
        said.add((caught.value.code, str(caught.value), caught.value.detail))
    assert len(said) == 1


async def test_a_refusal_is_recorded_without_what_was_typed(desk: People, database: Database) -> None:
    person = await sign_up(desk)
    for email in (EMAIL, "my-password@typed-in-the.wrong-field"):
        with pytest.raises(errors.SignInRefused):
            await sign_in(desk, "hemligt hemligt", email=email)
    assert (await acts(database))[:2] == [
        ("person.sign_in_refused", "nobody", ""),
        ("person.sign_in_refused", "nobody", person.id),
    ]
    async with database.read() as session:
        text = repr(await latest(session))
    assert "hemligt" not in text
    assert "wrong-field" not in text


@pytest.mark.parametrize("email", [EMAIL, "nobody@example.se"])
async def test_tries_per_account_are_limited_from_everywhere(desk: People, email: str) -> None:
    await sign_up(desk)
    for number in range(PER_ACCOUNT.tries):
        with pytest.raises(errors.SignInRefused):
            await sign_in(desk, "fel lösenord!", email=email, ip=f"192.0.2.{number}")
    with pytest.raises(errors.TooManyAttempts) as caught:
        await sign_in(desk, email=email, ip="198.51.100.1")
    assert 0 < caught.value.retry_after <= PER_ACCOUNT.seconds
    if email == EMAIL:
        await sign_in(desk, now=NOW + PER_ACCOUNT.seconds)


async def test_tries_at_once_are_all_counted(desk: People) -> None:
    """A race gains nothing: a try is counted before its hash is computed."""
    await sign_up(desk)
    tries = (sign_in(desk, f"fel lösenord {number}") for number in range(30))
    answers = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(one, errors.SignInRefused) for one in answers) == PER_ACCOUNT.tries
    assert sum(isinstance(one, errors.TooManyAttempts) for one in answers) == 30 - PER_ACCOUNT.tries


async def test_tries_per_address_are_limited_over_accounts(desk: People) -> None:
    for number in range(PER_ADDRESS.tries):
        with pytest.raises(errors.SignInRefused):
            await sign_in(desk, email=f"a{number}@example.se")
    with pytest.raises(errors.TooManyAttempts):
        await sign_in(desk, email="another@example.se")


async def test_genuine_sign_ins_are_not_counted(desk: People) -> None:
    await sign_up(desk)
    for _ in range(PER_ACCOUNT.tries + 3):
        await sign_in(desk)


async def test_sign_ups_per_address_are_limited(database: Database) -> None:
    desk = People(database, cheap(), master_key=MASTER_KEY, sign_ups=type(SIGN_UPS)(tries=2, seconds=60))
    for number in range(2):
        await sign_up(desk, email=f"a{number}@example.se")
    with pytest.raises(errors.TooManyAttempts):
        await sign_up(desk, email="a3@example.se")
    await sign_up(desk, email="a4@example.se", ip="192.0.2.2")
    desk.close()


async def test_the_session_id_is_new_at_every_sign_in(desk: People) -> None:
    """T27: an id planted in the browser before sign-in is worth nothing after it."""
    await sign_up(desk)
    first = await sign_in(desk)
    second = await desk.sign_in(
        email=EMAIL, password=PASSWORD, now=NOW, origin=HERE, previous=first.session_id
    )
    assert isinstance(second, SignedIn)
    assert first.session_id != second.session_id
    assert first.session.csrf != second.session.csrf
    assert len(second.session_id) == 43
    assert await desk.find(first.session_id, NOW) is None
    assert await desk.find(second.session_id, NOW) is not None


async def test_only_the_hash_of_the_id_is_stored(desk: People, database: Database) -> None:
    await sign_up(desk)
    begun = await sign_in(desk)
    assert begun.session.id_hash == hash_of(begun.session_id)
    assert begun.session_id not in repr(begun)
    assert await desk.find(begun.session.id_hash, NOW) is None
    async with database.read() as session:
        assert await sessions.find(session, begun.session_id, NOW) is None


@pytest.mark.parametrize("session_id", ["", "x", "x" * 43, "\x00" * 43, "å" * 43, "x" * 10_000])
async def test_an_unknown_id_is_nobody(desk: People, session_id: str) -> None:
    assert await desk.find(session_id, NOW) is None


async def test_sign_out_ends_it_on_the_server(desk: People, database: Database) -> None:
    await sign_up(desk)
    begun, other = await sign_in(desk), await sign_in(desk)
    await desk.sign_out(begun.session_id, NOW, HERE)
    await desk.sign_out(begun.session_id, NOW, HERE)
    await desk.sign_out("unknown", NOW, HERE)
    assert await desk.find(begun.session_id, NOW) is None
    assert await desk.find(other.session_id, NOW) is not None
    assert [act for act, _, _ in await acts(database)].count("person.sign_out") == 1


async def test_an_idle_session_ends(desk: People) -> None:
    await sign_up(desk)
    begun = await sign_in(desk)
    assert await desk.find(begun.session_id, NOW + IDLE) is None


async def test_use_prolongs_a_session_up_to_its_absolute_end(desk: People) -> None:
    await sign_up(desk)
    begun = await sign_in(desk)
    now = NOW
    while now + IDLE < NOW + ABSOLUTE:
        now += IDLE // 2
        found = await desk.find(begun.session_id, now)
        assert found is not None
        assert found[0].csrf == begun.session.csrf  # open forms go on working
        assert found[0].created_at == NOW
        assert found[0].expires_at <= NOW + ABSOLUTE
    assert await desk.find(begun.session_id, NOW + ABSOLUTE - 1) is not None
    assert await desk.find(begun.session_id, NOW + ABSOLUTE) is None


async def test_a_session_that_ends_while_it_is_prolonged_stays_ended(desk: People) -> None:
    await sign_up(desk)
    for _ in range(5):
        begun = await sign_in(desk)
        later = NOW + IDLE // 2
        await asyncio.gather(
            *(desk.find(begun.session_id, later) for _ in range(4)),
            desk.sign_out(begun.session_id, later, HERE),
            *(desk.find(begun.session_id, later) for _ in range(4)),
        )
        assert await desk.find(begun.session_id, later) is None


async def test_a_new_password_ends_every_other_session(desk: People, database: Database) -> None:
    person = await sign_up(desk)
    mine, other = await sign_in(desk), await sign_in(desk)
    new = "en annan lösenfras"
    with pytest.raises(errors.SignInRefused):
        await desk.change_password(person, old="fel lösenord!", new=new, now=NOW, origin=HERE)
    with pytest.raises(errors.PasswordTooShort):
        await desk.change_password(person, old=PASSWORD, new="kort", now=NOW, origin=HERE)
    await desk.change_password(person, old=PASSWORD, new=new, now=NOW, origin=HERE, keep=mine.session_id)
    assert await desk.find(mine.session_id, NOW) is not None
    assert await desk.find(other.session_id, NOW) is None
    with pytest.raises(errors.SignInRefused):
        await sign_in(desk)
    await sign_in(desk, new)
    assert "person.change_password" in [act for act, _, _ in await acts(database)]


async def test_a_disabled_person_has_no_session(desk: People, database: Database) -> None:
    """T14, Z10."""
    person = await sign_up(desk)
    begun = await sign_in(desk)
    async with database.begin() as session:
        await rows.set_disabled(session, person.id, NOW)
    assert await desk.find(begun.session_id, NOW) is None


class Meanwhile(Passwords):
    """Something happens while a hash is computed."""

    def __init__(self, happens: Callable[[], Awaitable[object]]) -> None:
        super().__init__(PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1))
        self._happens = happens

    async def matches(self, password: str, stored: str | None) -> bool:
        await self._happens()
        return await super().matches(password, stored)


async def test_an_account_disabled_during_sign_in_gets_no_session(database: Database) -> None:
    async def disable() -> None:
        async with database.begin() as session:
            await rows.set_disabled(session, person.id, NOW)

    desk = People(database, Meanwhile(disable), master_key=MASTER_KEY)
    person = await sign_up(desk)
    with pytest.raises(errors.SignInRefused):
        await sign_in(desk)
    desk.close()


async def test_an_old_hash_is_renewed_at_sign_in(database: Database) -> None:
    weak = People(database, cheap(), master_key=MASTER_KEY)
    before = await sign_up(weak)
    weak.close()
    strong = People(database, master_key=MASTER_KEY)
    begun = await sign_in(strong)
    strong.close()
    assert begun.person.password_hash != before.password_hash
    assert "m=47104" in begun.person.password_hash

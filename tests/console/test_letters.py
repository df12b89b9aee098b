"""Forgotten passwords and invitations: links by letter, used once, told to nobody else (promises T34, Z10, Z11, P1)."""

from __future__ import annotations

import re
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest

from auth.sign_in.password_links import LIFE, PER_ACCOUNT
from console.letters.post import FolderOutbox, Letter, message_of
from console.services.people.invitations import DAYS
from storage import people as rows
from storage.audit import latest
from tests.console.browser import Browser, Shown
from tests.console.callers import PASSWORD, Console, Program

EMAIL, OTHER = "astrid@example.org", "berit@example.org"
NEW = "ett nytt långt lösenord"
LINK = re.compile(r"http://localhost:8080(/console/\S+)")


async def letters(console: Console) -> list[Letter]:
    """All that have been sent, once nothing more is under way."""
    await console.post.settled()
    return console.outbox.letters


async def link(console: Console) -> str:
    found = LINK.findall((await letters(console))[-1].text)
    assert len(found) == 1
    return str(found[0])


async def ask(console: Console, email: str = EMAIL) -> Shown:
    browser = console.browser()
    page = await browser.get("/console/sign-in")
    page = await browser.get(next(each for each in page.reader.links if "forgotten" in each))
    return await browser.submit(page, "/forgotten", {"email": email})


async def test_a_forgotten_password(console: Console) -> None:
    await console.person(EMAIL)
    before = console.browser()
    await before.sign_in(EMAIL, PASSWORD)
    await ask(console)
    address = await link(console)
    browser = console.browser()
    page = await browser.get(address)
    assert EMAIL in page.answer.text
    page = await browser.submit(page, "/new-password", {"password": "kort"})
    assert page.status == 400
    page = await browser.submit(page, "/new-password", {"password": NEW})
    assert "Lösenordet är valt" in page.text
    assert (await before.client.get("/console/")).status_code == 303, "every session has ended"
    assert (await console.browser().sign_in(EMAIL, PASSWORD)).status == 401
    assert (await console.browser().sign_in(EMAIL, NEW)).path == "/console/"
    assert (await browser.get(address)).path == "/console/forgotten", "the link works once"


async def test_opening_the_link_does_not_use_it_up(console: Console) -> None:
    await console.person(EMAIL)
    await ask(console)
    address = await link(console)
    for _ in range(3):
        assert (await console.browser().get(address)).status == 200
    console.clock.at += LIFE
    assert (await console.browser().get(address)).path == "/console/forgotten"


async def test_a_new_link_ends_the_one_before(console: Console) -> None:
    await console.person(EMAIL)
    await ask(console)
    first = await link(console)
    await ask(console)
    assert await link(console) != first
    assert (await console.browser().get(first)).path == "/console/forgotten"


async def test_nobody_learns_which_addresses_have_accounts(console: Console) -> None:
    """The same answer, before any of the work that could differ in time has begun."""
    await console.person(EMAIL)
    gone = await console.person("gone@example.org")
    async with console.database.begin() as session:
        await rows.set_disabled(session, gone.person_id, console.clock.now())
    pages = [await ask(console, email) for email in (EMAIL, "gone@example.org", "nobody@example.org")]
    assert {(page.status, page.path, page.text) for page in pages} == {
        (200, "/console/sign-in", pages[0].text)
    }
    assert [letter.to for letter in await letters(console)] == [EMAIL]


async def test_a_mail_box_is_not_filled(console: Console) -> None:
    await console.person(EMAIL)
    for _ in range(PER_ACCOUNT.tries + 3):
        assert (await ask(console)).path == "/console/sign-in"
    assert len(await letters(console)) == PER_ACCOUNT.tries


async def test_the_second_step_remains(console: Console) -> None:
    await console.person("drift@example.org", operator=True)
    await ask(console, "drift@example.org")
    browser = console.browser()
    page = await browser.get(await link(console))
    await browser.submit(page, "/new-password", {"password": NEW})
    page = await browser.get("/console/sign-in")
    page = await browser.submit(page, "/sign-in", {"email": "drift@example.org", "password": NEW})
    assert page.path == "/console/sign-in/code"


@pytest.mark.parametrize("token", ["", "x", "x" * 43, "x" * 5000, "%00", "%ff", "' OR 1=1"])
async def test_hostile_tokens(console: Console, token: str) -> None:
    await console.person(EMAIL)
    browser = console.browser()
    await browser.sign_in(EMAIL, PASSWORD)
    assert (await browser.get(f"/console/new-password?token={token}")).path == "/console/forgotten"
    assert (await browser.get(f"/console/invitation?token={token}")).status == 409


async def owner_with_house(console: Console) -> tuple[Program, str, Browser]:
    owner = await console.person(EMAIL)
    house = await console.organisation(owner)
    browser = console.browser()
    await browser.sign_in(EMAIL, PASSWORD)
    return owner, house, browser


async def invite(browser: Browser, house: str, email: str = OTHER, role: str = "developer") -> Shown:
    page = await browser.get(f"/console/organisations/{house}")
    return await browser.submit(page, "/invitations", {"email": email, "role": role})


async def test_an_invitation_from_letter_to_member(console: Console) -> None:
    """For who has no account yet: the link survives sign-up."""
    owner, house, browser = await owner_with_house(console)
    page = await invite(browser, house)
    assert "Inbjudan är skickad" in page.text
    assert "bara en ägare" in page.text
    address = await link(console)
    assert address.partition("token=")[2] not in page.answer.text
    guest = console.browser()
    page = await guest.get(address)
    assert page.path == "/console/sign-in"
    page = await guest.get(next(each for each in page.reader.links if "sign-up" in each))
    page = await guest.submit(page, "/sign-up", {"name": "Berit", "email": OTHER, "password": PASSWORD})
    assert page.path == "/console/invitation"
    assert "Ånga AB" in page.text
    page = await guest.submit(page, "/invitation")
    assert "Du är nu medlem" in page.text
    members = (await owner.get(f"/organisations/{house}/members")).json()["items"]
    assert {(each["email"], each["role"]) for each in members} == {(EMAIL, "owner"), (OTHER, "developer")}
    assert (await guest.get(address)).status == 409, "it works once"
    async with console.database.read() as session:
        text = repr(await latest(session))
    assert "invitation.accept" in text
    assert OTHER not in text


async def test_an_invitation_is_bound_to_its_address(console: Console) -> None:
    _, house, browser = await owner_with_house(console)
    await console.person("tredje@example.org")
    await invite(browser, house)
    address = await link(console)
    thief = console.browser()
    await thief.sign_in("tredje@example.org", PASSWORD)
    page = await thief.get(address)
    assert page.status == 403
    token = address.partition("token=")[2]
    program = await console.person("fjarde@example.org")
    refused = await program.post("/invitations/accept", {"token": token})
    assert refused.json()["code"] == "anothers-invitation"


async def test_an_invitation_ends(console: Console) -> None:
    owner, house, browser = await owner_with_house(console)
    guest = await console.person(OTHER)
    tokens = []
    for _ in range(3):
        made = await owner.post(f"/organisations/{house}/invitations", {"email": OTHER, "role": "viewer"})
        assert made.status_code == 201
        assert "token" not in made.text
        tokens.append((await link(console)).partition("token=")[2])
    refused = await guest.post("/invitations/accept", {"token": tokens[0]})
    assert refused.json()["code"] == "link-over", "a later one takes its place"
    assert (await owner.delete(f"/organisations/{house}/invitations/{made.json()['id']}")).status_code == 204
    assert (await guest.post("/invitations/accept", {"token": tokens[2]})).status_code == 409
    await invite(browser, house)
    late = (await link(console)).partition("token=")[2]
    console.clock.at += DAYS * 86_400
    assert (await guest.post("/invitations/accept", {"token": late})).status_code == 409


async def test_an_invitation_ends_with_its_inviters_rights(console: Console) -> None:
    """Z10, Z11: an owner who is made a viewer cannot come back as an owner through an invitation of their own."""
    owner, house, _ = await owner_with_house(console)
    second = await console.person("andra@example.org")
    await owner.post(f"/organisations/{house}/members", {"email": "andra@example.org", "role": "owner"})
    guest = await console.person(OTHER)
    await second.post(f"/organisations/{house}/invitations", {"email": OTHER, "role": "owner"})
    token = (await link(console)).partition("token=")[2]
    lowered = await owner.post(f"/organisations/{house}/members/{second.person_id}/role", {"role": "viewer"})
    assert lowered.json()["role"] == "viewer"
    refused = await guest.post("/invitations/accept", {"token": token})
    assert (refused.status_code, refused.json()["code"]) == (409, "link-over")


@pytest.mark.parametrize("role", ["developer", "billing", "viewer"])
async def test_only_owners_invite_and_change_roles(console: Console, role: str) -> None:
    owner, house, _ = await owner_with_house(console)
    other = await console.person(OTHER)
    await owner.post(f"/organisations/{house}/members", {"email": OTHER, "role": role})
    body = {"email": "x@example.org", "role": "viewer"}
    assert (await other.post(f"/organisations/{house}/invitations", body)).status_code == 403
    path = f"/organisations/{house}/members/{other.person_id}/role"
    assert (await other.post(path, {"role": "owner"})).status_code == 403


async def test_a_lowered_role_counts_at_once_in_open_sessions(console: Console) -> None:
    """Z10: the open session and the token of the lowered member, without a new sign-in."""
    owner, house, browser = await owner_with_house(console)
    other = await console.person(OTHER)
    await owner.post(f"/organisations/{house}/members", {"email": OTHER, "role": "developer"})
    theirs = console.browser()
    await theirs.sign_in(OTHER, PASSWORD)
    form = await theirs.get(f"/console/organisations/{house}/apps/new")
    page = await browser.get(f"/console/organisations/{house}")
    page = await browser.submit(page, f"{other.person_id}/role", {"role": "viewer"})
    assert "Rollen är ändrad" in page.text
    sent = await theirs.submit(form, "/apps/new", {"name": "Prov", "environment": "sandbox"})
    assert sent.status == 403
    app = {"name": "x", "environment": "sandbox"}
    assert (await other.post(f"/organisations/{house}/apps", app)).status_code == 403
    await owner.delete(f"/organisations/{house}/members/{other.person_id}")
    assert (await theirs.get(f"/console/organisations/{house}")).status == 404


async def test_the_last_owner_stays_one(console: Console) -> None:
    owner, house, browser = await owner_with_house(console)
    path = f"/organisations/{house}/members/{owner.person_id}/role"
    assert (await owner.post(path, {"role": "viewer"})).json()["code"] == "last-owner"
    page = await browser.get(f"/console/organisations/{house}")
    page = await browser.submit(page, f"{owner.person_id}/role", {"role": "viewer"})
    assert page.status == 409


async def test_ones_own_sessions_through_the_api(console: Console) -> None:
    person = await console.person(EMAIL)
    browser = console.browser()
    await browser.sign_in(EMAIL, PASSWORD)
    other = await console.person(OTHER)
    listed = (await person.get("/sessions")).json()["items"]
    assert [each["multiFactor"] for each in listed] == [False]
    assert (await other.delete(f"/sessions/{listed[0]['id']}")).status_code == 404
    assert (await person.delete(f"/sessions/{listed[0]['id']}")).status_code == 204
    assert (await browser.client.get("/console/")).status_code == 303
    await browser.sign_in(EMAIL, PASSWORD)
    assert (await person.delete("/sessions")).status_code == 204
    assert (await browser.client.get("/console/")).status_code == 303


def test_a_letter_is_a_message_and_its_headers_take_no_line_break() -> None:
    read = message_from_bytes(
        message_of(Letter(EMAIL, "Hej åäö", "Rad\nhttp://x/?token=abc\n")), policy=default
    )
    assert (read["To"], read["Subject"]) == (EMAIL, "Hej åäö")
    assert "token=abc" in read.get_content()
    with pytest.raises(ValueError, match=r"newline|linefeed|CR or LF"):
        message_of(Letter(EMAIL, "x\r\nBcc: y@example.org", ""))


async def test_the_outbox_is_private_and_holds_whole_letters(tmp_path: Path) -> None:
    outbox = FolderOutbox(tmp_path / "outbox")
    await outbox.send(Letter(EMAIL, "Ett", "text"))
    found = list((tmp_path / "outbox").iterdir())
    assert [path.suffix for path in found] == [".eml"]
    assert found[0].stat().st_mode & 0o077 == 0
    assert (tmp_path / "outbox").stat().st_mode & 0o077 == 0

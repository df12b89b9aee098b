"""The operator's pages, and the forms' own refusals."""

from __future__ import annotations

import re

from storage import revocations
from tests.console.browser import Browser, Shown
from tests.console.callers import PASSWORD, Console, Program
from tests.console.test_management_line import token_of


async def operator(console: Console) -> Browser:
    await console.person("drift@example.org", operator=True)
    browser = console.browser()
    page = await browser.sign_in("drift@example.org", PASSWORD)
    assert "Drift" in page.text
    return browser


async def waiting(console: Console) -> tuple[Program, str, str, str]:
    """An owner with a production app whose subscription waits."""
    owner = await console.person("agare@example.org")
    organisation = await console.organisation(owner)
    app = await console.app(owner, organisation, "Skarp", "production")
    made = await owner.post(
        f"/organisations/{organisation}/apps/{app}/subscriptions", {"api": "behov/v1", "plan": "innovation"}
    )
    assert made.json()["state"] == "requested"
    return owner, organisation, app, made.json()["id"]


async def test_approving(console: Console) -> None:
    owner, organisation, _, subscription = await waiting(console)
    browser = await operator(console)
    page = await browser.get("/console/admin/")
    assert "Skarp" in page.text
    page = await browser.submit(page, "/approve")
    assert "Ansökan är godkänd." in page.text
    assert "Inga ansökningar väntar." in page.text
    shown = await owner.get(f"/organisations/{organisation}/subscriptions/{subscription}")
    assert shown.json()["state"] == "active"


async def test_declining(console: Console) -> None:
    owner, organisation, app, subscription = await waiting(console)
    browser = await operator(console)
    page = await browser.submit(await browser.get("/console/admin/"), "/decline")
    assert "Ansökan är avslagen." in page.text
    shown = await owner.get(f"/organisations/{organisation}/subscriptions/{subscription}")
    assert shown.json()["state"] == "closed"
    again = await owner.post(
        f"/organisations/{organisation}/apps/{app}/subscriptions", {"api": "behov/v1", "plan": "innovation"}
    )
    assert again.status_code == 201


async def test_suspending_resuming_closing_disabling(console: Console) -> None:
    owner, organisation, app, subscription = await waiting(console)
    browser = await operator(console)
    home = f"/console/admin/organisations/{organisation}"
    page = await browser.submit(await browser.get(home), "/suspend")
    assert "Appen är spärrad." in page.text
    page = await browser.submit(page, "/resume")
    assert "Spärren är hävd." in page.text
    page = await browser.submit(page, "/close")
    assert "Prenumerationen är avslutad." in page.text
    page = await browser.submit(page, "/disable")
    assert "Organisationen är avstängd." in page.text
    page = await browser.submit(page, "/enable")
    assert "öppnad igen" in page.text
    shown = await owner.get(f"/organisations/{organisation}/subscriptions/{subscription}")
    assert shown.json()["state"] == "closed"
    assert (await owner.get(f"/organisations/{organisation}/apps/{app}")).json()["state"] == "active"


async def test_a_step_that_is_no_longer_possible(console: Console) -> None:
    _, organisation, app, _ = await waiting(console)
    browser = await operator(console)
    page = await browser.get(f"/console/admin/organisations/{organisation}")
    values = page.form("/suspend").values
    path = f"/console/admin/organisations/{organisation}/apps/{app}/suspend"
    assert (await browser.post(path, values)).status_code == 303
    again = await browser.post(path, values)
    assert again.status_code == 409
    assert "nuvarande läge" in again.text


async def test_revoking_a_token(console: Console) -> None:
    owner = await console.person("agare@example.org")
    organisation = await console.organisation(owner)
    home = f"/organisations/{organisation}/apps/{await console.app(owner, organisation)}"
    await owner.post(f"{home}/subscriptions", {"api": "eko/v1", "plan": "prova"})
    created = (await owner.post(f"{home}/credentials", {})).json()
    token = (await token_of(console.client, created)).json()["access_token"]
    browser = await operator(console)
    page = await browser.submit(await browser.get("/console/admin/"), "/revocations", {"token": token})
    assert "Nyckeln är återkallad." in page.text
    assert token not in page.answer.text
    async with console.database.read() as session:
        revoked = await revocations.live(session, console.clock.now())
    assert len(revoked) == 1


async def test_a_text_that_is_no_token(console: Console) -> None:
    browser = await operator(console)
    for text in ("a.b.c", "", "eyJhbGciOiJub25lIn0.e30."):
        page = await browser.get("/console/admin/")
        page = await browser.submit(page, "/revocations", {"token": text})
        assert page.status == 400
        assert page.answer.text.count('id="faults"') == 1


async def test_the_audit_page(console: Console) -> None:
    await waiting(console)
    browser = await operator(console)
    page = await browser.get("/console/admin/audit")
    assert "organisation.create" in page.text
    assert "Ånga AB" in page.text
    page = await browser.get("/console/admin/audit?verify=1")
    assert re.search(r"Kedjan är hel: \d+ poster kontrollerade\.", page.text)
    for before in ("2", "x", "-1", "9" * 40, "%00"):
        assert (await browser.get(f"/console/admin/audit?before={before}")).status == 200


def faults(page: Shown) -> list[str]:
    return re.findall(r'<li><a href="#(\w+)">', page.answer.text)


async def test_error_summaries_take_focus_and_lead_to_fields(console: Console) -> None:
    browser = console.browser()
    page = await browser.get("/console/sign-up")
    page = await browser.submit(page, "/sign-up", {"name": "", "email": "inte en adress", "password": "kort"})
    assert page.status == 400
    assert faults(page) == ["name"]
    page = await browser.submit(
        page, "/sign-up", {"name": "A", "email": "inte en adress", "password": "kort"}
    )
    assert faults(page) == ["email"]
    page = await browser.submit(page, "/sign-up", {"name": "A", "email": "a@example.org", "password": "kort"})
    assert faults(page) == ["password"]
    assert 'value="kort"' not in page.answer.text
    assert re.search(r'role="alert" tabindex="-1" autofocus', page.answer.text)
    assert 'id="password"' in page.answer.text
    assert 'aria-describedby="password-hint password-error"' in page.answer.text


async def test_the_wrong_password_says_no_more_than_that(console: Console) -> None:
    await console.person("finns@example.org")
    answers = []
    for email in ("finns@example.org", "finns-inte@example.org"):
        browser = console.browser()
        page = await browser.sign_in(email, "fel lösenord alldeles")
        assert page.status == 401
        answers.append(page.text.replace(email, ""))
    assert answers[0] == answers[1]


async def test_members_come_and_go(console: Console) -> None:
    owner = await console.person("agare@example.org")
    member = await console.person("medlem@example.org")
    organisation = await console.organisation(owner)
    browser = console.browser()
    await browser.sign_in("agare@example.org", PASSWORD)
    home = f"/console/organisations/{organisation}"
    page = await browser.submit(
        await browser.get(home), "/invitations", {"email": "medlem@example.org", "role": "developer"}
    )
    assert "Inbjudan är skickad." in page.text
    await console.post.settled()
    token = console.outbox.letters[-1].text.partition("token=")[2].split()[0]
    assert (await member.post("/invitations/accept", {"token": token})).status_code == 200
    page = await browser.get(home)
    page = await browser.submit(page, "/invitations", {"email": "medlem@example.org", "role": "viewer"})
    assert page.status == 409
    removals = [form for form in page.reader.forms if form.action.endswith("/remove")]
    assert len(removals) == 2
    for form in removals:
        await browser.post(form.action, form.values)
    members = (await owner.get(f"/organisations/{organisation}/members")).json()["items"]
    assert [member["role"] for member in members] == ["owner"]


async def test_deleting_an_app_ends_everything(console: Console) -> None:
    owner = await console.person("agare@example.org")
    organisation = await console.organisation(owner)
    app = await console.app(owner, organisation)
    home = f"/organisations/{organisation}/apps/{app}"
    await owner.post(f"{home}/subscriptions", {"api": "behov/v1", "plan": "prova"})
    created = (await owner.post(f"{home}/credentials", {})).json()
    browser = console.browser()
    await browser.sign_in("agare@example.org", PASSWORD)
    page = await browser.submit(await browser.get(f"/console{home}/delete"), "/delete")
    assert "Appen är borttagen." in page.text
    assert (await browser.get(f"/console{home}")).status == 404
    assert (await owner.get(home)).status_code == 404
    assert (await token_of(console.client, created)).status_code == 401
    rows = (await owner.get(f"/organisations/{organisation}/subscriptions")).json()["items"]
    assert [row["state"] for row in rows] == ["closed"]

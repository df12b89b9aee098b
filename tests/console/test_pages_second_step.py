"""Two steps at sign-in through the pages, without JavaScript: added, used, and with the phone lost (T27, T34, Z8)."""

from __future__ import annotations

import re

import pyotp
import pytest

from auth.origin import system
from tests.console.browser import Browser, Shown
from tests.console.callers import PASSWORD, Console, Program

EMAIL = "astrid@example.org"
KEY = re.compile(r"\b[A-Z2-7]{32}\b")
RECOVERY = re.compile(r"\b[a-km-np-z2-9]{4}(?:-[a-km-np-z2-9]{4}){3}\b")


def cookie(browser: Browser) -> str:
    return [each.value or "" for each in browser.client.cookies.jar if each.name == "sluss_session"][-1]


async def added(console: Console, email: str = EMAIL) -> tuple[Browser, Shown, str]:
    """A browser on the page with the recovery codes, and the key of the one-time codes."""
    browser = console.browser()
    await browser.sign_in(email, PASSWORD)
    page = await browser.submit(await browser.get("/console/security"), "/security/codes")
    key = KEY.findall(page.text)[0]
    assert "<svg" in page.answer.text
    page = await browser.submit(page, "/codes/confirm", {"code": "000000"})
    assert page.status == 401
    assert KEY.findall(page.text)[0] == key, "the same key is shown again"
    before = cookie(browser)
    page = await browser.submit(
        page, "/codes/confirm", {"code": pyotp.TOTP(key).at(console.clock.now() - 30)}
    )
    assert page.status == 200
    assert cookie(browser) != before, "the session id changes with what the session may do"
    assert len(RECOVERY.findall(page.text)) == 10
    return browser, page, key


async def test_adding_and_using_one_time_codes(console: Console) -> None:
    await console.person(EMAIL)
    browser, page, key = await added(console)
    page = await browser.get("/console/security")
    assert "10 återställningskoder finns kvar" in page.text
    assert key not in page.answer.text
    await browser.submit(page, "/sign-out")

    other = console.browser()
    page = await other.get("/console/tokens?x=1")
    page = await other.submit(page, "/sign-in", {"email": EMAIL, "password": PASSWORD})
    assert page.path == "/console/sign-in/code"
    half = cookie(other)
    assert (await other.client.get("/console/")).status_code == 303, "half a sign-in opens nothing"
    page = await other.submit(page, "/sign-in/code", {"code": "123456"})
    assert page.status == 401
    assert "Koden är fel" in page.text
    page = await other.submit(page, "/sign-in/code", {"code": pyotp.TOTP(key).at(console.clock.now())})
    assert page.answer.url.raw_path == b"/console/tokens?x=1"
    assert cookie(other) != half


async def test_a_recovery_code_in_place_of_the_phone(console: Console) -> None:
    await console.person(EMAIL)
    _, page, _ = await added(console)
    code = RECOVERY.findall(page.text)[0]
    for expected in ("/console/", "/console/sign-in/code"):
        browser = console.browser()
        page = await browser.submit(
            await browser.get("/console/sign-in"), "/sign-in", {"email": EMAIL, "password": PASSWORD}
        )
        page = await browser.submit(page, "/sign-in/code", {"code": code})
        assert page.path == expected
    assert page.status == 401


async def test_removing_the_codes(console: Console) -> None:
    await console.person(EMAIL)
    browser, _, _ = await added(console)
    page = await browser.submit(await browser.get("/console/security"), "/codes/remove")
    assert "Inloggningssteget är borttaget" in page.text
    assert (await console.browser().sign_in(EMAIL, PASSWORD)).path == "/console/"


async def test_a_session_that_is_not_fresh_changes_nothing(console: Console) -> None:
    """A stolen session must not be able to take the account over."""
    await console.person(EMAIL)
    browser = console.browser()
    await browser.sign_in(EMAIL, PASSWORD)
    console.clock.at += 901
    page = await browser.submit(await browser.get("/console/security"), "/security/codes")
    assert page.path == "/console/sign-in"
    page = await browser.submit(page, "/sign-in", {"email": EMAIL, "password": PASSWORD})
    assert page.path == "/console/security"
    page = await browser.submit(page, "/security/codes")
    assert KEY.search(page.text)


async def test_an_operator_without_a_second_step_is_led_to_add_one(console: Console) -> None:
    """Z8: signs in, but does nothing of an operator's; through the API neither."""
    await console.people.sign_up(
        email=EMAIL,
        name="A",
        password=PASSWORD,
        now=console.clock.now(),
        origin=system("test"),
        operator=True,
    )
    browser = console.browser()
    page = await browser.sign_in(EMAIL, PASSWORD)
    assert page.path == "/console/security"
    assert "Din roll kräver två steg" in page.text
    assert (await browser.get("/console/admin/")).path == "/console/security"
    assert (await browser.get("/console/admin/audit")).path == "/console/security"
    token = await console.anyone().post(
        "/personal-tokens", {"name": "x", "email": EMAIL, "password": PASSWORD}
    )
    program = Program(console.client, token.json()["token"])
    refused = await program.post("/revocations", {"jti": "0123456789abcdef", "clientId": "sluss_app_0"})
    assert (refused.status_code, refused.json()["code"]) == (403, "second-factor-required")
    browser, _, _ = await added(console)
    assert (await browser.get("/console/admin/")).path == "/console/admin/"
    refused = await program.post("/revocations", {"jti": "0123456789abcdef", "clientId": "sluss_app_0"})
    assert refused.status_code == 403, "a token made with one factor stays what it was"


async def test_a_personal_token_with_password_needs_the_code_too(console: Console) -> None:
    await console.person("drift@example.org", operator=True)
    body = {"name": "x", "email": "drift@example.org", "password": PASSWORD}
    refused = await console.anyone().post("/personal-tokens", body)
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["field"] == "code"
    refused = await console.anyone().post("/personal-tokens", {**body, "code": "000000"})
    assert (refused.status_code, refused.json()["code"]) == (401, "wrong-code")
    made = await console.anyone().post("/personal-tokens", {**body, "code": console.code()})
    assert made.status_code == 201


@pytest.mark.parametrize("code", ["", "x" * 65, "\x00", "' OR 1=1"])
async def test_hostile_codes(console: Console, code: str) -> None:
    await console.person("drift@example.org", operator=True)
    browser = console.browser()
    page = await browser.get("/console/sign-in")
    page = await browser.submit(page, "/sign-in", {"email": "drift@example.org", "password": PASSWORD})
    page = await browser.submit(page, "/sign-in/code", {"code": code})
    assert page.status in (400, 401)


async def test_the_code_page_is_for_who_took_the_first_step(console: Console) -> None:
    browser = console.browser()
    assert (await browser.get("/console/sign-in/code?next=//evil.example")).path == "/console/sign-in"


async def test_sessions_are_listed_and_ended(console: Console) -> None:
    """Where, when, last used; one by one and all at once."""
    await console.person(EMAIL)
    linux = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
    first, second = console.browser(**{"User-Agent": linux}), console.browser()
    await first.sign_in(EMAIL, PASSWORD)
    await second.sign_in(EMAIL, PASSWORD)
    page = await second.get("/console/security")
    assert "Firefox, Linux" in page.text
    assert "den här" in page.text
    ends = [form for form in page.reader.forms if re.search(r"sessions/ses_[0-9a-f]+/end$", form.action)]
    assert len(ends) == 2
    for form in ends:
        before = await second.client.get("/console/", headers={"Sec-Fetch-Site": "none"})
        await second.post(form.action, form.values)
        if (await first.client.get("/console/")).status_code == 303:
            break
        assert before.status_code == 200
    third = console.browser()
    await third.sign_in(EMAIL, PASSWORD)
    page = await third.submit(await third.get("/console/security"), "/security/sessions/end")
    assert page.path == "/console/sign-in"
    for browser in (first, second, third):
        assert (await browser.client.get("/console/")).status_code == 303


async def test_anothers_session_is_absent(console: Console) -> None:
    await console.person(EMAIL)
    await console.person("annan@example.org")
    victim, thief = console.browser(), console.browser()
    page = await victim.sign_in(EMAIL, PASSWORD)
    page = await victim.get("/console/security")
    action = next(form.action for form in page.reader.forms if re.search(r"ses_[0-9a-f]+/end$", form.action))
    await thief.sign_in("annan@example.org", PASSWORD)
    own = await thief.get("/console/security")
    answer = await thief.post(action, {"csrf_token": own.form("/security/password").values["csrf_token"]})
    assert answer.status_code == 404
    assert (await victim.client.get("/console/")).status_code == 200


async def test_changing_the_password_ends_the_others(console: Console) -> None:
    await console.person(EMAIL)
    here, there = console.browser(), console.browser()
    await here.sign_in(EMAIL, PASSWORD)
    await there.sign_in(EMAIL, PASSWORD)
    page = await here.get("/console/security")
    page = await here.submit(
        page, "/security/password", {"old": "fel", "password": "ett nytt långt lösenord"}
    )
    assert page.status == 401
    page = await here.submit(page, "/security/password", {"old": PASSWORD, "password": "kort"})
    assert page.status == 400
    page = await here.submit(
        page, "/security/password", {"old": PASSWORD, "password": "ett nytt långt lösenord"}
    )
    assert "Lösenordet är bytt" in page.text
    assert (await there.client.get("/console/")).status_code == 303
    assert (await console.browser().sign_in(EMAIL, "ett nytt långt lösenord")).path == "/console/"

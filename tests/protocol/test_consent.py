"""Sign-in and consent on the way to a code (RFC 9700, 4.16; OpenID Connect Core, 3.1.2; promises T26, P15)."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest

from auth.grants.consent import LIFE
from auth.origin import system
from auth.people import authentication_of
from auth.server.interactive.authorize import Redirect, SignIn, Visitor
from storage import apps
from tests.auth.mint import ISSUER
from tests.console.browser import Shown
from tests.protocol.flow import PASSWORD, Flow, answered, refused_at_the_edge


async def shown(flow: Flow, language: str = "sv") -> Shown:
    app, person = await flow.app(), await flow.person()
    page = await person.open(app, scope="openid profile email behov:read offline_access")
    assert page.status_code == 200
    if language == "en":
        page = await person.browser.client.get(f"{page.url}&lang=en")
    return await person.browser.read(page)


async def test_the_page_says_who_what_and_until_when(flow: Flow) -> None:
    page = await shown(flow)
    for text in (
        "Ge App åtkomst?",
        "Organisation 1",
        "Läsa ditt namn.",
        "Läsa din e-postadress.",
        "15 apr. 2027",
    ):
        assert text in page.text, text
    page = await shown(flow, "en")
    for text in ("Give App access?", "Organisation 2", "Read your name.", "Yes, give access", "15 Apr 2027"):
        assert text in page.text, text


async def test_the_page_is_neither_framed_nor_kept_and_leads_to_the_app_alone(flow: Flow) -> None:
    headers = (await shown(flow)).answer.headers
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Cache-Control"] == "no-store"
    policy = headers["Content-Security-Policy"].split("; ")
    assert "frame-ancestors 'none'" in policy
    assert "form-action 'self' https://app.example" in policy


async def test_consent_is_remembered_and_asked_again_for_more(any_flow: Flow) -> None:
    app, person = await any_flow.app(), await any_flow.person()
    assert (await person.open(app, scope="openid behov:read")).status_code == 200
    await person.authorize(app, scope="openid behov:read")
    assert "code" in answered(await person.open(app, scope="openid behov:read"))
    assert "code" in answered(await person.open(app, scope="behov:read")), "less is covered"
    more = await person.open(app, scope="openid behov:read behov:write")
    assert more.status_code == 200
    await person.answer(more)
    assert "code" in answered(await person.open(app, scope="openid behov:write"))
    assert (await person.open(app, prompt="consent", scope="openid")).status_code == 200
    other = await any_flow.app()
    assert (await person.open(other, scope="openid")).status_code == 200, "another app's is its own"
    any_flow.platform.now += LIFE
    await person.sign_in()
    assert (await person.open(app, scope="openid")).status_code == 200, "and it ends"


async def test_nobody_is_asked_twice_by_a_reload(any_flow: Flow) -> None:
    app, person = await any_flow.app(), await any_flow.person()
    page = await person.open(app)
    first, second = await person.answer(page), await person.answer(page)
    assert answered(first)["code"] != answered(second)["code"]


async def test_the_form_is_bound_to_session_and_request(flow: Flow) -> None:
    """T26."""
    app, person, stranger = await flow.app(), await flow.person(), await flow.person()
    other = await flow.app()
    mine = (await person.browser.read(await person.open(app))).form("/consent").values
    theirs = (await stranger.browser.read(await stranger.open(app))).form("/consent").values
    wider = (await person.browser.read(await person.open(app, scope="behov:write"))).form("/consent").values
    another = (await person.browser.read(await person.open(other))).form("/consent").values
    yes = {"answer": "yes"}
    forged = (
        {**mine, **yes, "csrf_token": theirs["csrf_token"]},
        {**mine, **yes, "bound": theirs["bound"]},
        {**mine, **yes, "request": wider["request"]},
        {**mine, **yes, "request": another["request"]},
        {**mine, **yes, "bound": ""},
        {**mine, "answer": "maybe"},
        {**mine, "answer": ""},
        {name: value for name, value in mine.items() if name != "bound"} | yes,
        {name: value for name, value in mine.items() if name != "request"} | yes,
    )
    for form in forged:
        assert (await person.browser.post("/console/consent", form)).status_code == 403
    for headers in (
        {},
        {"Origin": "https://app.example"},
        {"Origin": ISSUER, "Sec-Fetch-Site": "cross-site"},
    ):
        answer = await person.browser.post("/console/consent", {**mine, **yes}, headers)
        assert answer.status_code == 403
    assert "code" in answered(await person.browser.post("/console/consent", {**mine, **yes}))


async def test_what_is_registered_is_asked_again_when_the_answer_comes(flow: Flow) -> None:
    """The address was taken from the registration while the person was reading."""
    app, person = await flow.app(), await flow.person()
    page = await person.open(app)
    await flow.change(app, redirect_uris=("https://app.example/new",))
    answer = await person.answer(page)
    assert answer.status_code == 400
    assert "Location" not in answer.headers


async def test_signing_in_leads_back_and_then_on(any_flow: Flow) -> None:
    app, person = await any_flow.app(), await any_flow.person(signed_in=False)
    first = await person.open(app, login_hint="someone@example.org")
    assert first.status_code == 303
    page = await person.browser.get(first.headers["location"])
    assert page.form("/sign-in").values["email"] == "someone@example.org"
    assert "form-action 'self' https://app.example;" in page.answer.headers["Content-Security-Policy"]
    wrong = await person.browser.submit(
        page, "/sign-in", {"email": person.email, "password": "fel lösenord här"}
    )
    assert "form-action 'self' https://app.example;" in wrong.answer.headers["Content-Security-Policy"]
    assert "code" in await person.authorize(app)


async def test_other_pages_lead_to_nobody_else(flow: Flow) -> None:
    app, person = await flow.app(), await flow.person(signed_in=False)
    evil = "/oauth2/authorize?client_id=x&redirect_uri=https%3A%2F%2Fevil.example"
    for path in (
        "/console/sign-in",
        f"/console/sign-in?next={evil.replace('&', '%26')}",
        f"/console/sign-in?next=/oauth2/authorize%3Fclient_id%3D{app.client.client_id}",
    ):
        page = await person.browser.get(path)
        assert "form-action 'self';" in page.answer.headers["Content-Security-Policy"], path


async def test_prompt_none_asks_nothing(flow: Flow) -> None:
    """Core, 3.1.2.6."""
    app, person = await flow.app(), await flow.person(signed_in=False)
    assert answered(await person.open(app, prompt="none"))["error"] == "login_required"
    await person.sign_in()
    assert answered(await person.open(app, prompt="none"))["error"] == "consent_required"
    await person.authorize(app)
    assert "code" in answered(await person.open(app, prompt="none"))


@pytest.mark.parametrize("changes", [{"prompt": "login"}, {"max_age": "60"}, {"prompt": "select_account"}])
async def test_an_old_sign_in_is_not_enough(any_flow: Flow, changes: dict[str, str]) -> None:
    """Core, 3.1.2.1: and the person must really have done it."""
    app, person = await any_flow.app(), await any_flow.person()
    await person.authorize(app)
    any_flow.platform.now += 61
    asked = await person.open(app, **changes)
    assert asked.headers["location"].startswith("/console/sign-in?")
    page = await person.browser.get(asked.headers["location"])
    back = page.form("/sign-in").values["next"]
    again = await person.browser.client.get(back)
    assert again.headers["location"].startswith("/console/sign-in?"), "going back without signing in"
    signed_in = await person.browser.post(
        "/console/sign-in", {**page.form("/sign-in").values, "email": person.email, "password": PASSWORD}
    )
    assert signed_in.headers["location"] == back
    assert "code" in answered(await person.browser.client.get(back))


async def test_signing_in_anew_and_consenting_are_one_errand(any_flow: Flow) -> None:
    """The answer to the consent page must not ask for the sign-in again that came before it."""
    app, person = await any_flow.app(), await any_flow.person()
    any_flow.platform.now += 1
    for changes in ({"prompt": "login"}, {"prompt": "login consent"}, {"max_age": "0"}):
        assert "code" in await person.authorize(app, **changes), changes
        any_flow.platform.now += 1


async def test_a_level_that_nobody_here_reaches(flow: Flow) -> None:
    """RFC 9470, 5; OpenID Connect Unmet Authentication Requirements 1.0."""
    app, person = await flow.app(), await flow.person()
    own = await person.authorize(app, acr_values="http://id.elegnamnden.se/loa/1.0/loa1")
    assert "code" in own
    high = {"acr_values": "http://id.elegnamnden.se/loa/1.0/loa3"}
    assert (
        answered(await person.open(app, prompt="none", **high))["error"]
        == "unmet_authentication_requirements"
    )
    flow.platform.now += 1
    told = await person.authorize(app, **high)
    assert told["error"] == "unmet_authentication_requirements"


async def test_the_page_of_apps_with_access(any_flow: Flow) -> None:
    """P15: listed, and taken back with effect at once."""
    app, person, stranger = await any_flow.app(), await any_flow.person(), await any_flow.person()
    body = await app.tokens(person)
    page = await person.browser.get("/console/access")
    assert "App" in page.text
    assert "Behålla åtkomsten" in page.text
    [form] = [form for form in page.reader.forms if form.action.endswith("/withdraw")]
    assert (await stranger.browser.get("/console/access")).text.count("Inga appar har åtkomst") == 1
    token = (await stranger.browser.get("/console/access")).reader.forms[0].values["csrf_token"]
    assert (await stranger.browser.post(form.action, {"csrf_token": token})).status_code == 404
    assert not await refused_at_the_edge(any_flow, app, body["access_token"])
    done = await person.browser.submit(page, "/withdraw")
    assert "Åtkomsten är tillbakatagen" in done.text
    assert "Inga appar har åtkomst" in done.text
    assert await refused_at_the_edge(any_flow, app, body["access_token"])
    assert (await app.refresh(body["refresh_token"])).json()["error"] == "invalid_grant"
    assert (await person.open(app)).status_code == 200, "and is asked anew"
    acts = [entry.act for entry in await any_flow.platform.audit()]
    assert acts.count("consent.give") == acts.count("consent.withdraw") == 1


async def test_names_are_shown_and_not_run(flow: Flow) -> None:
    """Z14."""
    app, person = await flow.app(), await flow.person()
    async with flow.database.begin() as session:
        client = app.client
        await apps.rename(session, client.organisation_id, client.app_id, '<script>alert("1")</script>')
    page = await person.open(app)
    assert "<script>alert" not in page.text
    assert "&lt;script&gt;alert" in page.text


async def test_nothing_is_given_after_the_session_has_ended(any_flow: Flow) -> None:
    """A page that was found signed in, and came to its turn after the sign-out."""
    app, person = await any_flow.app(), await any_flow.person()
    await person.authorize(app)
    session_id = person.browser.client.cookies["sluss_session"]
    found = await any_flow.people.find(session_id, any_flow.platform.now)
    assert found is not None
    visitor = Visitor(found[1], found[0].id_hash, authentication_of(found[0]))
    endpoint = any_flow.endpoints.authorize
    query = urlencode(app.request()).encode()
    assert isinstance(await endpoint.begin(query, visitor, system("test"), any_flow.platform.now), Redirect)
    await any_flow.people.sign_out(session_id, any_flow.platform.now, system("test"))
    assert isinstance(await endpoint.begin(query, visitor, system("test"), any_flow.platform.now), SignIn)
    late = endpoint.decide(query, visitor, yes=True, origin=system("test"), now=any_flow.platform.now)
    assert isinstance(await late, SignIn)

"""RFC 6749, 3.1 and 4.1: the authorization endpoint and the code (promises T17, T19, T20, T24, T25)."""

from __future__ import annotations

import asyncio
from urllib.parse import urlencode

import httpx

from auth.grants.issuing import CODE_LIFE
from storage import apps, organisations, people
from tests.auth.mint import ISSUER, NOW
from tests.protocol.flow import (
    CALLBACK,
    App,
    Flow,
    Person,
    answered,
    is_invalid_grant,
    refused_at_the_edge,
)


async def pair(flow: Flow) -> tuple[App, Person]:
    return await flow.app(), await flow.person()


def is_page(answer: httpx.Response, *codes: str) -> None:
    """An error page and nothing else: no redirect, no code, not to be kept or framed."""
    assert answer.status_code == 400, answer.text
    assert "Location" not in answer.headers
    assert answer.headers["Content-Type"].startswith("text/html")
    assert answer.headers["Cache-Control"] == "no-store"
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    assert any(code in answer.text for code in codes), answer.text


async def test_section_4_1_a_token_for_a_person(any_flow: Flow) -> None:
    app, person = await pair(any_flow)
    body = await app.tokens(person)
    assert body.keys() == {"access_token", "token_type", "expires_in", "scope", "refresh_token", "id_token"}
    principal = await any_flow.platform.principal(body["access_token"])
    assert principal.subject == person.id
    assert principal.client_id == app.client.client_id
    assert (principal.acr, principal.auth_time) == ("https://refeds.org/profile/sfa", NOW)
    assert principal.grant_id.startswith("gra_")
    assert not await refused_at_the_edge(any_flow, app, body["access_token"])


async def test_section_4_1_2_the_answer_bears_state_and_issuer(flow: Flow) -> None:
    """RFC 9207, T25."""
    app, person = await pair(flow)
    for state in ("x", "a b+c%20&=#?/\\\"'", "åäö \U0001f600", "x" * 900):
        answer = await person.authorize(app, state=state)
        assert answer.keys() == {"code", "state", "iss"}
        assert (answer["state"], answer["iss"]) == (state, ISSUER)
    without = await person.authorize(app, state=None)
    assert without.keys() == {"code", "iss"}


async def test_section_3_1_2_what_the_address_had_stays(flow: Flow) -> None:
    app = await flow.app(redirect_uri="https://app.example/cb?tenant=1&empty=")
    person = await flow.person()
    await person.authorize(app)
    location = (await person.open(app)).headers["location"]
    assert location.startswith("https://app.example/cb?tenant=1&empty=&code=")


NOT_REGISTERED = [
    None, "", "https://app.example", "https://app.example/", "https://app.example/callback/",
    "https://app.example/callback?", "https://app.example/callback?a=1", "https://app.example/callback#x",
    "https://app.example/CALLBACK", "https://APP.example/callback", "HTTPS://app.example/callback",
    "http://app.example/callback", "https://app.example:443/callback", "https://app.example:8443/callback",
    "https://user@app.example/callback", "https://app.example@evil.example/callback",
    "https://app.example.evil.example/callback", "https://evil.example/callback",
    "https://app.example/callback/../other", "https://app.example/%63allback", "https://app.example//callback",
    "https://app.example\\@evil.example/callback", "//app.example/callback", "/callback", "javascript:alert(1)",
    "data:text/html,x", "https://app.example/callback\r\nX: y", "https://app.example/callback\x00",
    "https://äpp.example/callback", '"', "x" * 3000, "http://127.0.0.1:1/callback", " https://app.example/callback",
]  # fmt: skip


async def test_section_3_1_2_exact_match_or_a_page(flow: Flow) -> None:
    """T17, T28."""
    app, person = await pair(flow)
    for uri in NOT_REGISTERED:
        is_page(await person.open(app, redirect_uri=uri), "wrong-redirect-uri")


async def test_section_3_1_2_even_an_error_goes_nowhere_unregistered(flow: Flow) -> None:
    app, person = await pair(flow)
    evil = {"redirect_uri": "https://evil.example/"}
    for more in ({"response_type": "token"}, {"scope": "admin"}, {"prompt": "none"}, {"client_id": "x"}):
        is_page(await person.open(app, **evil, **more), "wrong-redirect-uri", "unknown-client")


async def test_section_3_1_a_client_that_is_not_known(any_flow: Flow) -> None:
    app, person = await pair(any_flow)
    for name in (None, "", "x", "a\x00b", "å", "' OR 1=1 --", "x" * 3000, app.client.client_id.upper()):
        is_page(await person.open(app, client_id=name), "unknown-client")
    async with any_flow.database.begin() as session:
        await organisations.set_disabled(session, app.client.organisation_id, NOW)
    is_page(await person.open(app), "unknown-client")
    other = await any_flow.app()
    async with any_flow.database.begin() as session:
        await apps.set_state(session, other.client.organisation_id, other.client.app_id, "suspended", NOW)
    is_page(await person.open(other), "unknown-client")


ERRORS: list[tuple[dict[str, str | None], str]] = [
    ({"response_type": None}, "unsupported_response_type"),
    ({"response_type": "token"}, "unsupported_response_type"),
    ({"response_type": "code id_token"}, "unsupported_response_type"),
    ({"response_type": "id_token"}, "unsupported_response_type"),
    ({"response_type": "none"}, "unsupported_response_type"),
    ({"response_type": '"code"'}, "unsupported_response_type"),
    ({"response_mode": "fragment"}, "invalid_request"),
    ({"response_mode": "form_post"}, "invalid_request"),
    ({"scope": None}, "invalid_scope"),
    ({"scope": "openid admin"}, "invalid_scope"),
    ({"scope": "vardenheter:read"}, "invalid_scope"),
    ({"scope": "openid  behov:read"}, "invalid_scope"),
    ({"scope": 'behov:read"'}, "invalid_scope"),
    ({"scope": "behöv:read"}, "invalid_scope"),
    ({"code_challenge": None}, "invalid_request"),
    ({"code_challenge_method": None}, "invalid_request"),
    ({"code_challenge_method": "plain"}, "invalid_request"),
    ({"code_challenge_method": "s256"}, "invalid_request"),
    ({"code_challenge": "x" * 42}, "invalid_request"),
    ({"code_challenge": "x" * 44}, "invalid_request"),
    ({"code_challenge": "å" * 43}, "invalid_request"),
    ({"request": "eyJhbGciOiJub25lIn0.e30."}, "request_not_supported"),
    ({"request_uri": "https://evil.example/request"}, "request_uri_not_supported"),
    ({"prompt": "none login"}, "invalid_request"),
    ({"prompt": "create"}, "invalid_request"),
    ({"max_age": "-1"}, "invalid_request"),
    ({"max_age": "1e3"}, "invalid_request"),
    ({"nonce": "a\x00b"}, "invalid_request"),
    ({"state": "a\x00b"}, "invalid_request"),
    ({"acr_values": "å"}, "invalid_request"),
    ({"resource": "https://evil.example"}, "invalid_target"),
    ({"resource": f"{ISSUER}/behov/v9"}, "invalid_target"),
    ({"resource": f"{ISSUER}/eko/v1"}, "invalid_target"),
]


async def test_section_4_1_2_1_the_client_is_told(flow: Flow) -> None:
    app, person = await pair(flow)
    for changes, error in ERRORS:
        answer = await person.open(app, **changes)
        assert answer.headers["location"].startswith(f"{CALLBACK}?"), changes
        told = answered(answer)
        assert told["error"] == error, (changes, told)
        assert told["iss"] == ISSUER
        assert told["state"] == changes.get("state", "af0ifjsldkj")
        assert told["error_description"].isascii()


async def test_section_3_1_no_parameter_twice(flow: Flow) -> None:
    app, person = await pair(flow)
    request = urlencode(app.request())
    for name in ("scope", "state", "nonce", "code_challenge", "response_type", "unknown"):
        answer = await person.browser.client.get(f"/oauth2/authorize?{request}&{name}=x&{name}=x")
        told = answered(answer)
        assert told["error"] == "invalid_request"
        assert ("state" in told) == (name != "state")
    for name in ("client_id", "redirect_uri"):
        answer = await person.browser.client.get(f"/oauth2/authorize?{request}&{name}=x")
        is_page(answer, "unreadable-authorization-request", "unknown-client")


async def test_section_4_1_2_1_the_person_says_no(any_flow: Flow) -> None:
    app, person = await pair(any_flow)
    told = answered(await person.answer(await person.open(app), yes=False))
    assert told["error"] == "access_denied"
    assert (await person.open(app)).status_code == 200, "nothing was remembered"


async def test_section_4_1_2_a_code_lives_sixty_seconds(any_flow: Flow) -> None:
    app, person = await pair(any_flow)
    for age, status in ((CODE_LIFE - 1, 200), (CODE_LIFE, 400)):
        code = (await person.authorize(app))["code"]
        any_flow.platform.now += age
        assert (await app.redeem(code)).status_code == status


async def test_section_4_1_3_a_code_is_its_clients_and_addresses(any_flow: Flow) -> None:
    """T19: and another client's try spoils nothing."""
    app, person = await pair(any_flow)
    thief = await any_flow.app()
    code = (await person.authorize(app))["code"]
    is_invalid_grant(await thief.redeem(code, code_verifier=app.verifier))
    assert (await app.redeem(code)).status_code == 200
    for changes in (
        {"redirect_uri": "https://app.example/other"},
        {"redirect_uri": f"{CALLBACK}/"},
        {"code_verifier": "x" * 43},
        {"code_verifier": app.challenge},
        {"code_verifier": app.verifier + "x"},
        {"code_verifier": app.verifier.swapcase()},
    ):
        code = (await person.authorize(app))["code"]
        is_invalid_grant(await app.redeem(code, **changes))
    for missing in ("code", "redirect_uri", "code_verifier"):
        code = (await person.authorize(app))["code"]
        answer = await app.redeem(code, without=missing)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
        assert (await app.redeem(code)).status_code == 200, "a mistake like that spoils nothing"
    for wrong in ("x", "\x00", "å", "x" * 3000, '"'):
        is_invalid_grant(await app.redeem(wrong))


async def test_section_4_1_2_a_code_used_twice_ends_all_that_was_given_for_it(any_flow: Flow) -> None:
    """T20; and it is committed, although the answer is an error."""
    app, person = await pair(any_flow)
    code = (await person.authorize(app))["code"]
    body = (await app.redeem(code)).json()
    assert not await refused_at_the_edge(any_flow, app, body["access_token"])
    is_invalid_grant(await app.redeem(code))
    assert await refused_at_the_edge(any_flow, app, body["access_token"])
    is_invalid_grant(await app.refresh(body["refresh_token"]))
    acts = [(entry.act, entry.after) for entry in await any_flow.platform.audit()]
    assert any(act == "grant.revoke" and "code-reuse" in str(after) for act, after in acts)


async def test_section_4_1_2_one_code_eight_redemptions(any_flow: Flow) -> None:
    """T19: whichever comes first, and no other."""
    app, person = await pair(any_flow)
    for _ in range(3):
        code = (await person.authorize(app))["code"]
        answers = await asyncio.gather(*(app.redeem(code) for _ in range(8)))
        good = [answer for answer in answers if answer.status_code == 200]
        assert len(good) == 1, [answer.text for answer in answers]
        for answer in answers:
            if answer not in good:
                is_invalid_grant(answer)
        assert await refused_at_the_edge(any_flow, app, good[0].json()["access_token"])


async def test_section_4_1_only_for_clients_registered_for_it(flow: Flow) -> None:
    """T24."""
    person = await flow.person()
    machine = await flow.app(grant_types=("client_credentials",))
    assert answered(await person.open(machine))["error"] == "unauthorized_client"
    answer = await machine.redeem("x")
    assert (answer.status_code, answer.json()["error"]) == (400, "unauthorized_client")
    people_only = await flow.app(grant_types=("authorization_code",))
    answer = await people_only.post("/oauth2/token", {"grant_type": "client_credentials"})
    assert (answer.status_code, answer.json()["error"]) == (400, "unauthorized_client")
    body = await people_only.tokens(person)
    assert "refresh_token" not in body


async def test_t14_a_disabled_persons_tokens_die(any_flow: Flow) -> None:
    app, person = await pair(any_flow)
    body = await app.tokens(person)
    code = (await person.authorize(app))["code"]
    async with any_flow.database.begin() as session:
        await people.set_disabled(session, person.id, NOW)
    assert await refused_at_the_edge(any_flow, app, body["access_token"])
    is_invalid_grant(await app.refresh(body["refresh_token"]))
    is_invalid_grant(await app.redeem(code))
    assert (await person.open(app)).headers["location"].startswith("/console/sign-in")


async def test_by_post_it_is_the_same_request(flow: Flow) -> None:
    """OpenID Connect Core, 3.1.2.1: from the app's own page, so without our token and origin."""
    app, person = await pair(flow)
    await person.authorize(app)
    foreign = {"Origin": "https://app.example", "Sec-Fetch-Site": "cross-site"}
    answer = await person.browser.client.post("/oauth2/authorize", data=app.request(), headers=foreign)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/oauth2/authorize?")
    assert "code" in answered(await person.browser.client.get(answer.headers["location"]))
    for content, kind in (
        ("client_id=a&client_id=b", "application/x-www-form-urlencoded"),
        ("{}", "application/json"),
        ("a=%ff", "application/x-www-form-urlencoded"),
        ("state=" + "x" * 5000, "application/x-www-form-urlencoded"),
        ("state=" + "x" * 50_000, "application/x-www-form-urlencoded"),
    ):
        sent = {**foreign, "Content-Type": kind}
        is_page(
            await person.browser.client.post("/oauth2/authorize", content=content, headers=sent),
            "unreadable-authorization-request",
        )

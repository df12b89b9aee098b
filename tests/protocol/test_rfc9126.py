"""RFC 9126: pushed authorization requests, used up when the code is issued."""

from __future__ import annotations

import asyncio

import httpx

from auth.server.interactive.authorize import TIME_TO_ANSWER
from auth.server.interactive.par import LIFE
from storage.oauth import pushed_requests
from tests.auth.holder import Holder
from tests.protocol.flow import App, Flow, Person, answered


async def push(app: App, **changes: str | None) -> httpx.Response:
    return await app.post("/oauth2/par", app.request(**changes))


async def pushed(app: App, **changes: str | None) -> str:
    answer = await push(app, **changes)
    assert answer.status_code == 201, answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    body = answer.json()
    assert body.keys() == {"request_uri", "expires_in"}
    assert body["expires_in"] == LIFE <= 90
    uri: str = body["request_uri"]
    return uri


async def show(person: Person, app: App, uri: str, **more: str) -> httpx.Response:
    parameters = {"client_id": app.client.client_id, "request_uri": uri, **more}
    return await person.browser.client.get("/oauth2/authorize", params=parameters)


def is_spent(answer: httpx.Response) -> None:
    assert answer.status_code == 400, answer.text
    assert "spent-authorization-request" in answer.text
    assert "Location" not in answer.headers


async def test_section_4_the_request_by_its_name(any_flow: Flow) -> None:
    """And what stands beside the name in the address counts for nothing."""
    app, person = await any_flow.app(), await any_flow.person()
    uri = await pushed(app, scope="openid behov:read", state="pushed")
    page = await show(
        person, app, uri, scope="behov:write", state="forged", redirect_uri="https://evil.example"
    )
    told = answered(await person.answer(page))
    assert told["state"] == "pushed"
    body = (await app.redeem(told["code"])).json()
    assert body["scope"] == "behov:read openid"


async def test_section_7_3_for_one_use_at_the_code_and_not_at_the_page(any_flow: Flow) -> None:
    app, person = await any_flow.app(), await any_flow.person()
    uri = await pushed(app)
    for _ in range(3):
        page = await show(person, app, uri)
        assert page.status_code == 200, "a page that is loaded again ends nothing"
    assert "code" in answered(await person.answer(page))
    is_spent(await show(person, app, uri))
    is_spent(await person.answer(page))
    uri = await pushed(app)
    answers = await asyncio.gather(*(show(person, app, uri) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [303] + [400] * 7
    denied = await pushed(app, prompt="consent")
    page = await show(person, app, denied)
    assert answered(await person.answer(page, yes=False))["error"] == "access_denied"
    is_spent(await show(person, app, denied))


async def test_section_2_2_it_expires_before_and_after_it_was_seen(any_flow: Flow) -> None:
    app, person = await any_flow.app(), await any_flow.person()
    late = await pushed(app)
    any_flow.platform.now += LIFE
    is_spent(await show(person, app, late))
    seen = await pushed(app)
    assert (await show(person, app, seen)).status_code == 200
    any_flow.platform.now += TIME_TO_ANSWER - 1
    assert (await show(person, app, seen)).status_code == 200, "signing in may take a while"
    any_flow.platform.now += 1
    is_spent(await show(person, app, seen))


async def test_section_2_1_it_is_the_clients_own(flow: Flow) -> None:
    app, other, person = await flow.app(), await flow.app(), await flow.person()
    is_spent(await show(person, other, await pushed(app)))
    named = await app.post("/oauth2/par", other.request())
    assert named.status_code == 400
    for wrong in (
        "urn:ietf:params:oauth:request_uri:",
        "urn:ietf:params:oauth:request_uri:x",
    ):
        is_spent(await show(person, app, wrong))


async def test_section_2_3_faults_are_told_to_the_client(flow: Flow) -> None:
    app = await flow.app()
    uri = await pushed(app)
    cases: list[tuple[dict[str, str | None], str]] = [
        ({"redirect_uri": "https://evil.example/"}, "invalid_request"),
        ({"redirect_uri": None}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": "admin"}, "invalid_scope"),
        ({"request_uri": uri}, "request_uri_not_supported"),
        ({"request": "x.y.z"}, "request_not_supported"),
    ]
    for changes, error in cases:
        answer = await push(app, **changes)
        assert (answer.status_code, answer.json()["error"]) == (400, error), changes
        assert answer.headers["Cache-Control"] == "no-store"
    answer = await flow.outside.post("/oauth2/par", data=app.request(client_secret="wrong"))
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert (await flow.outside.get("/oauth2/par")).status_code == 405
    machine = await flow.app(grant_types=("client_credentials",))
    assert (await push(machine)).json()["error"] == "unauthorized_client"


async def test_section_6_a_profile_that_takes_no_other(any_flow: Flow) -> None:
    """FAPI 2.0 Security Profile, 5.3.2.2."""
    person = await any_flow.person()
    for metadata in ({"profile": "fapi2"}, {"require_pushed_authorization_requests": True}):
        app = await any_flow.app(**metadata)
        assert answered(await person.open(app))["error"] == "invalid_request"
        page = await show(person, app, await pushed(app))
        assert "code" in answered(await person.answer(page))


async def test_a_pushed_prompt_is_answered_by_signing_in_after_the_push(any_flow: Flow) -> None:
    """Nothing in the address can say otherwise."""
    app, person = await any_flow.app(), await any_flow.person()
    await person.authorize(app)
    any_flow.platform.now += 10
    uri = await pushed(app, prompt="login")
    forged = await show(person, app, uri, sluss_since="1", prompt="")
    assert forged.headers["location"].startswith("/console/sign-in")
    await person.sign_in()
    assert "code" in answered(await show(person, app, uri))


async def test_no_proof_of_the_client_is_kept(flow: Flow) -> None:
    app = await flow.app()
    form = app.request(client_secret=app.client.secret)
    assert (await flow.outside.post("/oauth2/par", data=form)).status_code == 201
    async with flow.database.read() as session:
        rows = (await session.execute(pushed_requests.table.select())).all()
    assert rows
    assert app.client.secret not in str(rows)


async def test_rfc9449_10_1_the_code_is_for_the_key_of_the_push(any_flow: Flow) -> None:
    app, person = await any_flow.app(), await any_flow.person()
    own = Holder()
    for more in ({}, {"dpop_jkt": own.thumbprint}):
        for holder, works in ((Holder(), False), (None, False), (own, True)):
            app.holder = own
            page = await show(person, app, await pushed(app, prompt="consent", **more))
            code = answered(await person.answer(page))["code"]
            app.holder = holder
            assert (await app.redeem(code)).status_code == (200 if works else 400)
    assert (await push(app, dpop_jkt="x" * 43)).json()["error"] == "invalid_dpop_proof"
    app.holder = None
    code = (await person.authorize(app, dpop_jkt=own.thumbprint))["code"]
    assert (await app.redeem(code)).json()["error"] == "invalid_grant", "without a proof"

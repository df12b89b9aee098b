"""RFC 6749, 6 and RFC 9700, 4.14: refresh tokens rotate, end, and never widen (promises T21, T22)."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from typing import Any

import httpx

from auth.credentials.secrets import hash_of
from auth.grants.issuing import GRANT_LIFE, REFRESH_IDLE
from auth.origin import system
from storage import people, sessions
from storage.oauth import grants, refresh_tokens
from tests.auth.holder import Holder
from tests.auth.mint import ISSUER
from tests.console.browser import Browser
from tests.protocol.flow import PASSWORD, App, Flow, Person, answered, is_invalid_grant, refused_at_the_edge


async def begun(flow: Flow, **metadata: Any) -> tuple[App, Person, dict[str, Any]]:
    app, person = await flow.app(**metadata), await flow.person()
    return app, person, await app.tokens(person)


async def test_section_6_a_new_token_for_an_old_one(any_flow: Flow) -> None:
    app, person, body = await begun(any_flow)
    assert re.fullmatch(r"sluss_ref_[A-Za-z0-9_-]{43}[A-Za-z0-9]{6}", body["refresh_token"])
    for _ in range(3):
        answer = await app.refresh(body["refresh_token"])
        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.json()["refresh_token"] != body["refresh_token"]
        body = answer.json()
        principal = await any_flow.platform.principal(body["access_token"])
        assert principal.subject == person.id
        assert principal.scopes == {"openid", "behov:read", "offline_access"}


async def test_rfc9700_4_14_2_a_second_use_ends_the_family(any_flow: Flow) -> None:
    """T21: the thief's tokens and the robbed client's."""
    app, _, first = await begun(any_flow)
    second = (await app.refresh(first["refresh_token"])).json()
    assert not await refused_at_the_edge(any_flow, app, second["access_token"])
    is_invalid_grant(await app.refresh(first["refresh_token"]))
    is_invalid_grant(await app.refresh(second["refresh_token"]))
    for body in (first, second):
        assert await refused_at_the_edge(any_flow, app, body["access_token"])


async def test_rfc9700_4_14_2_eight_uses_one_winner(any_flow: Flow) -> None:
    app, person, _ = await begun(any_flow)
    for _ in range(3):
        token = (await app.tokens(person))["refresh_token"]
        answers = await asyncio.gather(*(app.refresh(token) for _ in range(8)))
        assert sorted(answer.status_code for answer in answers) == [200] + [400] * 7


async def test_fapi2_5_3_2_1_no_rotation_for_clients_that_prove_themselves(any_flow: Flow) -> None:
    """A lost answer must not end the grant: the same token again and again, prolonged by use."""
    app, person = await any_flow.app(profile="fapi2"), await any_flow.person()
    pushed = await app.post("/oauth2/par", app.request())
    named = {"client_id": app.client.client_id, "request_uri": pushed.json()["request_uri"]}
    page = await person.browser.client.get("/oauth2/authorize", params=named)
    body = (await app.redeem(answered(await person.answer(page))["code"])).json()
    assert body["token_type"] == "DPoP"
    for _ in range(2):
        any_flow.platform.now += REFRESH_IDLE - 1
        answer = await app.refresh(body["refresh_token"])
        assert answer.json()["refresh_token"] == body["refresh_token"]
    answers = await asyncio.gather(*(app.refresh(body["refresh_token"]) for _ in range(8)))
    assert {answer.status_code for answer in answers} == {200}


async def test_section_6_it_ends_when_unused_and_at_last(any_flow: Flow) -> None:
    app, person, body = await begun(any_flow)
    start = any_flow.platform.now
    any_flow.platform.now = start + REFRESH_IDLE
    is_invalid_grant(await app.refresh(body["refresh_token"]))
    any_flow.platform.now = start
    body = await app.tokens(person)
    while any_flow.platform.now + REFRESH_IDLE - 60 < start + GRANT_LIFE:
        any_flow.platform.now += REFRESH_IDLE - 60
        answer = await app.refresh(body["refresh_token"])
        assert answer.status_code == 200
        body = answer.json()
    any_flow.platform.now = start + GRANT_LIFE
    is_invalid_grant(await app.refresh(body["refresh_token"]))


async def test_section_6_never_more_than_was_granted(any_flow: Flow) -> None:
    """T22."""
    app, _, body = await begun(any_flow)
    token = body["refresh_token"]
    for scope in ("behov:read behov:write", "behov:write", "eko:call", "profile", "admin", "*", "å", '"'):
        answer = await app.refresh(token, scope=scope)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope")
    narrow = (await app.refresh(token, scope="behov:read")).json()
    assert narrow["scope"] == "behov:read"
    assert "id_token" not in narrow
    wide = (await app.refresh(narrow["refresh_token"])).json()
    assert wide["scope"] == "behov:read offline_access openid", (
        "what was granted, not what was last asked for"
    )


async def test_section_6_another_clients_token(any_flow: Flow) -> None:
    """T22: and the owner's goes on."""
    app, _, body = await begun(any_flow)
    other = await any_flow.app()
    is_invalid_grant(await other.refresh(body["refresh_token"]))
    assert (await app.refresh(body["refresh_token"])).status_code == 200


async def test_section_6_what_is_no_refresh_token(any_flow: Flow) -> None:
    app, _, body = await begun(any_flow)
    token = body["refresh_token"]
    wrong = (
        token[:-1],
        token + "x",
        token.swapcase(),
        body["access_token"],
        "x",
        "\x00",
        "å",
        '"',
        "x" * 5000,
    )
    for text in wrong:
        is_invalid_grant(await app.refresh(text))
    answer = await app.post("/oauth2/token", {"grant_type": "refresh_token"})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert (await app.refresh(token)).status_code == 200


async def test_rfc9700_4_14_2_at_a_change_of_password_all_end(any_flow: Flow) -> None:
    app, person, body = await begun(any_flow)
    async with any_flow.database.read() as session:
        known = await people.by_id(session, person.id)
    assert known is not None
    await any_flow.people.change_password(
        known, old=PASSWORD, new="ett annat långt lösenord", now=any_flow.platform.now, origin=system("test")
    )
    is_invalid_grant(await app.refresh(body["refresh_token"]))
    assert await refused_at_the_edge(any_flow, app, body["access_token"])


async def sign_out(person: Person) -> None:
    page = await person.browser.get("/console/")
    await person.browser.submit(page, "/sign-out")


async def test_rfc9700_4_14_2_at_sign_out(any_flow: Flow) -> None:
    """What is to outlive the session was allowed expressly, and goes to clients that keep a secret alone."""
    lasting, brief = await any_flow.app(), await any_flow.app()
    public = await any_flow.app(auth_method="none")
    person = await any_flow.person()
    kept = await lasting.tokens(person)
    ended = await brief.tokens(person, scope="openid behov:read")
    open_body = await public.tokens(person)
    await sign_out(person)
    assert (await lasting.refresh(kept["refresh_token"])).status_code == 200
    assert await refused_at_the_edge(any_flow, brief, ended["access_token"])
    is_invalid_grant(await public.refresh(open_body["refresh_token"]))


async def test_rfc9700_4_14_2_at_sign_out_of_a_session_that_ended_by_itself(any_flow: Flow) -> None:
    app, person = await any_flow.app(), await any_flow.person()
    await app.tokens(person, scope="openid behov:read")
    [session_id] = [each.value for each in person.browser.client.cookies.jar if "session" in each.name]
    assert session_id is not None
    now = any_flow.platform.now
    async with any_flow.database.begin() as session:
        await sessions.delete(session, hash_of(session_id))  # as the worker does with what is over
        assert await grants.live_of_person(session, person.id, now)
    await any_flow.people.sign_out(session_id, now, system("test"))
    async with any_flow.database.read() as session:
        assert not await grants.live_of_person(session, person.id, now)


async def test_rfc9700_4_14_2_when_the_person_ends_all_sessions(any_flow: Flow) -> None:
    """Not only at sign-out in the browser that the app was in."""
    lasting, app, person = await any_flow.app(), await any_flow.app(), await any_flow.person()
    offline = await lasting.tokens(person)
    online = await app.tokens(person, scope="openid behov:read")
    elsewhere = Browser(httpx.AsyncClient(transport=any_flow.transport, base_url=ISSUER))
    other = replace(person, browser=elsewhere)
    await other.sign_in()
    page = await other.browser.get("/console/security")
    assert not await refused_at_the_edge(any_flow, app, online["access_token"])
    await other.browser.submit(page, "/security/sessions/end")
    assert await refused_at_the_edge(any_flow, app, online["access_token"])
    assert (await lasting.refresh(offline["refresh_token"])).status_code == 200


async def test_signing_in_again_ends_nothing_of_ones_own(any_flow: Flow) -> None:
    app, person = await any_flow.app(), await any_flow.person()
    body = await app.tokens(person, scope="openid behov:read")
    any_flow.platform.now += 1
    again = await person.authorize(app, prompt="login", scope="openid behov:read")
    assert "code" in again
    assert not await refused_at_the_edge(any_flow, app, body["access_token"])
    await sign_out(person)
    assert await refused_at_the_edge(any_flow, app, body["access_token"])


async def test_rfc8707_2_2_the_token_names_the_api(any_flow: Flow) -> None:
    """A token for one API is no token for another, and a refresh does not change that."""
    app, person = await any_flow.app("behov/v1", "eko/v1"), await any_flow.person()
    body = await app.tokens(person, resource=f"{ISSUER}/behov/v1")
    principal = await any_flow.platform.principal(body["access_token"])
    assert principal.apis == {"behov/v1"}
    again = (await app.refresh(body["refresh_token"])).json()
    assert (await any_flow.platform.principal(again["access_token"])).apis == {"behov/v1"}
    for resource in (f"{ISSUER}/eko/v1", ISSUER, "https://evil.example", "x" * 3000):
        answer = await app.refresh(again["refresh_token"], resource=resource)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_target")
    free = await app.tokens(person)
    narrowed = (await app.refresh(free["refresh_token"], resource=f"{ISSUER}/eko/v1")).json()
    assert (await any_flow.platform.principal(narrowed["access_token"])).apis == {"eko/v1"}


async def test_tokens_are_stored_as_hashes(flow: Flow) -> None:
    _, _, body = await begun(flow)
    async with flow.database.read() as session:
        rows = (await session.execute(refresh_tokens.table.select())).all()
    assert rows
    assert body["refresh_token"] not in str(rows)


async def test_rfc7009_2_1_a_client_gives_its_refresh_token_back(any_flow: Flow) -> None:
    app, person, body = await begun(any_flow)
    other = await any_flow.app()
    form = {"token": body["refresh_token"], "token_type_hint": "refresh_token"}
    is_invalid_grant(await other.post("/oauth2/revoke", form))
    assert (await app.post("/oauth2/introspect", {"token": body["access_token"]})).json()["sub"] == person.id
    assert (await app.post("/oauth2/revoke", form)).status_code == 200
    assert (await app.post("/oauth2/revoke", form)).status_code == 200
    is_invalid_grant(await app.refresh(body["refresh_token"]))
    assert await refused_at_the_edge(any_flow, app, body["access_token"])
    answer = await app.post("/oauth2/introspect", {"token": body["access_token"]})
    assert answer.json() == {"active": False}


async def test_rfc9449_5_a_public_clients_refresh_token_is_bound_to_its_key(any_flow: Flow) -> None:
    app, person = await any_flow.app(auth_method="none"), await any_flow.person()
    own = app.holder = Holder()
    body = await app.tokens(person)
    assert body["token_type"] == "DPoP"
    for other in (None, Holder()):
        app.holder = other
        is_invalid_grant(await app.refresh(body["refresh_token"]))
    app.holder = own
    again = (await app.refresh(body["refresh_token"])).json()
    assert again["token_type"] == "DPoP"
    app.holder = Holder()
    is_invalid_grant(await app.refresh(again["refresh_token"]))


async def test_a_public_client_refreshes_with_its_name_alone(any_flow: Flow) -> None:
    app, _, body = await begun(any_flow, auth_method="none")
    body = (await app.refresh(body["refresh_token"])).json()
    is_invalid_grant(await (await any_flow.app(auth_method="none")).refresh(body["refresh_token"]))
    assert (await app.refresh(body["refresh_token"])).status_code == 200

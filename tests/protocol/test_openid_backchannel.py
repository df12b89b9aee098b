"""OpenID Connect Back-Channel Logout 1.0: clients are told that a session has ended (promise T8)."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from auth.errors import RefusedAddress, WrongTokenType
from auth.origin import system
from auth.server.interactive.backchannel import PAUSES, deliver
from auth.server.keyring import Keyring
from storage import people
from storage.oauth import logout_notices
from tests.auth.mint import ISSUER
from tests.protocol.flow import PASSWORD, Flow, Person

THERE = "https://app.example/ended"


@dataclass
class Post:
    """Answers with what it is told to, and remembers."""

    status: int = 200
    sent: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)

    async def post(self, url: str, form: Mapping[str, str]) -> int:
        self.sent.append((url, form))
        if not self.status:
            raise RefusedAddress("nobody there")
        return self.status


async def told(flow: Flow, post: Post) -> None:
    keyring = Keyring(ISSUER, flow.platform.master_key)
    await deliver(flow.database, ISSUER, keyring, post, flow.platform.now)


async def waiting(flow: Flow) -> int:
    async with flow.database.read() as session:
        return len((await session.execute(logout_notices.table.select())).all())


async def sign_out(person: Person) -> None:
    await person.browser.submit(await person.browser.get("/console/"), "/sign-out")


def claims_of(token: str) -> dict[str, Any]:
    part = token.split(".")[1]
    found: dict[str, Any] = json.loads(urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return found


async def test_section_2_4_each_app_of_the_session_is_told_once(any_flow: Flow) -> None:
    wanting = await any_flow.app(backchannel_logout_uri=THERE)
    silent, idle = await any_flow.app(), await any_flow.app(backchannel_logout_uri="https://idle.example/")
    person, other = await any_flow.person(), await any_flow.person()
    bodies = [await app.tokens(person, scope="openid") for app in (wanting, wanting, silent)]
    await idle.tokens(other, scope="openid")
    post = Post()
    await told(any_flow, post)
    assert post.sent == []
    await sign_out(person)
    await told(any_flow, post)
    await told(any_flow, post)
    [(url, form)] = post.sent
    assert (url, set(form)) == (THERE, {"logout_token"})
    claims = claims_of(form["logout_token"])
    assert claims["sid"] == claims_of(bodies[0]["id_token"])["sid"]
    assert (claims["iss"], claims["aud"], claims["sub"]) == (ISSUER, wanting.client.client_id, person.id)
    assert claims["events"] == {"http://schemas.openid.net/event/backchannel-logout": {}}
    assert "nonce" not in claims
    assert claims["jti"]
    assert claims["exp"] - claims["iat"] == 120
    with pytest.raises(WrongTokenType):
        await any_flow.platform.principal(form["logout_token"])


async def test_section_2_4_what_outlives_its_session_is_told_of_once(any_flow: Flow) -> None:
    """However many other sessions of the person end later."""
    app, person = await any_flow.app(backchannel_logout_uri=THERE), await any_flow.person()
    body = await app.tokens(person)  # offline_access
    await sign_out(person)
    await person.sign_in()
    page = await person.browser.get("/console/security")
    await person.browser.submit(page, "/security/sessions/end")
    post = Post()
    await told(any_flow, post)
    assert len(post.sent) == 1
    assert (await app.refresh(body["refresh_token"])).status_code == 200


async def test_section_2_4_a_new_password_ends_sessions_and_the_apps_are_told(any_flow: Flow) -> None:
    app, person = await any_flow.app(backchannel_logout_uri=THERE), await any_flow.person()
    await app.tokens(person, scope="openid")
    async with any_flow.database.read() as session:
        known = await people.by_id(session, person.id)
    assert known is not None
    now, origin = any_flow.platform.now, system("test")
    await any_flow.people.change_password(known, old=PASSWORD, new=PASSWORD + "!", now=now, origin=origin)
    post = Post()
    await told(any_flow, post)
    assert len(post.sent) == 1


async def test_section_2_8_who_does_not_answer_is_told_again_and_then_no_more(any_flow: Flow) -> None:
    app, person = await any_flow.app(backchannel_logout_uri=THERE), await any_flow.person()
    await app.tokens(person, scope="openid")
    await sign_out(person)
    post = Post(status=500)
    for number, pause in enumerate(PAUSES):
        await told(any_flow, post)
        assert len(post.sent) == number + 1
        any_flow.platform.now += pause - 1
        await told(any_flow, post)
        assert len(post.sent) == number + 1, "not before its time"
        any_flow.platform.now += 1
    post.status = 0
    await told(any_flow, post)
    assert len(post.sent) == len(PAUSES) + 1
    assert await waiting(any_flow) == 0


async def test_another_person_on_the_same_machine(flow: Flow) -> None:
    app, person, other = (
        await flow.app(backchannel_logout_uri=THERE),
        await flow.person(),
        await flow.person(),
    )
    await app.tokens(person, scope="openid")
    await person.sign_in()
    post = Post()
    await told(flow, post)
    assert post.sent == [], "signing in again ends nothing"
    person.email = other.email
    await person.sign_in()
    await told(flow, post)
    assert [claims_of(form["logout_token"])["sub"] for _, form in post.sent] == [person.id]

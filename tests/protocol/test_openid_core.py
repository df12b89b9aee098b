"""OpenID Connect Core 1.0: ID tokens and UserInfo (promise T8)."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from auth.errors import WrongTokenType
from storage import apps, people
from tests.auth.holder import Holder
from tests.auth.mint import ISSUER, NOW
from tests.protocol.flow import Flow


async def claims_of(flow: Flow, text: str) -> dict[str, Any]:
    """As a client reads it: by the published keys, with the one algorithm of the metadata."""
    document = (await flow.outside.get("/.well-known/openid-configuration")).json()
    keys = KeySet.import_key_set((await flow.outside.get(document["jwks_uri"])).json())
    token = jwt.decode(text, keys, algorithms=document["id_token_signing_alg_values_supported"])
    assert token.header["typ"] == "JWT"
    return dict(token.claims)


async def test_section_2_the_id_token(any_flow: Flow) -> None:
    app, person = await any_flow.app(), await any_flow.person()
    any_flow.platform.now += 5
    body = await app.tokens(person)
    claims = await claims_of(any_flow, body["id_token"])
    half = sha256(body["access_token"].encode()).digest()[:16]
    sid = claims.pop("sid")
    assert claims == {
        "iss": ISSUER,
        "sub": person.id,
        "aud": app.client.client_id,
        "iat": NOW + 5,
        "exp": NOW + 305,
        "auth_time": NOW,
        "nonce": "n-0S6_WzA2Mj",
        "acr": "https://refeds.org/profile/sfa",
        "amr": ["pwd"],
        "at_hash": urlsafe_b64encode(half).rstrip(b"=").decode(),
    }
    assert len(sid) == 22
    again = await claims_of(any_flow, (await app.refresh(body["refresh_token"])).json()["id_token"])
    assert again["sid"] == sid
    assert "nonce" not in again
    assert (again["auth_time"], again["sub"]) == (NOW, person.id)


async def test_section_3_1_3_7_the_nonce_is_the_requests_own(flow: Flow) -> None:
    app, person = await flow.app(), await flow.person()
    without = await claims_of(flow, (await app.tokens(person, nonce=None))["id_token"])
    assert "nonce" not in without
    odd = 'åäö "quoted" & ' + "x" * 64
    assert (await claims_of(flow, (await app.tokens(person, nonce=odd))["id_token"]))["nonce"] == odd


async def test_section_3_1_2_1_without_openid_there_is_none(flow: Flow) -> None:
    app, person = await flow.app(), await flow.person()
    assert "id_token" not in await app.tokens(person, scope="behov:read")


async def test_t8_an_id_token_opens_nothing(flow: Flow) -> None:
    app, person = await flow.app(), await flow.person()
    body = await app.tokens(person)
    with pytest.raises(WrongTokenType):
        await flow.platform.principal(body["id_token"])
    assert (await ask(flow, body["id_token"])).status_code == 401


async def ask(flow: Flow, token: str, method: str = "GET") -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}"}
    return await flow.outside.request(method, "/oauth2/userinfo", headers=headers)


@pytest.mark.parametrize(
    ("scope", "names"),
    [
        ("openid", {"sub"}),
        ("openid profile", {"sub", "name", "locale"}),
        ("openid email", {"sub", "email", "email_verified"}),
        ("openid profile email", {"sub", "name", "locale", "email", "email_verified"}),
    ],
)
async def test_section_5_3_what_was_allowed_and_no_more(flow: Flow, scope: str, names: set[str]) -> None:
    app, person = await flow.app(), await flow.person()
    token = (await app.tokens(person, scope=scope))["access_token"]
    for method in ("GET", "POST"):
        answer = await ask(flow, token, method)
        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.json().keys() == names
        assert answer.json()["sub"] == person.id


def refused(answer: httpx.Response, status: int, error: str | None) -> None:
    assert answer.status_code == status, answer.text
    challenge = answer.headers["WWW-Authenticate"]
    assert challenge.startswith('Bearer realm="sluss"')
    assert (f'error="{error}"' in challenge) if error else ("error" not in challenge)


async def test_section_5_3_3_refusals(any_flow: Flow) -> None:
    app, person = await any_flow.app(), await any_flow.person()
    body = await app.tokens(person)
    token = body["access_token"]
    refused(await any_flow.outside.get("/oauth2/userinfo"), 401, None)
    for wrong in (token[:-2], "x", "a.b.c", ""):
        answer = await ask(any_flow, wrong)
        assert answer.status_code == 401
    refused(await any_flow.outside.get(f"/oauth2/userinfo?access_token={token}"), 400, "invalid_request")
    two = [("Authorization", f"Bearer {token}")] * 2
    refused(await any_flow.outside.get("/oauth2/userinfo", headers=two), 400, "invalid_request")
    narrow = (await app.tokens(person, scope="behov:read"))["access_token"]
    refused(await ask(any_flow, narrow), 403, "insufficient_scope")
    machine = await any_flow.platform.token(await any_flow.platform.client("behov/v1"))
    refused(await ask(any_flow, machine), 401, "invalid_token")
    any_flow.platform.now += 301
    refused(await ask(any_flow, token), 401, "invalid_token")


async def test_section_5_3_what_the_edge_refuses_is_refused_here(any_flow: Flow) -> None:
    app, person = await any_flow.app(), await any_flow.person()
    token = (await app.tokens(person))["access_token"]
    assert (await ask(any_flow, token)).status_code == 200
    page = await person.browser.get("/console/access")
    await person.browser.submit(page, "/withdraw")
    refused(await ask(any_flow, token), 401, "invalid_token")
    token = (await app.tokens(person))["access_token"]
    async with any_flow.database.begin() as session:
        await people.set_disabled(session, person.id, NOW)
    refused(await ask(any_flow, token), 401, "invalid_token")
    async with any_flow.database.begin() as session:
        await people.set_disabled(session, person.id, None)
    assert (await ask(any_flow, token)).status_code == 200
    async with any_flow.database.begin() as session:
        client = app.client
        await apps.set_state(session, client.organisation_id, client.app_id, "suspended", NOW)
    refused(await ask(any_flow, token), 401, "invalid_token")


async def test_discovery_4_2_what_is_required_is_there(flow: Flow) -> None:
    document = (await flow.outside.get("/.well-known/openid-configuration")).json()
    for name in (
        *("issuer", "authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri"),
        *("response_types_supported", "subject_types_supported", "id_token_signing_alg_values_supported"),
    ):
        assert document[name], name
    assert document["issuer"] == ISSUER
    assert {url.split("/")[2] for name, url in document.items() if name.endswith(("_endpoint", "_uri"))} == {
        ISSUER.split("/")[2]
    }


async def test_rfc9449_7_a_bound_token_asks_with_its_proof(any_flow: Flow) -> None:
    """T9: never as Bearer, never twice with one proof."""
    app, person = await any_flow.app(), await any_flow.person()
    holder = app.holder = Holder()
    token = (await app.tokens(person))["access_token"]
    refused(await ask(any_flow, token), 401, "invalid_token")
    said: dict[str, Any] = {"htm": "GET", "htu": f"{ISSUER}/oauth2/userinfo"}

    async def show(proof: str) -> httpx.Response:
        headers = {"Authorization": f"DPoP {token}", "DPoP": proof}
        return await any_flow.outside.get("/oauth2/userinfo", headers=headers)

    good = holder.proof(token, **said)
    assert (await show(good)).json()["sub"] == person.id
    for wrong in (good, Holder().proof(token, **said), holder.proof(None, **said), holder.proof(token)):
        refused(await show(wrong), 401, "invalid_token")

"""RFC 7662: token introspection (promise T31)."""

from __future__ import annotations

import httpx

from storage import apps
from tests.auth.mint import ISSUER, NOW, Mint
from tests.auth.platform import Client, Platform

INACTIVE = {"active": False}


async def introspect(platform: Platform, client: Client, token: str) -> httpx.Response:
    headers = {"Authorization": client.basic}
    return await platform.http.post("/oauth2/introspect", data={"token": token}, headers=headers)


async def test_section_2_2_an_own_live_token(any_platform: Platform) -> None:
    client = await any_platform.client("behov/v1")
    token = await any_platform.token(client)
    answer = await introspect(any_platform, client, token)
    principal = await any_platform.principal(token)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.json() == {
        "active": True,
        "token_type": "Bearer",
        "iss": ISSUER,
        "aud": ISSUER,
        "sub": client.client_id,
        "client_id": client.client_id,
        "jti": principal.token_id,
        "iat": NOW,
        "exp": NOW + 300,
        "scope": "behov:read behov:write",
    }


async def test_section_2_2_everything_else_is_inactive_and_no_more(platform: Platform) -> None:
    client = await platform.client("behov/v1")
    others = await platform.token(await platform.client("behov/v1"))
    siblings = await platform.token(await platform.client("behov/v1", organisation=client.organisation_id))
    foreign = Mint()
    for token in (
        others,
        siblings,
        "x",
        "å",
        "\x00",
        '"\\',
        client.secret,
        foreign.token(client_id=client.client_id).decode(),
        foreign.raw(b"[" * 380, b"[" * 5000).decode(),
    ):
        answer = await introspect(platform, client, token)
        assert (answer.status_code, answer.json()) == (200, INACTIVE), token


async def test_section_2_2_no_longer_active(any_platform: Platform) -> None:
    client = await any_platform.client("behov/v1")
    revoked, cut = await any_platform.token(client), await any_platform.token(client)
    headers = {"Authorization": client.basic}
    await any_platform.http.post("/oauth2/revoke", data={"token": revoked}, headers=headers)
    assert (await introspect(any_platform, client, revoked)).json() == INACTIVE
    assert (await introspect(any_platform, client, cut)).json()["active"] is True
    async with any_platform.database.begin() as session:
        await apps.set_tokens_valid_from(session, client.organisation_id, client.app_id, NOW + 1)
    assert (await introspect(any_platform, client, cut)).json() == INACTIVE
    late = await any_platform.token(client)
    any_platform.now = NOW + 301  # within the edge's skew, but the issuer knows its own clock
    assert (await introspect(any_platform, client, late)).json() == INACTIVE


async def test_section_2_1_the_caller_authenticates_and_names_a_token(platform: Platform) -> None:
    client = await platform.client("behov/v1")
    token = await platform.token(client)
    anonymous = await platform.http.post("/oauth2/introspect", data={"token": token})
    as_bearer = await platform.http.post(
        "/oauth2/introspect", data={"token": token}, headers={"Authorization": f"Bearer {token}"}
    )
    for answer in (anonymous, as_bearer):
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    missing = await platform.http.post(
        "/oauth2/introspect", data={"x": "y"}, headers={"Authorization": client.basic}
    )
    assert (missing.status_code, missing.json()["error"]) == (400, "invalid_request")

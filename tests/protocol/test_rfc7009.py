"""RFC 7009: token revocation (promises T12-T14, T31)."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from auth.authorise import honoured
from auth.errors import RevokedToken
from auth.policy import AccessTable, AppAccess
from storage import apps
from tests.auth.mint import NOW, Mint
from tests.auth.platform import Client, Platform


async def revoke(platform: Platform, client: Client, token: str, **extra: str) -> httpx.Response:
    headers = {"Authorization": client.basic}
    return await platform.http.post("/oauth2/revoke", data={"token": token, **extra}, headers=headers)


async def table(platform: Platform) -> AccessTable:
    """The edge's table, from the rows its snapshot reads."""
    rows = await platform.access()
    return AccessTable(
        apps={
            app.client_id: AppAccess(
                app.id,
                app.client_id,
                app.organisation_id,
                app.environment,
                app.state == "active",
                app.tokens_valid_from,
            )
            for app in rows.apps
        },
        revoked=rows.revoked,
    )


async def refused_at_the_edge(platform: Platform, token: str) -> bool:
    try:
        honoured(await platform.principal(token), await table(platform))
    except RevokedToken:
        return True
    return False


async def test_section_2_a_revoked_token_is_refused(any_platform: Platform) -> None:
    client = await any_platform.client("behov/v1")
    token, other = await any_platform.token(client), await any_platform.token(client)
    before = (await any_platform.access()).version
    answer = await revoke(any_platform, client, token)
    assert (answer.status_code, answer.json()) == (200, {})
    assert answer.headers["Cache-Control"] == "no-store"
    assert (await any_platform.access()).version > before  # the edges are told
    assert await refused_at_the_edge(any_platform, token)
    assert not await refused_at_the_edge(any_platform, other)


async def test_section_2_1_it_is_recorded_in_the_same_transaction(platform: Platform) -> None:
    client = await platform.client("behov/v1")
    token = await platform.token(client)
    await revoke(platform, client, token)
    entry = (await platform.audit())[0]
    assert (entry.act, entry.actor_kind, entry.actor_id) == ("token.revoke", "app", client.app_id)
    assert entry.object_id == (await platform.principal(token)).token_id
    assert entry.organisation_id == client.organisation_id


async def test_a_revocation_outlives_the_skew(platform: Platform) -> None:
    """A token passes until 30 s after its `exp`: its revocation must not end before."""
    client = await platform.client("behov/v1")
    token = await platform.token(client)
    await revoke(platform, client, token)
    platform.now = NOW + 329
    assert await refused_at_the_edge(platform, token)


async def test_section_2_1_twice_and_in_parallel_is_once(any_platform: Platform) -> None:
    client = await any_platform.client("behov/v1")
    token = await any_platform.token(client)
    answers = await asyncio.gather(*(revoke(any_platform, client, token) for _ in range(10)))
    assert {answer.status_code for answer in answers} == {200}
    assert await refused_at_the_edge(any_platform, token)


async def test_section_2_1_nobody_revokes_anothers_token(platform: Platform) -> None:
    """T31: neither another organisation's client nor a sibling in the same one."""
    client = await platform.client("behov/v1")
    token = await platform.token(client)
    stranger = await platform.client("behov/v1")
    sibling = await platform.client("behov/v1", organisation=client.organisation_id)
    for other in (stranger, sibling):
        answer = await revoke(platform, other, token)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    assert not await refused_at_the_edge(platform, token)


async def test_section_2_2_what_is_no_token_is_answered_200(platform: Platform) -> None:
    client = await platform.client("behov/v1")
    foreign = Mint()
    for token in (
        "x",
        "a.b.c",
        "å",
        '"',
        "\\",
        "\x00",
        client.secret,
        foreign.token(client_id=client.client_id).decode(),
        foreign.raw(b"[" * 380, b"[" * 5000).decode(),  # pitfall 2
        "x" * 16_000,
    ):
        answer = await revoke(platform, client, token)
        assert (answer.status_code, answer.json()) == (200, {}), token
    assert (await platform.access()).revoked == frozenset()


async def test_section_2_2_an_expired_token_needs_no_revocation(platform: Platform) -> None:
    client = await platform.client("behov/v1")
    token = await platform.token(client)
    platform.now = NOW + 331
    assert (await revoke(platform, client, token)).status_code == 200
    assert (await platform.access()).revoked == frozenset()


@pytest.mark.parametrize("hint", ["access_token", "refresh_token", "id_token", "å"])
async def test_section_2_1_a_hint_is_ignored(platform: Platform, hint: str) -> None:
    client = await platform.client("behov/v1")
    token = await platform.token(client)
    assert (await revoke(platform, client, token, token_type_hint=hint)).status_code == 200
    assert await refused_at_the_edge(platform, token)


async def test_section_2_1_the_token_is_required_and_the_client_authenticates(platform: Platform) -> None:
    client = await platform.client("behov/v1")
    token = await platform.token(client)
    missing = await platform.http.post(
        "/oauth2/revoke", data={"x": "y"}, headers={"Authorization": client.basic}
    )
    assert (missing.status_code, missing.json()["error"]) == (400, "invalid_request")
    anonymous = await platform.http.post("/oauth2/revoke", data={"token": token})
    named = await platform.http.post("/oauth2/revoke", data={"token": token, "client_id": client.client_id})
    for answer in (anonymous, named):
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert not await refused_at_the_edge(platform, token)


async def test_tokens_valid_from_ends_all_and_new_ones_pass(any_platform: Platform) -> None:
    """T14: a token asked for within the very second of the cut is newer than it."""
    client = await any_platform.client("behov/v1")
    old = await any_platform.token(client)
    async with any_platform.database.begin() as session:
        await apps.set_tokens_valid_from(session, client.organisation_id, client.app_id, NOW + 1)
    new = await any_platform.token(client)
    assert await refused_at_the_edge(any_platform, old)
    assert not await refused_at_the_edge(any_platform, new)
    assert (await any_platform.principal(new)).issued_at == NOW + 1

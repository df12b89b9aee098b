"""RFC 7517 and 7638: the published key set, and rotation with overlap (promises T14, T32)."""

from __future__ import annotations

import base64
import hashlib
import json

import pytest

from auth.errors import ForeignToken
from auth.tokens import signing
from auth.tokens.signing import LEAD, RETIRING_FOR
from tests.auth.mint import NOW
from tests.auth.platform import SYSTEM, Platform

PUBLIC = {"kty", "crv", "x", "y", "kid", "use", "alg"}


def kid_of(token: str) -> str:
    head = token.partition(".")[0]
    kid: str = json.loads(base64.urlsafe_b64decode(head + "=="))["kid"]
    return kid


async def published(platform: Platform) -> list[dict[str, str]]:
    answer = await platform.http.get("/oauth2/jwks")
    assert answer.status_code == 200
    keys: list[dict[str, str]] = answer.json()["keys"]
    return keys


async def rotate(platform: Platform) -> None:
    async with platform.database.begin() as session:
        await signing.rotate(session, platform.master_key, platform.now, SYSTEM)


async def test_section_5_public_members_only(any_platform: Platform) -> None:
    answer = await any_platform.http.get("/oauth2/jwks")
    keys = answer.json()["keys"]
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Cache-Control"] == "public, max-age=60"
    assert len(keys) == 2  # the one that signs and the next
    assert len({key["kid"] for key in keys}) == len(keys)
    for key in keys:
        assert key.keys() == PUBLIC
        assert (key["kty"], key["crv"], key["alg"], key["use"]) == ("EC", "P-256", "ES256", "sig")


async def test_rfc7638_the_kid_is_the_thumbprint(platform: Platform) -> None:
    for key in await published(platform):
        members = {name: key[name] for name in ("crv", "kty", "x", "y")}
        text = json.dumps(members, separators=(",", ":"), sort_keys=True).encode()
        digest = base64.urlsafe_b64encode(hashlib.sha256(text).digest()).rstrip(b"=").decode()
        assert key["kid"] == digest


async def test_a_token_names_a_published_key(platform: Platform) -> None:
    token = await platform.token(await platform.client("behov/v1"))
    assert kid_of(token) in {key["kid"] for key in await published(platform)}


async def test_rotation_overlaps_on_both_sides(any_platform: Platform) -> None:
    """T32: the new key was published before it signs, the old one is for as long as its tokens live."""
    platform = any_platform
    client = await platform.client("behov/v1")
    old = await platform.token(client)
    before = {key["kid"] for key in await published(platform)}
    platform.now += 100
    await rotate(platform)
    new = await platform.token(client)
    assert kid_of(new) != kid_of(old)
    assert kid_of(new) in before
    after = {key["kid"] for key in await published(platform)}
    assert after > before
    for token in (old, new):
        assert (await platform.principal(token)).client_id == client.client_id
    platform.now += RETIRING_FOR
    async with platform.database.begin() as session:
        assert await signing.retire_due(session, platform.now, SYSTEM) == 1
    assert kid_of(old) not in {key["kid"] for key in await published(platform)}


async def test_a_key_made_just_now_signs_after_its_lead(platform: Platform) -> None:
    """Rotations in a row: the edges have not yet read the key that is to sign."""
    client = await platform.client("behov/v1")
    read_by_the_edges = {key["kid"] for key in await published(platform)}
    for _ in range(4):
        await rotate(platform)
        assert kid_of(await platform.token(client)) in read_by_the_edges
    platform.now += LEAD
    assert kid_of(await platform.token(client)) not in read_by_the_edges


async def test_a_withdrawn_key_takes_its_tokens_along(any_platform: Platform) -> None:
    """T14: key deletion."""
    client = await any_platform.client("behov/v1")
    token = await any_platform.token(client)
    async with any_platform.database.begin() as session:
        assert await signing.withdraw(session, kid_of(token), any_platform.master_key, NOW, SYSTEM)
        assert not await signing.withdraw(session, "unknown", any_platform.master_key, NOW, SYSTEM)
    with pytest.raises(ForeignToken):
        await any_platform.principal(token)
    new = await any_platform.token(client)
    assert (await any_platform.principal(new)).client_id == client.client_id
    assert len(await published(any_platform)) == 2

"""Rolling a client secret: both work during the overlap, none of the old after it (promises T14, T33, P5)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from auth.authorise import honoured
from auth.credentials.rotation import LONGEST_OVERLAP, Issued, expiries, live, revoke, rotate
from auth.errors import RevokedToken, UnacceptableOverlap
from auth.policy import AccessTable, AppAccess
from storage import credentials
from storage.credentials import Credential
from storage.errors import NotFound
from tests.auth.mint import NOW
from tests.auth.platform import NOBODY, Client, Platform, basic


def credential(name: str, expires_at: int | None = None, revoked_at: int | None = None) -> Credential:
    return Credential(name, "app_1", "client_secret", "h", "abcd", NOW - 100, expires_at, revoked_at, None)


def test_expiries_shorten_and_never_lengthen() -> None:
    held = [
        credential("open"),
        credential("ends sooner", expires_at=NOW + 10),
        credential("ends later", expires_at=NOW + 10_000),
        credential("ended", expires_at=NOW),
        credential("revoked", revoked_at=NOW - 1),
    ]
    assert [one.id for one in live(held, NOW)] == ["open", "ends sooner", "ends later"]
    assert expiries(held, NOW, 3600) == {
        "open": NOW + 3600,
        "ends sooner": NOW + 10,
        "ends later": NOW + 3600,
    }


async def roll(platform: Platform, client: Client, overlap: int) -> Issued:
    async with platform.database.begin() as session:
        return await rotate(
            session, client.organisation_id, client.app_id, overlap=overlap, now=platform.now, origin=NOBODY
        )


async def status(platform: Platform, client: Client, secret: str) -> int:
    headers = {"Authorization": basic(client.client_id, secret)}
    form = {"grant_type": "client_credentials"}
    return (await platform.http.post("/oauth2/token", data=form, headers=headers)).status_code


async def test_both_secrets_work_until_the_overlap_ends(any_platform: Platform) -> None:
    client = await any_platform.client("behov/v1")
    new = (await roll(any_platform, client, 3600)).secret.text
    for seconds, old_works in ((0, 200), (3599, 200), (3600, 401)):
        any_platform.now = NOW + seconds
        assert await status(any_platform, client, client.secret) == old_works
        assert await status(any_platform, client, new) == 200


async def test_without_overlap_the_old_secret_and_its_tokens_end(any_platform: Platform) -> None:
    client = await any_platform.client("behov/v1")
    token = await any_platform.token(client)
    new = (await roll(any_platform, client, 0)).secret.text
    assert await status(any_platform, client, client.secret) == 401
    assert await status(any_platform, client, new) == 200
    rows = await any_platform.access()
    app = next(app for app in rows.apps if app.id == client.app_id)
    access = AppAccess(
        app.id, app.client_id, app.organisation_id, app.environment, True, app.tokens_valid_from
    )
    with pytest.raises(RevokedToken):
        honoured(await any_platform.principal(token), AccessTable(apps={app.client_id: access}))


async def test_a_token_between_two_rotations_of_one_second_ends_too(any_platform: Platform) -> None:
    client = await any_platform.client("behov/v1")
    new = (await roll(any_platform, client, 0)).secret.text
    token = await any_platform.token(replace(client, secret=new))
    await roll(any_platform, client, 0)
    app = next(app for app in (await any_platform.access()).apps if app.id == client.app_id)
    access = AppAccess(
        app.id, app.client_id, app.organisation_id, app.environment, True, app.tokens_valid_from
    )
    with pytest.raises(RevokedToken):
        honoured(await any_platform.principal(token), AccessTable(apps={app.client_id: access}))


async def test_a_revoked_secret_ends_now(platform: Platform) -> None:
    client = await platform.client("behov/v1")
    async with platform.database.begin() as session:
        await revoke(session, client.organisation_id, client.credential_id, now=NOW, origin=NOBODY)
    assert await status(platform, client, client.secret) == 401


@pytest.mark.parametrize("overlap", [-1, LONGEST_OVERLAP + 1])
async def test_the_overlap_is_bounded(platform: Platform, overlap: int) -> None:
    client = await platform.client()
    with pytest.raises(UnacceptableOverlap):
        await roll(platform, client, overlap)


async def test_z1_another_organisation_rolls_nothing(platform: Platform) -> None:
    client, stranger = await platform.client(), await platform.client()
    with pytest.raises(NotFound):
        async with platform.database.begin() as session:
            await rotate(session, stranger.organisation_id, client.app_id, overlap=0, now=NOW, origin=NOBODY)
    with pytest.raises(NotFound):
        async with platform.database.begin() as session:
            await revoke(session, stranger.organisation_id, client.credential_id, now=NOW, origin=NOBODY)
    assert await status(platform, client, client.secret) == 200


async def test_each_act_is_recorded_without_the_secret(platform: Platform) -> None:
    client = await platform.client()
    issued = await roll(platform, client, 60)
    entries = await platform.audit()
    assert [entry.act for entry in entries[:2]] == ["credential.rotate", "credential.create"]
    assert entries[0].object_id == issued.credential.id
    assert (entries[0].ip, entries[0].request_id) == (NOBODY.ip, NOBODY.request_id)
    text = repr(entries)
    for secret in (issued.secret.text, issued.secret.hash, client.secret):
        assert secret not in text


async def test_only_the_hash_is_stored(platform: Platform) -> None:
    client = await platform.client()
    async with platform.database.read() as session:
        held = await credentials.for_app(session, client.organisation_id, client.app_id)
    stored = [getattr(one, name) for one in held for name in Credential.__slots__]
    assert client.secret not in stored


async def test_the_last_use_is_noted_once_a_minute(platform: Platform) -> None:
    client = await platform.client("behov/v1")

    async def last_used() -> int | None:
        async with platform.database.read() as session:
            return (await credentials.for_app(session, client.organisation_id, client.app_id))[0].last_used_at

    assert await last_used() is None
    for seconds, noted in ((0, NOW), (59, NOW), (60, NOW + 60)):
        platform.now = NOW + seconds
        await platform.token(client)
        assert await last_used() == noted

"""Taking back what an app was given, straight in the database, as the console does it."""

from __future__ import annotations

import base64
import time
from dataclasses import dataclass

from auth.assurance import SINGLE_FACTOR
from auth.grants import consent
from auth.origin import system
from auth.tokens import issue, signing
from console.services import apps, credentials, organisations, subscriptions
from storage import people, revocations, signing_keys
from storage.database import Database
from storage.oauth import consents, grants
from tests.line.platform import HOST, Client, Platform


async def revoke(platform: Platform, client: Client, jti: str) -> None:
    database = Database(platform.database_url)
    now = int(time.time())
    async with database.begin() as session:
        await revocations.add(
            session, jti=jti, app_id=client.app_id, expires_at=now + 300, reason="test", now=now
        )
    await database.close()


def claims_of(token: str) -> bytes:
    part = token.split(".")[1]
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


async def take_back(platform: Platform, act: str, client: Client) -> None:
    database = Database(platform.database_url)
    now = int(time.time())
    owner, app = client.organisation_id, client.app_id
    async with database.begin() as session:
        if act == "close":
            await subscriptions.close(session, HOST, owner, client.subscriptions["eko/v1"], now=now)
        elif act == "suspend":
            await apps.suspend(session, HOST, owner, app, now=now)
        elif act == "disable":
            await organisations.disable(session, HOST, owner, disabled=True, now=now)
        elif act == "rotate":
            await credentials.rotate(session, HOST, owner, app, overlap_seconds=0, now=now)
        elif act == "rotate keys":
            await signing.rotate(session, platform.master_key, now, system("test"))
        else:
            for row in await signing_keys.all_published(session):
                if row.state == "retiring":
                    await signing.withdraw(session, row.kid, platform.master_key, now, system("test"))
    await database.close()


@dataclass(frozen=True)
class Given:
    """What one person has allowed an app, and a token on it."""

    person_id: str
    consent_id: str
    token: str


async def give(platform: Platform, client: Client) -> Given:
    database = Database(platform.database_url)
    now = int(time.time())
    async with database.begin() as session:
        person = await people.add(
            session, email=f"{time.time_ns()}@example.org", name="Åsa", password_hash="x", now=now
        )
        scope = client.scopes
        given = await consents.give(
            session, person_id=person.id, app_id=client.app_id, scope=scope, expires_at=now + 900, now=now
        )
        grant = await grants.add(
            session, app_id=client.app_id, person_id=person.id, scope=scope, resource="", session_hash="",
            acr=SINGLE_FACTOR, amr="pwd", auth_time=now, ends_with_session=True, expires_at=now + 900, now=now,
        )  # fmt: skip
        rows = await signing_keys.all_published(session)
    await database.close()
    subject = issue.Subject(
        client.client_id,
        person.id,
        client.organisation_id,
        client.app_id,
        "sandbox",
        grant.id,
        SINGLE_FACTOR,
        now,
    )
    claims = issue.access_token_claims(
        subject, scope.split(), issuer=platform.issuer, audience=platform.issuer,
        token_id=issue.new_token_id(), now=now,
    )  # fmt: skip
    signer = signing.unlock(signing.chosen(rows, now), platform.master_key)
    return Given(person.id, given.id, issue.sign(claims, signer))


async def withdraw(platform: Platform, given: Given) -> None:
    database = Database(platform.database_url)
    async with database.begin() as session:
        await consent.withdraw(session, given.person_id, given.consent_id, system("test"), int(time.time()))
    await database.close()


async def disable(platform: Platform, given: Given) -> None:
    database = Database(platform.database_url)
    async with database.begin() as session:
        await people.set_disabled(session, given.person_id, int(time.time()))
    await database.close()

"""Taking back what an app was given, straight in the database, as the console does it."""

from __future__ import annotations

import base64
import time

from auth.origin import system
from auth.tokens import signing
from console.services import apps, credentials, organisations, subscriptions
from storage import revocations, signing_keys
from storage.database import Database
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

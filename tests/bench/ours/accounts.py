"""What the control plane would have made, written straight to a database of the run's own.

An organisation, an app with a subscription to every API that is called, a signing key, one token that outlives
the run; and as many others' subscriptions as a case asks for.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from auth.tokens.issue import Subject, access_token_claims, new_token_id, sign
from auth.tokens.signing import generate, unlock
from storage import apps, organisations, signing_keys, subscriptions
from storage.database import Database
from tests.bench.candidate import API
from tests.bench.ours import publications

TOKEN_LIFE = 3600
APPS_EACH, APIS_EACH = 5, 10  # of an organisation, of an app


@dataclass(frozen=True, slots=True)
class Accounts:
    """Does the caller subscribe to every API or only to the one it calls, and how many subscriptions do others have?"""

    all_apis: bool
    others: int


async def prepare(database_url: str, issuer: str, apis: Sequence[str], wanted: Accounts) -> str:
    """Fill the database; the token."""
    now = int(time.time())
    master_key = secrets.token_bytes(32)
    key = generate(master_key)
    database = Database(database_url)
    try:
        async with database.begin() as session:
            organisation = await organisations.add(
                session, name="Bench", number="5560000001", type="company", now=now
            )
            app = await apps.add(session, organisation.id, name="Bench", environment="sandbox", now=now)
            for api in apis if wanted.all_apis else [API]:
                await subscriptions.add(
                    session, organisation.id, app.id, api=publications.api_key(api), plan=publications.PLAN,
                    plan_version=publications.PLAN_VERSION, state="active", now=now,
                )  # fmt: skip
            await _fill(session, apis, wanted.others, now)
            row = await signing_keys.add(
                session, kid=key.kid, algorithm=key.algorithm, public_jwk=key.public_jwk,
                private_encrypted=key.private_encrypted, state="active", now=now,
            )  # fmt: skip
    finally:
        await database.close()
    at = list(apis).index(API)
    claims = access_token_claims(
        Subject(app.client_id, app.client_id, organisation.id, app.id, app.environment),
        # A client asks for what it uses, not for all it may.
        [publications.scope(api) for api in apis[max(at - 1, 0) : at + 2]],
        issuer=issuer, audience=issuer, token_id=new_token_id(), now=now, life=TOKEN_LIFE,
    )  # fmt: skip
    return sign(claims, unlock(row, master_key))


async def _fill(session: AsyncSession, apis: Sequence[str], count: int, now: int) -> None:
    """Rows in bulk: through the services it would take longer than all measuring."""
    of_apps = -(-count // APIS_EACH)
    owners = [f"org_bench{number:09d}" for number in range(-(-of_apps // APPS_EACH))]
    if not owners:
        return
    await session.execute(
        insert(organisations.table),
        [
            {
                "id": id_,
                "name": id_,
                "name_key": id_,
                "number": "5560000001",
                "type": "company",
                "created_at": now,
            }
            for id_ in owners
        ],
    )
    made = [(f"app_bench{number:09d}", owners[number // APPS_EACH]) for number in range(of_apps)]
    await session.execute(
        insert(apps.table),
        [
            {
                "id": id_, "organisation_id": owner, "name": id_, "environment": "sandbox",
                "client_id": f"sluss_{id_}", "state": "active", "tokens_valid_from": 0, "created_at": now,
            }
            for id_, owner in made
        ],
    )  # fmt: skip
    await session.execute(
        insert(subscriptions.table),
        [
            {
                "id": f"sub_bench{number:09d}", "organisation_id": made[number // APIS_EACH][1],
                "app_id": made[number // APIS_EACH][0], "api": publications.api_key(apis[number % len(apis)]),
                "plan": publications.PLAN, "plan_version": publications.PLAN_VERSION, "state": "active",
                "created_at": now, "changed_at": now,
            }
            for number in range(count)
        ],
    )  # fmt: skip


async def change_one(database_url: str, number: int) -> None:
    """One of the others' subscriptions is suspended, and every edge is to know."""
    owner = f"org_bench{number // APIS_EACH // APPS_EACH:09d}"
    database = Database(database_url)
    try:
        async with database.begin() as session:
            await subscriptions.set_state(
                session, owner, f"sub_bench{number:09d}", "suspended", now=int(time.time())
            )
    finally:
        await database.close()

"""Everything the edge must know to decide about calls, in a few set queries."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from storage import apps, changes, organisations, revocations, signing_keys, subscriptions
from storage.apps import App
from storage.schema.rows import columns, many
from storage.signing_keys import SigningKey
from storage.subscriptions import Subscription


@dataclass(frozen=True, slots=True)
class AccessRows:
    """`version` is the change number these rows hold at least."""

    version: int
    changed_ms: int  # when the newest of them was made
    apps: list[App]  # not deleted
    subscriptions: list[Subscription]  # not closed, of those apps
    organisations_disabled: frozenset[str]
    revoked: frozenset[str]  # jti
    keys: list[SigningKey]  # next, active, retiring


async def load(session: AsyncSession, now: int) -> AccessRows:
    """Meant for `Database.read`, which shows one moment. The number comes first all the same: were the rows
    newer than it, the edge would only load them once more.
    """
    version = await changes.current(session)
    app, subscription, organisation = apps.table, subscriptions.table, organisations.table
    open_apps = await many(session, App, select(*columns(app, App)).where(app.c.state != "deleted"))
    open_subscriptions = await many(
        session,
        Subscription,
        select(*columns(subscription, Subscription))
        .join(app, app.c.id == subscription.c.app_id)
        .where(subscription.c.state != "closed", app.c.state != "deleted"),
    )
    disabled = select(organisation.c.id).where(organisation.c.disabled_at.is_not(None))
    return AccessRows(
        version=version,
        changed_ms=await changes.changed_ms(session),
        apps=open_apps,
        subscriptions=open_subscriptions,
        organisations_disabled=frozenset((await session.execute(disabled)).scalars()),
        revoked=frozenset(revocation.jti for revocation in await revocations.live(session, now)),
        keys=await signing_keys.all_published(session),
    )

"""Everything the edge must know to decide about calls: all of it, or what has changed since a number.

`load` is the whole in lists. The edge itself begins with `apps_in_slices` and `grants_in_slices`, because a
hundred thousand rows at once would stop every call meanwhile, and goes on with `changed`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from storage import (
    apps,
    changes,
    credentials,
    organisations,
    people,
    revocations,
    signing_keys,
    subscriptions,
)
from storage.apps import App
from storage.oauth import grants
from storage.schema.rows import columns, many
from storage.signing_keys import SigningKey
from storage.subscriptions import Subscription

SLICE: Final = 500
"""Rows at a time: a few milliseconds of the edge's core."""
_ASKED: Final = 500  # ids in one question


@dataclass(frozen=True, slots=True)
class Rest:
    """What is few, and read anew whenever anything has changed. `version` is the change number these rows, and all
    that are read in the same `Database.read`, hold at least.
    """

    version: int
    changed_ms: int  # when the newest of them was made
    organisations_disabled: frozenset[str]
    revoked: frozenset[str]  # jti
    keys: list[SigningKey]  # next, active, retiring
    revoked_grants: frozenset[str] = frozenset()  # whose access tokens could still be alive
    disabled_people: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class AccessRows:
    """All of it."""

    version: int
    changed_ms: int
    apps: list[App]  # not deleted
    subscriptions: list[Subscription]  # not closed, of those apps
    organisations_disabled: frozenset[str]
    revoked: frozenset[str]
    keys: list[SigningKey]


class AppRow(NamedTuple):
    """What the edge uses of an app."""

    id: str
    client_id: str
    organisation_id: str
    environment: str
    state: str
    tokens_valid_from: int


class GrantRow(NamedTuple):
    """What the edge uses of a subscription."""

    id: str
    app_id: str
    api: str
    plan: str
    plan_version: int
    state: str


class KeyRow(NamedTuple):
    """What the edge uses of an API key."""

    id: str
    app_id: str
    client_id: str
    secret_hash: str
    expires_at: int | None


@dataclass(frozen=True, slots=True)
class Changed:
    """Apps and subscriptions as they now are, deleted and closed ones included; the live keys of those apps."""

    apps: list[AppRow]
    grants: list[GrantRow]
    purged: frozenset[str]  # APIs of which nothing that was kept is to be used; "" for all of them
    keys: list[KeyRow]


_app, _subscription = apps.table, subscriptions.table
_key = credentials.table
_keys: Final = (
    select(_key.c.id, _key.c.app_id, _app.c.client_id, _key.c.secret_hash, _key.c.expires_at)
    .join(_app, _app.c.id == _key.c.app_id)
    .where(_key.c.kind == credentials.API_KEY, _key.c.revoked_at.is_(None), _app.c.state != "deleted")
)
_apps: Final = select(*(_app.c[name] for name in AppRow._fields))
_grants: Final = select(*(_subscription.c[name] for name in GrantRow._fields))


async def rest(session: AsyncSession, now: int) -> Rest:
    """Meant for `Database.read`, which shows one moment. The number comes first all the same: were the rows
    newer than it, the edge would only load them once more.
    """
    version = await changes.current(session)
    organisation = organisations.table
    disabled = select(organisation.c.id).where(organisation.c.disabled_at.is_not(None))
    return Rest(
        version=version,
        changed_ms=await changes.changed_ms(session),
        organisations_disabled=frozenset((await session.execute(disabled)).scalars()),
        revoked=frozenset(revocation.jti for revocation in await revocations.live(session, now)),
        keys=await signing_keys.all_published(session),
        revoked_grants=await grants.revoked_lately(session, now),
        disabled_people=await people.disabled(session),
    )


async def apps_in_slices(session: AsyncSession) -> AsyncIterator[Sequence[AppRow]]:
    """Every app that is not deleted."""
    found = await session.stream(_apps.where(_app.c.state != "deleted"))
    async for slice_ in found.partitions(SLICE):
        yield [AppRow(*row) for row in slice_]


async def grants_in_slices(session: AsyncSession) -> AsyncIterator[Sequence[GrantRow]]:
    """Every subscription that is not closed; also those of deleted apps."""
    found = await session.stream(_grants.where(_subscription.c.state != "closed"))
    async for slice_ in found.partitions(SLICE):
        yield [GrantRow(*row) for row in slice_]


async def keys_in_slices(session: AsyncSession) -> AsyncIterator[Sequence[KeyRow]]:
    """Every API key that is not revoked, of apps that are not deleted; also those that have expired."""
    found = await session.stream(_keys)
    async for slice_ in found.partitions(SLICE):
        yield [KeyRow(*row) for row in slice_]


async def changed(session: AsyncSession, before: int, now: int) -> Changed | None:
    """What has changed after number `before` up to `now`; None when that is not known and everything is to be read."""
    steps = await changes.since(session, before, now)
    if steps is None:
        return None
    touched_apps = sorted({step.subject for step in steps if step.about == changes.APP})
    touched = sorted({step.subject for step in steps if step.about == changes.SUBSCRIPTION})
    purged = frozenset(step.subject for step in steps if step.about == changes.KEPT_ANSWERS)
    found = Changed([], [], purged, [])
    for at in range(0, len(touched_apps), _ASKED):
        some = touched_apps[at : at + _ASKED]
        found.apps.extend(AppRow(*row) for row in await session.execute(_apps.where(_app.c.id.in_(some))))
        found.keys.extend(KeyRow(*row) for row in await session.execute(_keys.where(_app.c.id.in_(some))))
    for at in range(0, len(touched), _ASKED):
        some = touched[at : at + _ASKED]
        rows = await session.execute(_grants.where(_subscription.c.id.in_(some)))
        found.grants.extend(GrantRow(*row) for row in rows)
    return found


async def load(session: AsyncSession, now: int) -> AccessRows:
    """All at once."""
    few = await rest(session, now)
    open_apps = await many(session, App, select(*columns(_app, App)).where(_app.c.state != "deleted"))
    open_subscriptions = await many(
        session,
        Subscription,
        select(*columns(_subscription, Subscription))
        .join(_app, _app.c.id == _subscription.c.app_id)
        .where(_subscription.c.state != "closed", _app.c.state != "deleted"),
    )
    return AccessRows(
        few.version,
        few.changed_ms,
        open_apps,
        open_subscriptions,
        few.organisations_disabled,
        few.revoked,
        few.keys,
    )

"""Apps: one per environment, owned by an organisation. Their secrets are `console.services.credentials`."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from auth.credentials import ending, rotation
from auth.registration import MOST_APPS
from console.errors import AppNotActive, NotFound, TooMany
from console.lifecycle import (
    AppEvent,
    AppState,
    next_app,
)
from console.roles import Act, Actor
from console.services.journal import record
from console.services.standing import demand_operator, enter
from gateway.catalog.model import Environment
from storage import apps
from storage.apps import App

MOST_PER_ORGANISATION = MOST_APPS


async def create(
    session: AsyncSession,
    actor: Actor,
    organisation_id: str,
    *,
    name: str,
    environment: Environment,
    now: int,
) -> App:
    """A new app without any secret yet."""
    await enter(session, actor, organisation_id, Act.APP_CREATE)
    if len(await every(session, actor, organisation_id)) >= MOST_PER_ORGANISATION:
        raise TooMany("apps")
    app = await apps.add(session, organisation_id, name=name, environment=environment.value, now=now)
    await record(
        session,
        actor,
        Act.APP_CREATE,
        "app",
        app.id,
        now=now,
        organisation_id=organisation_id,
        after={"name": name, "environment": environment.value},
    )
    return app


async def every(session: AsyncSession, actor: Actor, organisation_id: str) -> list[App]:
    """The organisation's apps, deleted ones left out."""
    await enter(session, actor, organisation_id, Act.APP_READ)
    return list(await apps.for_organisation(session, organisation_id))


async def get(session: AsyncSession, actor: Actor, organisation_id: str, app_id: str) -> App:
    """One app; another organisation's and a deleted one are NotFound alike."""
    await enter(session, actor, organisation_id, Act.APP_READ)
    return await owned(session, organisation_id, app_id)


async def owned(session: AsyncSession, organisation_id: str, app_id: str) -> App:
    """The row itself, for services that have asked the role table already."""
    app = await apps.get(session, organisation_id, app_id)
    if app is None or app.state == AppState.DELETED:
        raise NotFound(f"app {app_id}")
    return app


async def active(session: AsyncSession, organisation_id: str, app_id: str) -> App:
    """The row, refused when the app is suspended."""
    app = await owned(session, organisation_id, app_id)
    if app.state != AppState.ACTIVE:
        raise AppNotActive(app_id)
    return app


async def suspend(session: AsyncSession, actor: Actor, organisation_id: str, app_id: str, *, now: int) -> App:
    """Stops an app: its tokens and its secret stop working. Operators only, so that an owner cannot undo it."""
    return await _step(session, actor, organisation_id, app_id, AppEvent.SUSPEND, now)


async def resume(session: AsyncSession, actor: Actor, organisation_id: str, app_id: str, *, now: int) -> App:
    """Lets a suspended app run again, with new tokens only."""
    return await _step(session, actor, organisation_id, app_id, AppEvent.RESUME, now)


async def delete(session: AsyncSession, actor: Actor, organisation_id: str, app_id: str, *, now: int) -> None:
    """Ends an app for good: credentials revoked, subscriptions closed, tokens refused."""
    await enter(session, actor, organisation_id, Act.APP_DELETE)
    app = await owned(session, organisation_id, app_id)
    after = next_app(app.state, AppEvent.DELETE)
    await ending.end_app(session, organisation_id, app_id, now)
    await record(
        session,
        actor,
        Act.APP_DELETE,
        "app",
        app_id,
        now=now,
        organisation_id=organisation_id,
        before={"state": app.state, "name": app.name},
        after={"state": after},
    )


async def _step(
    session: AsyncSession,
    actor: Actor,
    organisation_id: str,
    app_id: str,
    event: AppEvent,
    now: int,
) -> App:
    act = Act(f"app.{event}")
    demand_operator(actor)
    await enter(session, actor, organisation_id, act)
    app = await owned(session, organisation_id, app_id)
    after = next_app(app.state, event)
    if event is AppEvent.SUSPEND:
        # Tokens from before a suspension stay dead after it.
        await rotation.revoke_tokens(session, organisation_id, app_id, now)
    changed = await apps.set_state(session, organisation_id, app_id, after, now)
    await record(
        session,
        actor,
        act,
        "app",
        app_id,
        now=now,
        organisation_id=organisation_id,
        before={"state": app.state},
        after={"state": after},
    )
    return changed

"""Who may make, roll and end an app's client secrets. How that is done and recorded is `auth.credentials.rotation`."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy.ext.asyncio import AsyncSession

from auth.credentials import rotation
from console.errors import NotFound, TooMany, TransitionRefused
from console.roles import Act, Actor
from console.services import apps
from console.services.offers import scope_of
from console.services.standing import enter
from gateway.catalog.model import Catalog
from storage import credentials, subscriptions
from storage.apps import App
from storage.credentials import Credential

MOST_LIVE_PER_APP = 5
USUAL_OVERLAP = 86_400


@dataclass(frozen=True, slots=True)
class IssuedSecret:
    """The only place where a secret's text exists; whoever holds this shows it once and forgets it."""

    app: App
    credential: Credential
    secret: str = field(repr=False)


async def create(
    session: AsyncSession,
    actor: Actor,
    organisation_id: str,
    app_id: str,
    *,
    kind: str = credentials.CLIENT_SECRET,
    now: int,
) -> IssuedSecret:
    """A further secret, or API key, for an active app."""
    await enter(session, actor, organisation_id, Act.CREDENTIAL_CREATE)
    app = await apps.active(session, organisation_id, app_id)
    await _refuse_too_many(session, app, kind, now)
    made = await rotation.issue(session, organisation_id, app_id, now=now, origin=actor.origin, kind=kind)
    return IssuedSecret(app, made.credential, made.secret.text)


async def of_app(session: AsyncSession, actor: Actor, organisation_id: str, app_id: str) -> list[Credential]:
    """Newest first, ended ones included; never a secret."""
    await enter(session, actor, organisation_id, Act.CREDENTIAL_READ)
    await apps.owned(session, organisation_id, app_id)
    return await credentials.for_app(session, organisation_id, app_id)


async def get(
    session: AsyncSession, actor: Actor, organisation_id: str, app_id: str, credential_id: str
) -> Credential:
    for credential in await of_app(session, actor, organisation_id, app_id):
        if credential.id == credential_id:
            return credential
    raise NotFound(f"credential {credential_id}")


async def rotate(
    session: AsyncSession,
    actor: Actor,
    organisation_id: str,
    app_id: str,
    *,
    overlap_seconds: int = USUAL_OVERLAP,
    kind: str = credentials.CLIENT_SECRET,
    now: int,
) -> IssuedSecret:
    """A new secret; the older ones work on for `overlap_seconds`.

    Without overlap they end at once and the app's tokens with them: the choice of someone whose secret has leaked
    (T14).
    """
    await enter(session, actor, organisation_id, Act.CREDENTIAL_ROTATE)
    app = await apps.active(session, organisation_id, app_id)
    if overlap_seconds > 0:
        await _refuse_too_many(session, app, kind, now)
    made = await rotation.rotate(
        session, organisation_id, app_id, overlap=overlap_seconds, now=now, origin=actor.origin, kind=kind
    )
    return IssuedSecret(app, made.credential, made.secret.text)


async def revoke(
    session: AsyncSession, actor: Actor, organisation_id: str, app_id: str, credential_id: str, *, now: int
) -> None:
    """Ends a secret now, and every token of the app: which secret a token came from is not known."""
    await enter(session, actor, organisation_id, Act.CREDENTIAL_REVOKE)
    await apps.owned(session, organisation_id, app_id)
    held = await credentials.for_app(session, organisation_id, app_id)
    wanted = [credential for credential in held if credential.id == credential_id]
    if not wanted:
        raise NotFound(f"credential {credential_id}")
    if not rotation.live(wanted, now):
        raise TransitionRefused(f"credential {credential_id} has ended")
    await rotation.revoke(session, organisation_id, credential_id, now=now, origin=actor.origin)


async def scope(session: AsyncSession, organisation_id: str, app_id: str, catalog: Catalog) -> str:
    """What the app may ask for today: the scopes of its active subscriptions."""
    rows = await subscriptions.for_app(session, organisation_id, app_id)
    return scope_of(catalog, [row.api for row in rows if row.state == "active"])


async def _refuse_too_many(session: AsyncSession, app: App, kind: str, now: int) -> None:
    held = await credentials.for_app(session, app.organisation_id, app.id)
    if sum(one.kind == kind for one in rotation.live(held, now)) >= MOST_LIVE_PER_APP:
        raise TooMany("credentials")

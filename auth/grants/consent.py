"""What a person has allowed an app: when it covers a request, giving it, and taking it back (GDPR 7(3)).

Taking back is as easy as giving: it ends every grant to the app, and the edge refuses their tokens within its bound.
"""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from auth.grants.issuing import GRANT_LIFE
from auth.origin import Origin
from storage import audit
from storage.apps import App
from storage.oauth import consents, grants
from storage.oauth.consents import Consent
from storage.schema.order import in_order

LIFE = GRANT_LIFE


def covers(given: Consent | None, asked: frozenset[str]) -> frozenset[str]:
    """The scopes that need not be asked for again."""
    return frozenset() if given is None else frozenset(given.scope.split()) & asked


async def give(
    session: AsyncSession,
    person_id: str,
    app: App,
    scope: frozenset[str],
    before: Consent | None,
    origin: Origin,
    now: int,
) -> Consent:
    """What was allowed before stays allowed beside it."""
    kept = frozenset() if before is None else frozenset(before.scope.split())
    given = await consents.give(
        session,
        person_id=person_id,
        app_id=app.id,
        scope=" ".join(sorted(scope | kept)),
        expires_at=now + LIFE,
        now=now,
    )
    await _record(session, "consent.give", given, origin, now)
    return given


async def withdraw(
    session: AsyncSession, person_id: str, consent_id: str, origin: Origin, now: int
) -> Consent:
    """Raises storage's NotFound when the person has none such."""
    await in_order(session)
    ended = await consents.withdraw(session, person_id, consent_id, now)
    await grants.revoke_for_person(session, person_id, "withdrawn", now, app_id=ended.app_id)
    await _record(session, "consent.withdraw", ended, origin, now)
    return ended


async def _record(session: AsyncSession, act: str, consent: Consent, origin: Origin, now: int) -> None:
    await audit.append(
        session,
        at=now,
        actor_kind=origin.actor_kind,
        actor_id=origin.actor_id,
        act=act,
        object_kind="consent",
        object_id=consent.id,
        organisation_id=None,
        request_id=origin.request_id,
        ip=origin.ip,
        after={"app_id": consent.app_id, "scope": consent.scope, "until": consent.expires_at},
    )

"""An app's end: credentials revoked, subscriptions closed, tokens refused. Who may is the caller's matter."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from auth.credentials import rotation
from storage import apps, credentials, subscriptions


async def end_app(session: AsyncSession, organisation_id: str, app_id: str, now: int) -> None:
    """For good. Raises storage's NotFound for another organisation's app."""
    for credential in await credentials.for_app(session, organisation_id, app_id):
        if credential.revoked_at is None:
            await credentials.revoke(session, organisation_id, credential.id, now)
    for subscription in await subscriptions.for_app(session, organisation_id, app_id):
        if subscription.state != "closed":
            await subscriptions.set_state(session, organisation_id, subscription.id, "closed", now)
    await rotation.revoke_tokens(session, organisation_id, app_id, now)
    await apps.set_state(session, organisation_id, app_id, "deleted", now)

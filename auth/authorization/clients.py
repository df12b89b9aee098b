"""A client that has not proved itself: found by its name, for what its request says before anyone is asked."""

from __future__ import annotations

import re

from sqlalchemy.ext.asyncio import AsyncSession

from auth.server.clients import Client
from storage import apps, clients, organisations

_CLIENT_ID = re.compile(r"[A-Za-z0-9_-]{1,100}")


async def known(session: AsyncSession, client_id: str | None) -> Client | None:
    """None when unknown, suspended or deleted, or its organisation is disabled: told apart by nothing."""
    # A text of another form never reaches the database: PostgreSQL refuses NUL with an error.
    if client_id is None or not _CLIENT_ID.fullmatch(client_id):
        return None
    app = await apps.by_client_id(session, client_id)
    if app is None or app.state != "active":
        return None
    organisation = await organisations.by_id(session, app.organisation_id)
    if organisation is None or organisation.disabled_at is not None:
        return None
    return Client(app, "", await clients.get(session, app.organisation_id, app.id))

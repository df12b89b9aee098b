"""What an app is as an OAuth client: read and changed by its members. What may stand there is `auth.registration`."""

from __future__ import annotations

from dataclasses import fields, replace

from sqlalchemy.ext.asyncio import AsyncSession

from auth import registration
from auth.credentials import rotation
from console.errors import FieldFault, Invalid
from console.roles import Act, Actor
from console.services import apps
from console.services.journal import record
from console.services.standing import enter
from storage import clients
from storage.clients import ClientMetadata


async def get(session: AsyncSession, actor: Actor, organisation_id: str, app_id: str) -> ClientMetadata:
    await enter(session, actor, organisation_id, Act.APP_READ)
    await apps.owned(session, organisation_id, app_id)
    return await clients.get(session, organisation_id, app_id)


async def put(
    session: AsyncSession, actor: Actor, organisation_id: str, client: ClientMetadata, *, now: int
) -> ClientMetadata:
    """Replaces the whole. Raises Invalid with every fault."""
    await enter(session, actor, organisation_id, Act.APP_CONFIGURE)
    await apps.active(session, organisation_id, client.app_id)
    found = registration.faults(client)
    if found:
        raise Invalid("client", fields=[FieldFault(one.member, "invalid", one.sv, one.en) for one in found])
    coded = "authorization_code" in client.grant_types
    client = replace(client, response_types=("code",) if coded else (), updated_at=now)
    before = await clients.get(session, organisation_id, client.app_id)
    await clients.put(session, organisation_id, client)
    changed = changes(before, client)
    if registration.ends_tokens(before, client):
        await rotation.revoke_tokens(session, organisation_id, client.app_id, now)
    await record(
        session, actor, Act.APP_CONFIGURE, "app", client.app_id, now=now, organisation_id=organisation_id,
        before={name: old for name, (old, _) in changed.items()},
        after={name: new for name, (_, new) in changed.items()},
    )  # fmt: skip
    return client


def changes(
    before: ClientMetadata, after: ClientMetadata
) -> dict[str, tuple[str | bool | None, str | bool | None]]:
    """Member → old and new, as the audit log holds them: it says that keys and contacts changed, not what they are."""
    found = {}
    for field in fields(ClientMetadata):
        old, new = getattr(before, field.name), getattr(after, field.name)
        if old != new and field.name != "updated_at":
            found[field.name] = (_told(field.name, old), _told(field.name, new))
    return found


def _told(name: str, value: object) -> str | bool | None:
    if value is None or isinstance(value, bool):
        return value
    if name in ("jwks", "contacts"):
        return "…"
    return " ".join(value) if isinstance(value, tuple) else str(value)

"""Initial access tokens (RFC 7591, 3): made by an operator, for one organisation and environment. Shown once."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from auth.credentials.secrets import NewSecret, Prefix, make
from auth.origin import Origin
from storage import audit
from storage.proofs import registration_tokens
from storage.proofs.registration_tokens import InitialToken


@dataclass(frozen=True, slots=True)
class IssuedInitialToken:
    """A stored token and, this once, its text."""

    row: InitialToken
    secret: NewSecret


async def issue(
    session: AsyncSession,
    organisation_id: str,
    *,
    environment: str,
    uses: int,
    days: int,
    now: int,
    origin: Origin,
) -> IssuedInitialToken:
    """A token for so many apps, that lives so many days."""
    secret = make(Prefix.INITIAL_ACCESS_TOKEN)
    row = await registration_tokens.add(
        session,
        organisation_id,
        environment=environment,
        token_hash=secret.hash,
        last4=secret.last4,
        uses=uses,
        expires_at=now + days * 86_400,
        now=now,
    )
    await audit.append(
        session,
        at=now,
        actor_kind=origin.actor_kind,
        actor_id=origin.actor_id,
        act="initial_token.create",
        object_kind="initial_token",
        object_id=row.id,
        organisation_id=organisation_id,
        request_id=origin.request_id,
        ip=origin.ip,
        after={"environment": environment, "uses": uses, "expires_at": row.expires_at, "last4": row.last4},
    )
    return IssuedInitialToken(row, secret)

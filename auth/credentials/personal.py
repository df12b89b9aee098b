"""Personal tokens (`sluss_pat_…`) for the management API: a person's own right, without a browser.

Shown once, stored as SHA-256, with a name and an end. Found by equality of the hash only. What the person may
do with it is the console's; client secrets are `auth.credentials.rotation`.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from auth.credentials.secrets import NewSecret, Prefix, hash_of, make, well_formed
from auth.origin import Origin
from storage import audit, personal_tokens
from storage.people import Person
from storage.personal_tokens import PersonalToken

LONGEST_LIFE = 366 * 24 * 3600  # seconds
USUAL_LIFE = 90 * 24 * 3600


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A stored token and, this once, its text."""

    row: PersonalToken
    secret: NewSecret


async def issue(
    session: AsyncSession,
    person_id: str,
    *,
    name: str,
    now: int,
    origin: Origin,
    life: int = USUAL_LIFE,
    multi_factor: bool = False,
) -> IssuedToken:
    """A new token that ends after `life` seconds, at most LONGEST_LIFE. `multi_factor`: whoever makes it has shown
    two factors, so it may do what demands them."""
    secret = make(Prefix.PERSONAL_TOKEN)
    row = await personal_tokens.add(
        session,
        person_id=person_id,
        name=name,
        token_hash=secret.hash,
        last4=secret.last4,
        expires_at=now + max(1, min(life, LONGEST_LIFE)),
        now=now,
        multi_factor=multi_factor,
    )
    await _record(session, "personal_token.create", row, now, origin)
    return IssuedToken(row, secret)


async def bearer(session: AsyncSession, text: str, now: int) -> tuple[PersonalToken, Person] | None:
    """The token and whose it is; None for everything else. A text that cannot be one asks no database."""
    if not well_formed(text, Prefix.PERSONAL_TOKEN):
        return None
    return await personal_tokens.find(session, hash_of(text), now)


async def revoke(
    session: AsyncSession, person_id: str, token_id: str, *, now: int, origin: Origin
) -> PersonalToken:
    """Ends it now. Raises storage's NotFound when the person has no such token."""
    row = await personal_tokens.revoke(session, person_id, token_id, now)
    await _record(session, "personal_token.revoke", row, now, origin)
    return row


async def _record(session: AsyncSession, act: str, row: PersonalToken, now: int, origin: Origin) -> None:
    await audit.append(
        session,
        at=now,
        actor_kind=origin.actor_kind,
        actor_id=origin.actor_id,
        act=act,
        object_kind="personal_token",
        object_id=row.id,
        organisation_id=None,
        request_id=origin.request_id,
        ip=origin.ip,
        after={"name": row.name, "last4": row.last4, "expires_at": row.expires_at},
    )

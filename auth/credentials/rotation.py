"""An app's client secrets and API keys: making the first one, and rolling to a new one with an overlap.

During the overlap both secrets work, so a running system can be changed without a stop. An overlap of zero
is for a secret that has leaked: the old ones end at once, and so does every token they gave.
The text of a new secret is returned once and stored nowhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from auth.credentials.secrets import NewSecret, Prefix, make
from auth.errors import UnacceptableOverlap
from auth.origin import Origin
from storage import apps, audit, credentials
from storage.credentials import API_KEY, CLIENT_SECRET, Credential

# Both are made, rolled and ended alike; a rotation leaves those of the other kind alone.
PREFIX: Mapping[str, Prefix] = {CLIENT_SECRET: Prefix.CLIENT_SECRET, API_KEY: Prefix.API_KEY}
LONGEST_OVERLAP = 30 * 24 * 3600  # seconds


@dataclass(frozen=True, slots=True)
class Issued:
    """A stored credential and, this once, its secret."""

    credential: Credential
    secret: NewSecret


def live(held: Sequence[Credential], now: int) -> list[Credential]:
    """Those that prove the client now."""
    return [
        one for one in held if one.revoked_at is None and (one.expires_at is None or one.expires_at > now)
    ]


def expiries(held: Sequence[Credential], now: int, overlap: int) -> dict[str, int]:
    """When each live credential ends by a rotation: never later than it would have ended anyway."""
    end = now + overlap
    return {one.id: end if one.expires_at is None else min(one.expires_at, end) for one in live(held, now)}


async def issue(
    session: AsyncSession,
    organisation_id: str,
    app_id: str,
    *,
    now: int,
    origin: Origin,
    kind: str = CLIENT_SECRET,
) -> Issued:
    """One more secret for the app; the others stay. Raises storage's NotFound for another's app."""
    made = await _add(session, organisation_id, app_id, kind, now)
    await _record(
        session,
        "credential.create",
        organisation_id=organisation_id,
        credential=made.credential,
        now=now,
        origin=origin,
    )
    return made


async def rotate(
    session: AsyncSession,
    organisation_id: str,
    app_id: str,
    *,
    overlap: int,
    now: int,
    origin: Origin,
    kind: str = CLIENT_SECRET,
) -> Issued:
    """A new secret; the old ones end after `overlap` seconds. Raises UnacceptableOverlap and NotFound."""
    if not 0 <= overlap <= LONGEST_OVERLAP:
        raise UnacceptableOverlap(str(overlap))
    every = await credentials.for_app(session, organisation_id, app_id)
    held = [one for one in every if one.kind == kind]
    made = await _add(session, organisation_id, app_id, kind, now)
    ends = expiries(held, now, overlap)
    for credential_id, at in ends.items():
        if overlap == 0:
            await credentials.revoke(session, organisation_id, credential_id, now)
        else:
            await credentials.expire(session, organisation_id, credential_id, at)
    if overlap == 0:
        await revoke_tokens(session, organisation_id, app_id, now)
    before = {"ends": dict(sorted(ends.items()))}
    await _record(
        session,
        "credential.rotate",
        organisation_id=organisation_id,
        credential=made.credential,
        now=now,
        origin=origin,
        before=before,
    )
    return made


async def revoke(
    session: AsyncSession, organisation_id: str, credential_id: str, *, now: int, origin: Origin
) -> Credential:
    """Ends one secret now, and the tokens of its app with it. Raises NotFound."""
    ended = await credentials.revoke(session, organisation_id, credential_id, now)
    await revoke_tokens(session, organisation_id, ended.app_id, now)
    await _record(
        session,
        "credential.revoke",
        organisation_id=organisation_id,
        credential=ended,
        now=now,
        origin=origin,
    )
    return ended


async def revoke_tokens(session: AsyncSession, organisation_id: str, app_id: str, now: int) -> None:
    """Every token of the app issued until now is refused from now on.

    Times in tokens are whole seconds, so the line is drawn at the next one; `auth.server` dates the tokens
    it issues within this second accordingly.
    """
    await apps.set_tokens_valid_from(session, organisation_id, app_id, now + 1)


async def _add(session: AsyncSession, organisation_id: str, app_id: str, kind: str, now: int) -> Issued:
    secret = make(PREFIX[kind])
    credential = await credentials.add(
        session,
        organisation_id,
        app_id,
        kind=kind,
        secret_hash=secret.hash,
        last4=secret.last4,
        expires_at=None,
        now=now,
    )
    return Issued(credential, secret)


async def _record(
    session: AsyncSession,
    act: str,
    *,
    organisation_id: str,
    credential: Credential,
    now: int,
    origin: Origin,
    before: Mapping[str, object] | None = None,
) -> None:
    await audit.append(
        session,
        at=now,
        actor_kind=origin.actor_kind,
        actor_id=origin.actor_id,
        act=act,
        object_kind="credential",
        object_id=credential.id,
        organisation_id=organisation_id,
        request_id=origin.request_id,
        ip=origin.ip,
        before=before,
        after={"app_id": credential.app_id, "kind": credential.kind, "last4": credential.last4},
    )

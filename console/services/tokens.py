"""Ending one access token before its time, by its text or by its identity (`jti`)."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from auth.authenticate import Authenticator
from auth.errors import ExpiredToken, Unauthenticated
from auth.principal import Principal
from auth.tokens.keys import VerificationKeys
from console.errors import FieldFault, Invalid, NotFound
from console.roles import Act, Actor
from console.services.journal import record
from console.services.standing import demand_operator, enter
from storage import apps, revocations, signing_keys

# Longer than any access token lives, so a revocation by `jti` alone outlasts its token.
LONGEST_TOKEN_LIFE = 3600


async def revoke_text(
    session: AsyncSession, actor: Actor, authenticator: Authenticator, token: str, *, now: int
) -> str:
    """Revokes a token of an app the actor may revoke for; returns its `jti`.

    The signature is checked first: an unsigned text could name any token of anyone. A token of another
    organisation is answered as one that is not ours.
    """
    principal = await _principal(session, authenticator, token, now)
    try:
        await enter(session, actor, principal.organisation_id, Act.TOKEN_REVOKE)
    except NotFound as error:
        raise _not_ours() from error
    await revocations.add(
        session,
        jti=principal.token_id,
        app_id=principal.app_id,
        expires_at=principal.expires_at,
        reason="text",
        now=now,
    )
    await _record(session, actor, principal.token_id, principal.organisation_id, principal.app_id, now)
    return principal.token_id


async def revoke_jti(session: AsyncSession, actor: Actor, *, jti: str, client_id: str, now: int) -> str:
    """Revokes by identity alone. Operators only: that a `jti` belongs to an app cannot be checked afterwards, and
    nobody may end a neighbour's token by naming it."""
    demand_operator(actor)
    app = await apps.by_client_id(session, client_id)
    if app is None:
        raise NotFound(f"client {client_id}")
    await revocations.add(
        session, jti=jti, app_id=app.id, expires_at=now + LONGEST_TOKEN_LIFE, reason="jti", now=now
    )
    await _record(session, actor, jti, app.organisation_id, app.id, now)
    return jti


async def _principal(session: AsyncSession, authenticator: Authenticator, token: str, now: int) -> Principal:
    keys = VerificationKeys.from_rows(await signing_keys.all_published(session))
    try:
        return authenticator.read(b"Bearer " + token.encode("ascii", "replace"), keys, now)
    except ExpiredToken as error:
        raise Invalid(
            "expired",
            fields=[
                FieldFault("token", error.code, "Token har redan gått ut.", "The token has already expired.")
            ],
        ) from error
    except Unauthenticated as error:
        raise _not_ours() from error


def _not_ours() -> Invalid:
    return Invalid(
        "token",
        fields=[
            FieldFault(
                "token",
                "foreign-token",
                "Texten är ingen token som du kan återkalla.",
                "The text is no token that you can revoke.",
            )
        ],
    )


async def _record(
    session: AsyncSession, actor: Actor, jti: str, organisation_id: str, app_id: str, now: int
) -> None:
    await record(
        session,
        actor,
        Act.TOKEN_REVOKE,
        "token",
        jti,
        now=now,
        organisation_id=organisation_id,
        after={"app": app_id},
    )

"""What is issued on a person's grant: the access token, an ID token, a refresh token; and how the grant ends.

A refresh token is given when the client is registered for it and the person has allowed `offline_access`. It rotates
(RFC 9700, 4.14.2), but for clients of the profile `fapi2`: those prove who they are and their tokens are bound, and a
lost answer must not end a grant (FAPI 2.0 Security Profile, 5.3.2.1).
"""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from auth.credentials.secrets import Prefix, make
from auth.grants.scopes import OFFLINE, OPENID
from auth.origin import Origin
from auth.profiles import PROFILES
from auth.server.call import Call
from auth.server.clients import Client
from auth.server.keyring import Keyring
from auth.tokens.id_token import id_token_claims
from auth.tokens.issue import LIFE, Subject, access_token_claims, new_token_id, sign
from storage import audit
from storage.oauth import grants, refresh_tokens
from storage.oauth.grants import Grant

CODE_LIFE = 60  # seconds
REFRESH_IDLE = 30 * 24 * 3600  # unused for so long a refresh token ends
GRANT_LIFE = 90 * 24 * 3600  # from consent on, whatever is used: then the person is asked again
BARE_GRANT = CODE_LIFE + LIFE  # a grant without refresh tokens


class Issuing:
    def __init__(self, issuer: str, keyring: Keyring) -> None:
        self._issuer = issuer
        self._keyring = keyring

    async def answer(
        self, call: Call, client: Client, grant: Grant, scope: frozenset[str], api: str, nonce: str | None
    ) -> dict[str, object]:
        """The body of a token answer, without a refresh token (RFC 6749, 5.1)."""
        signer = await self._keyring.signer(call.session, call.now)
        now = max(call.now, client.app.tokens_valid_from)
        claims = access_token_claims(
            _subject(client, grant),
            scope,
            issuer=self._issuer,
            audience=f"{self._issuer}/{api}" if api else self._issuer,
            token_id=new_token_id(),
            now=now,
            confirmation=client.confirmation,
        )
        access_token = sign(claims, signer)
        body: dict[str, object] = {
            "access_token": access_token,
            "token_type": client.confirmation.token_type,
            "expires_in": LIFE,
            "scope": " ".join(sorted(scope)),
        }
        if OPENID in scope:
            about = id_token_claims(
                grant,
                issuer=self._issuer,
                client_id=client.client_id,
                access_token=access_token,
                nonce=nonce,
                now=call.now,
            )
            body["id_token"] = sign(about, signer, typ="JWT")
        return body


async def new_refresh_token(session: AsyncSession, client: Client, grant: Grant, now: int) -> str:
    """Its text, which stands nowhere else. A client that proves nothing binds it to its key (RFC 9449, 5)."""
    made = make(Prefix.REFRESH_TOKEN)
    await refresh_tokens.add(
        session,
        token_hash=made.hash,
        grant_id=grant.id,
        dpop_jkt=client.confirmation.key if is_public(client) else "",
        expires_at=idle_end(grant, now),
        now=now,
    )
    return made.text


def idle_end(grant: Grant, now: int) -> int:
    return min(now + REFRESH_IDLE, grant.expires_at)


def may_refresh(client: Client, scope: frozenset[str]) -> bool:
    return OFFLINE in scope and client.check_grant_type("refresh_token")


def is_public(client: Client) -> bool:
    """Whether it keeps no secret and so proves nothing."""
    return client.metadata.auth_method == "none"


def must_push(client: Client) -> bool:
    """Whether its requests come by PAR alone (RFC 9126, 6)."""
    demanded = client.metadata.require_pushed_authorization_requests
    return demanded or PROFILES[client.metadata.profile].pushed_requests


def rotates(client: Client) -> bool:
    return client.metadata.profile != "fapi2" or is_public(client)


async def end(session: AsyncSession, grant: Grant, reason: str, origin: Origin, now: int) -> None:
    """The grant and all that was issued on it end now, and somebody can see why."""
    if await grants.revoke(session, grant.id, reason, now):
        await record(session, "grant.revoke", grant, origin, now, {"reason": reason})


async def record(
    session: AsyncSession, act: str, grant: Grant, origin: Origin, now: int, after: dict[str, object]
) -> None:
    await audit.append(
        session,
        at=now,
        actor_kind=origin.actor_kind,
        actor_id=origin.actor_id,
        act=act,
        object_kind="grant",
        object_id=grant.id,
        organisation_id=None,
        request_id=origin.request_id,
        ip=origin.ip,
        after={"app_id": grant.app_id, "person_id": grant.person_id, **after},
    )


def _subject(client: Client, grant: Grant) -> Subject:
    return Subject(
        client_id=client.client_id,
        subject=grant.person_id,
        organisation_id=client.app.organisation_id,
        app_id=client.app.id,
        environment=client.app.environment,
        grant_id=grant.id,
        acr=grant.acr,
        auth_time=grant.auth_time,
    )

"""Telling clients that a session has ended (OpenID Connect Back-Channel Logout 1.0): signed, posted, tried again.

A job calls `deliver`. What a client answers decides nothing but whether it is told again; its address is judged and
pinned by `auth.proofs.addresses` at every try.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Final, Protocol

from auth.errors import RefusedAddress
from auth.server.keyring import Keyring
from auth.tokens.id_token import logout_token_claims
from auth.tokens.issue import new_token_id, sign
from storage.database import Database
from storage.oauth import logout_notices
from storage.oauth.logout_notices import Due

_log = logging.getLogger(__name__)

AT_ONCE: Final = 50
PAUSES: Final = (10, 60, 600, 3600)  # seconds before each further try; then it is given up
_DELIVERED: Final = frozenset({200, 204})


class Poster(Protocol):
    async def post(self, url: str, form: Mapping[str, str]) -> int:
        """The status. Raises RefusedAddress."""
        ...


async def deliver(database: Database, issuer: str, keyring: Keyring, poster: Poster, now: int) -> None:
    """Tells those that are due. Two workers may tell one client twice, which changes nothing for it."""
    async with database.read() as session:
        due = await logout_notices.due(session, now, AT_ONCE)
        signer = await keyring.signer(session, now) if due else None
    for each in due:
        assert signer is not None
        claims = logout_token_claims(
            issuer=issuer,
            client_id=each.client_id,
            subject=each.notice.person_id,
            session=each.notice.session_name,
            token_id=new_token_id(),
            now=now,
        )
        told = await _told(each, sign(claims, signer, typ="logout+jwt"), poster)
        async with database.begin() as session:
            tries = each.notice.tries
            if told or tries >= len(PAUSES):
                await logout_notices.remove(session, each.notice.id)
            else:
                await logout_notices.put_off(session, each.notice.id, now + PAUSES[tries])


async def _told(each: Due, token: str, poster: Poster) -> bool:
    try:
        status = await poster.post(each.uri, {"logout_token": token})
    except RefusedAddress as fault:
        _log.warning("logout notice to app %s: %s", each.notice.app_id, fault.detail)
        return False
    if status not in _DELIVERED:
        _log.warning("logout notice to app %s: status %d", each.notice.app_id, status)
    return status in _DELIVERED

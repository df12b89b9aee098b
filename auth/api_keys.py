"""API keys: who is calling by one, where a publication takes them. `Authorization: ApiKey sluss_key_…`, nowhere else.

In the header that no proxy logs and no upstream is passed. Looked up by SHA-256 in the snapshot's table: no database,
and no time that tells how near a guess was. How keys are made and rolled is `auth.credentials.rotation`.
"""

from __future__ import annotations

import re

from auth.credentials.secrets import Prefix, hash_of, well_formed
from auth.errors import ApiKeyNotAccepted, MissingToken, UnknownApiKey
from auth.policy import AccessTable, Demand
from auth.principal import Principal

# Scheme in any case, one space; the length is that of a key and so bounded.
_KEY = re.compile(rb"[Aa][Pp][Ii][Kk][Ee][Yy] ([\x21-\x7e]{1,200})")
# A key is no token: `tokens_valid_from` draws no line through it, and it ends when it leaves the table.
_NEVER = 2**53


def caller(authorization: bytes | None, demand: Demand, table: AccessTable, now: float) -> Principal:
    """The app behind a key, with every scope of the API. Raises MissingToken when there is no key, UnknownApiKey and
    ApiKeyNotAccepted.
    """
    match = _KEY.fullmatch(authorization) if authorization is not None else None
    if match is None:
        raise MissingToken("another scheme")
    text = match[1].decode("ascii")
    # The checksum first: what cannot be a key is not looked up.
    known = table.api_keys.get(hash_of(text)) if well_formed(text, Prefix.API_KEY) else None
    if known is None or (known.expires_at is not None and known.expires_at <= now):
        raise UnknownApiKey
    app = table.apps.get(known.client_id)
    if app is None:
        raise UnknownApiKey
    if not demand.api_keys:
        raise ApiKeyNotAccepted(demand.api)
    return Principal(
        client_id=app.client_id,
        subject=app.client_id,
        organisation_id=app.organisation_id,
        app_id=app.app_id,
        environment=app.environment,
        scopes=demand.offered,
        token_id=known.id,
        issued_at=_NEVER,
        expires_at=_NEVER if known.expires_at is None else known.expires_at,
        key_id=known.id,
    )


def is_key(principal: Principal) -> bool:
    """Whether it came by a key and not by a token: a token's id is never that of the key that signed it."""
    return principal.token_id == principal.key_id

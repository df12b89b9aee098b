"""The keys as the authorization server uses them: private ones to sign, public ones to read tokens back.

Rows are read in every call's transaction, so a rotation counts at once; what is remembered is only the work
of decrypting and parsing, under the exact text it was done for.
"""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from auth.authenticate import Authenticator
from auth.errors import Unauthenticated
from auth.principal import Principal
from auth.tokens.keys import VerificationKeys
from auth.tokens.signing import Signer, chosen, unlock
from storage import signing_keys

_MOST_SIGNERS = 4


class Keyring:
    def __init__(self, issuer: str, master_key: bytes) -> None:
        self._master_key = master_key
        self._signers: dict[bytes, Signer] = {}
        # Nothing is remembered here: a caller who revokes wants the state of this moment.
        self._authenticator = Authenticator(issuer, frozenset({issuer}), cache_size=2)

    async def signer(self, session: AsyncSession, now: int) -> Signer:
        """The private key that signs now. Raises NoSigningKey, UnusableKey."""
        row = chosen(await signing_keys.all_published(session), now)
        signer = self._signers.get(row.private_encrypted)
        if signer is None:
            signer = unlock(row, self._master_key)
            if len(self._signers) >= _MOST_SIGNERS:
                self._signers.clear()
            self._signers[row.private_encrypted] = signer
        return signer

    async def caller(self, session: AsyncSession, authorization: str, now: int) -> Principal:
        """Who shows a token of ours in an Authorization header. Raises a subclass of Unauthenticated."""
        keys = VerificationKeys.from_rows(await signing_keys.all_published(session))
        return self._authenticator.authenticate(authorization.encode("utf-8", "surrogatepass"), keys, now)

    async def read(self, session: AsyncSession, token: str, now: int) -> Principal | None:
        """The claims of a token of ours that has not expired; None for anything else."""
        keys = VerificationKeys.from_rows(await signing_keys.all_published(session))
        authorization = b"Bearer " + token.encode("utf-8", "surrogatepass")
        try:
            return self._authenticator.read(authorization, keys, now)
        except Unauthenticated:
            return None

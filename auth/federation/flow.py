"""The way to the provider and back: authorization code with PKCE (RFC 7636), `state` bound to the browser, `nonce`,
and `iss` in the answer (RFC 9207).

An account is meant by (`iss`, `sub`) alone, which its person has linked while signed in here: an e-mail address that a
provider states links nothing.
"""

from __future__ import annotations

import json
import secrets
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import quote, urlencode

from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from auth.credentials.secrets import hash_of
from auth.errors import IdentityTaken, IdentityUnknown, VouchingRefused
from auth.factors.enrolment import Factors
from auth.factors.life import Event
from auth.federation import id_token
from auth.federation.id_token import Vouched
from auth.federation.named import Provider
from auth.federation.provider import Json, Reader
from auth.origin import Origin
from auth.sign_in import endings, visits
from auth.sign_in.visits import Halfway, SignedIn, Voucher
from storage import people, sessions
from storage.database import Database
from storage.errors import AlreadyExists
from storage.proofs import identities, single_use
from storage.schema.order import in_order

LIFE = 600  # seconds to come back
_STATE, _LOGOUT = "provider-state", "provider-logout"


@dataclass(frozen=True, slots=True)
class Returned:
    """Who came back. `begun` is None when an identity was linked to the account that asked for it."""

    begun: SignedIn | Halfway | None
    next: str


class Federation:
    def __init__(
        self, database: Database, provider: Provider, redirect_uri: str, factors: Factors, reader: Reader
    ) -> None:
        self.provider = provider
        self._database = database
        self._redirect_uri = redirect_uri
        self._factors = factors
        self._reader = reader

    async def start(self, browser: str, next_path: str, now: int, *, link_to: str = "") -> str:
        """Where to send the browser. `link_to` is the person who links. Raises ProviderFault."""
        endpoint = await self._reader.endpoint("authorization_endpoint", now)
        if not endpoint.startswith(("https://", self.provider.issuer)):
            raise VouchingRefused("an authorization endpoint that is not https")
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        about = {
            "browser": hash_of(browser),
            "nonce": nonce,
            "verifier": verifier,
            "next": next_path,
            "link": link_to,
        }
        async with self._database.begin() as session:
            await single_use.add(
                session,
                key_hash=hash_of(state),
                kind=_STATE,
                about=json.dumps(about),
                expires_at=now + LIFE,
                now=now,
            )
        asked = {
            "response_type": "code",
            "client_id": self.provider.client_id,
            "redirect_uri": self._redirect_uri,
            "scope": "openid",
            "state": state,
            "nonce": nonce,
            "code_challenge": _base64(sha256(verifier.encode()).digest()),
            "code_challenge_method": "S256",
        }
        if self.provider.acr:
            asked["acr_values"] = " ".join(self.provider.acr)
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(asked)}"

    async def finish(
        self,
        browser: str,
        answer: Mapping[str, str],
        now: int,
        origin: Origin,
        *,
        person_id: str = "",
        previous: str | None = None,
    ) -> Returned:
        """`answer` is the query, each name once; `person_id` who is signed in here.

        Raises VouchingRefused, LevelTooLow, IdentityUnknown, IdentityTaken, ProviderFault."""
        about = await self._returned(browser, answer, now)
        claims = await self._claims(await self._redeemed(answer["code"], about["verifier"], now), now)
        found = id_token.vouched(claims, self.provider, about["nonce"], now)
        async with self._database.begin() as session:
            await in_order(session)
            if about["link"]:
                if about["link"] != person_id:
                    raise VouchingRefused("another person than who began")
                try:
                    await identities.add(
                        session,
                        issuer=self.provider.issuer,
                        subject=found.subject,
                        person_id=person_id,
                        now=now,
                    )
                except AlreadyExists as error:
                    raise IdentityTaken from error
                await visits.record(session, "person.link_identity", person_id, now, origin)
                return Returned(None, about["next"])
            known = await identities.find(session, self.provider.issuer, found.subject)
            person = None if known is None else await people.by_id(session, known.person_id)
            if person is None or person.disabled_at is not None:
                raise IdentityUnknown
            if previous is not None:
                await sessions.delete(session, hash_of(previous))
            # A level that was demanded counts as two factors; without one, the account's own second step remains.
            strong = bool(self.provider.acr)
            first = not strong and await self._factors.enrolled(session, person.id)
            event = Event.PROVIDER_FIRST if first else Event.PROVIDER
            begun = await visits.enter(session, person, event, now, origin, self._voucher(found, strong))
            if previous is not None:
                await endings.succeeded(session, hash_of(previous), begun.id_hash, person.id, now)
            return Returned(begun, about["next"])

    async def log_out(self, token: str, now: int, origin: Origin) -> int:
        """Back-channel logout: how many sessions ended. Raises VouchingRefused, ProviderFault."""
        subject, named, jti = id_token.logged_out(await self._claims(token, now), self.provider, now)
        async with self._database.begin() as session:
            await in_order(session)
            if await single_use.peek(session, _LOGOUT, hash_of(jti), now) is not None:
                raise VouchingRefused("jti")
            await single_use.add(
                session, key_hash=hash_of(jti), kind=_LOGOUT, about="", expires_at=now + 1200, now=now
            )
            known = await identities.find(session, self.provider.issuer, subject) if subject else None
            ended = await sessions.delete_of_provider(
                session, self.provider.issuer, known.person_id if known else None, named or None
            )
            for person_id in sorted(set(ended)):
                await endings.swept(session, person_id, now)
            if known is not None:
                await visits.record(session, "person.provider_logout", known.person_id, now, origin)
        return len(ended)

    def _voucher(self, found: Vouched, strong: bool) -> Voucher:
        amr = ("fed", "mfa") if strong else ("fed",)
        return Voucher(self.provider.issuer, found.session, amr, found.acr if strong else "")

    async def _returned(self, browser: str, answer: Mapping[str, str], now: int) -> dict[str, str]:
        """What was stored under `state`, used up. The mix-up check (RFC 9207, 2.4) comes before the code is sent."""
        async with self._database.begin() as session:
            text = await single_use.use(session, _STATE, hash_of(answer.get("state", "")), now)
        about: dict[str, str] = {} if text is None else json.loads(text)
        if not about or about["browser"] != hash_of(browser):
            raise VouchingRefused("state")
        promised = (await self._reader.metadata(now)).get("authorization_response_iss_parameter_supported")
        if ("iss" in answer or promised is True) and answer.get("iss") != self.provider.issuer:
            raise VouchingRefused("iss")
        if "error" in answer or not 0 < len(answer.get("code", "")) <= 4096:
            raise VouchingRefused("error or no code")
        return about

    async def _redeemed(self, code: str, verifier: str, now: int) -> str:
        endpoint = await self._reader.endpoint("token_endpoint", now)
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._redirect_uri,
            "code_verifier": verifier,
        }
        headers: dict[str, str] = {}
        if self.provider.key is not None:
            form |= {
                "client_id": self.provider.client_id,
                "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
                "client_assertion": _assertion(self.provider, self.provider.key, now),
            }
        elif self.provider.secret is not None:
            pair = f"{quote(self.provider.client_id, '')}:{quote(self.provider.secret, '')}"
            headers["Authorization"] = "Basic " + b64encode(pair.encode()).decode()
        answer = await self._reader.post(endpoint, form, headers)
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise VouchingRefused("no ID token")
        return token

    async def _claims(self, token: str, now: int) -> Mapping[str, object]:
        """The claims behind a right signature; the key set is read again for a key that is not in it."""
        if len(token) > id_token.LONGEST:
            raise VouchingRefused("too long")
        kid, keys = id_token.key_id(token), await self._reader.keys(now)
        if kid is not None and not _holds(keys, kid):
            keys = await self._reader.keys(now, again=True)
        return id_token.verified(token, keys)


def _holds(keys: Json, kid: object) -> bool:
    held = keys.get("keys")
    return isinstance(held, list) and any(isinstance(key, dict) and key.get("kid") == kid for key in held)


def _assertion(provider: Provider, pem: bytes, now: int) -> str:
    """RFC 7523, 3: for one minute, with the issuer as its one audience (FAPI 2.0, 5.3.3)."""
    claims = {
        "iss": provider.client_id,
        "sub": provider.client_id,
        "aud": provider.issuer,
        "iat": now,
        "exp": now + 60,
        "jti": secrets.token_urlsafe(16),
    }
    if b"BEGIN EC" in pem or (b"BEGIN PRIVATE" in pem and _is_elliptic(pem)):
        return jwt.encode({"alg": "ES256"}, claims, ECKey.import_key(pem))
    return jwt.encode({"alg": "PS256"}, claims, RSAKey.import_key(pem), algorithms=["PS256"])


def _is_elliptic(pem: bytes) -> bool:
    try:
        ECKey.import_key(pem)
    except ValueError:
        return False
    return True


def _base64(octets: bytes) -> str:
    return urlsafe_b64encode(octets).rstrip(b"=").decode()

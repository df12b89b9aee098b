"""Passkeys: WebAuthn Level 3, registration (7.1) and authentication (7.2), by the library `webauthn`.

Ours is what a library cannot know: that a challenge is used once, within five minutes, by the browser, person or
sign-in that it was given to; that an origin is the issuer's own; and that no answer, however malformed, is a fault of
ours. A passkey alone signs in only when the person was verified (PIN or biometrics); after a password, possession is
enough. Methods work in the caller's transaction.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from urllib.parse import urlsplit

import webauthn
from sqlalchemy.ext.asyncio import AsyncSession
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from auth.credentials.secrets import hash_of
from auth.errors import FactorInUse, NothingToConfirm, PasskeyRefused
from auth.origin import Origin
from auth.sign_in import visits
from storage.errors import AlreadyExists
from storage.people import Person
from storage.proofs import passkeys, single_use
from storage.proofs.passkeys import Passkey

LIFE = 300  # seconds for a challenge
MOST = 10  # passkeys of one person
LONGEST_ANSWER = 16 * 1024  # characters
_REGISTER, _ANSWER = "passkey-register", "passkey-answer"


@dataclass(frozen=True, slots=True)
class Passkeys:
    """`issuer` is the public base URL; its host is the relying party's id."""

    issuer: str

    @property
    def _host(self) -> str:
        return urlsplit(self.issuer).hostname or "localhost"

    async def registration(self, session: AsyncSession, person: Person, now: int) -> str:
        """Options for `navigator.credentials.create`, as JSON. Raises FactorInUse when there are enough."""
        held = await passkeys.for_person(session, person.id)
        if len(held) >= MOST:
            raise FactorInUse
        challenge = await _challenge(session, _REGISTER, person.id, now)
        options = webauthn.generate_registration_options(
            rp_id=self._host,
            rp_name="Sluss",
            user_id=person.id.encode(),
            user_name=person.email,
            user_display_name=person.name,
            challenge=challenge,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.PREFERRED,
                user_verification=UserVerificationRequirement.PREFERRED,
            ),
            exclude_credentials=_descriptors(held),
        )
        return webauthn.options_to_json(options)

    async def register(
        self, session: AsyncSession, person: Person, answer: str, name: str, now: int, origin: Origin
    ) -> Passkey:
        """Raises PasskeyRefused, FactorInUse."""
        challenge = await _used(session, _REGISTER, person.id, answer, now)
        try:
            found = webauthn.verify_registration_response(
                credential=answer,
                expected_challenge=challenge,
                expected_rp_id=self._host,
                expected_origin=self.issuer,
            )
        except Exception as error:  # CBOR, COSE, ASN.1: their parsers raise whatever they raise
            raise PasskeyRefused(type(error).__qualname__) from error
        try:
            made = await passkeys.add(
                session,
                person_id=person.id,
                credential_id=bytes_to_base64url(found.credential_id),
                public_key=found.credential_public_key,
                sign_count=found.sign_count,
                name=name,
                now=now,
            )
        except AlreadyExists as error:
            raise FactorInUse from error
        await visits.record(session, "person.add_passkey", person.id, now, origin, after={"passkey": made.id})
        return made

    async def question(
        self, session: AsyncSession, asked_of: str, now: int, person_id: str | None = None
    ) -> str:
        """Options for `navigator.credentials.get`, as JSON, for the browser or the sign-in that `asked_of` names. With
        a person it is a second factor, of their passkeys alone."""
        challenge = await _challenge(session, _ANSWER, asked_of, now)
        held = [] if person_id is None else await passkeys.for_person(session, person_id)
        options = webauthn.generate_authentication_options(
            rp_id=self._host,
            challenge=challenge,
            allow_credentials=_descriptors(held) or None,
            user_verification=UserVerificationRequirement.REQUIRED
            if person_id is None
            else UserVerificationRequirement.DISCOURAGED,
        )
        return webauthn.options_to_json(options)

    async def answered(
        self, session: AsyncSession, asked_of: str, answer: str, now: int, person_id: str | None = None
    ) -> Passkey:
        """The passkey that answered; as the only factor it must have verified the person. Raises PasskeyRefused."""
        challenge = await _used(session, _ANSWER, asked_of, answer, now)
        held = await passkeys.by_credential(session, _credential_id(answer))
        if held is None or person_id not in (None, held.person_id):
            raise PasskeyRefused("unknown")
        try:
            found = webauthn.verify_authentication_response(
                credential=answer,
                expected_challenge=challenge,
                expected_rp_id=self._host,
                expected_origin=self.issuer,
                credential_public_key=held.public_key,
                credential_current_sign_count=held.sign_count,
                require_user_verification=person_id is None,
            )
        except Exception as error:  # as above
            raise PasskeyRefused(type(error).__qualname__) from error
        await passkeys.used(session, held.id, found.new_sign_count, now)
        return held

    async def remove(
        self, session: AsyncSession, person: Person, passkey_id: str, now: int, origin: Origin
    ) -> None:
        """Raises NothingToConfirm when the person has none of that id."""
        if not await passkeys.remove(session, person.id, passkey_id):
            raise NothingToConfirm
        await visits.record(
            session, "person.remove_passkey", person.id, now, origin, after={"passkey": passkey_id}
        )


def _descriptors(held: list[Passkey]) -> list[PublicKeyCredentialDescriptor]:
    return [PublicKeyCredentialDescriptor(id=base64url_to_bytes(row.credential_id)) for row in held]


async def _challenge(session: AsyncSession, kind: str, about: str, now: int) -> bytes:
    challenge = secrets.token_bytes(32)
    await single_use.add(
        session,
        key_hash=hash_of(bytes_to_base64url(challenge)),
        kind=kind,
        about=about,
        expires_at=now + LIFE,
        now=now,
    )
    return challenge


async def _used(session: AsyncSession, kind: str, about: str, answer: str, now: int) -> bytes:
    """The challenge that the answer names, used up; it must have been given to `about`."""
    try:
        if len(answer) > LONGEST_ANSWER:
            raise ValueError("too long")
        client_data = json.loads(base64url_to_bytes(json.loads(answer)["response"]["clientDataJSON"]))
        challenge = base64url_to_bytes(client_data["challenge"])
    except (ValueError, TypeError, LookupError, RecursionError, AttributeError) as error:
        raise PasskeyRefused("unreadable") from error
    if await single_use.use(session, kind, hash_of(bytes_to_base64url(challenge)), now) != about:
        raise PasskeyRefused("challenge")
    return challenge


def _credential_id(answer: str) -> str:
    found = json.loads(answer).get("id")
    return found if isinstance(found, str) and found.isascii() and "\x00" not in found else ""

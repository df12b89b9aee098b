"""What a client's metadata may be, whoever writes it: the console, the management API or the client (RFC 7591, 2).

Pure. Judges the form of each member; what a profile demands is `auth.profiles`. Every fault is named at once, with what
to change. The names are those of `storage.clients.ClientMetadata`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from cryptography import x509

from auth.errors import InvalidProof, RefusedAddress
from auth.profiles import PUBLIC_GRANTS, Mismatch, mismatches
from auth.proofs.addresses import target_of
from auth.proofs.certificates import NAMES
from auth.proofs.jose import KEY_OF
from auth.proofs.key_sets import keys_of
from storage.clients import ClientMetadata

GRANTS: Final = (*sorted(PUBLIC_GRANTS), "client_credentials")
MOST_APPS: Final = 100  # of one organisation
MOST_ADDRESSES: Final = 20
LONGEST_ADDRESS: Final = 2048
_MOST_SCOPES: Final = 100
_ADDRESS = re.compile(r"[\x21-\x7e]+")
_OWN_SCHEME = re.compile(r"[a-z][a-z0-9+-]*(?:\.[a-z0-9+-]+)+")  # RFC 8252, 7.1: a domain name turned round
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,100}")
_EMAIL = re.compile(r"[^\s@\x00-\x1f]{1,100}@[A-Za-z0-9.-]{1,150}")
_LINKS: Final = ("backchannel_logout_uri", "client_uri", "logo_uri", "tos_uri", "policy_uri")

# When one of these changes, tokens got under the old one must not go on: a key is taken out because it has leaked,
# a profile chosen because tokens are to be bound from now on (T14).
ENDS_TOKENS: Final = (
    "profile",
    "auth_method",
    "jwks",
    "jwks_uri",
    "tls_client_auth_name",
    "tls_client_auth_value",
    "dpop_bound_access_tokens",
    "tls_client_certificate_bound_access_tokens",
)


def ends_tokens(before: ClientMetadata, after: ClientMetadata) -> bool:
    return any(getattr(before, member) != getattr(after, member) for member in ENDS_TOKENS)


def faults(client: ClientMetadata) -> Sequence[Mismatch]:
    """Everything that is wrong with it; empty when it may be stored."""
    return [*_addresses(client), *_links(client), *_keys(client), *_names(client), *mismatches(client)]


def _addresses(client: ClientMetadata) -> Iterator[Mismatch]:
    for member in ("redirect_uris", "post_logout_redirect_uris"):
        given: tuple[str, ...] = getattr(client, member)
        if len(given) > MOST_ADDRESSES or len(set(given)) != len(given):
            yield Mismatch(
                member,
                f"Högst {MOST_ADDRESSES} adresser, var och en en gång.",
                f"At most {MOST_ADDRESSES} addresses, each of them once.",
            )
        if not all(_may_be_answered(each, native=client.application_type == "native") for each in given):
            yield Mismatch(
                member,
                "En adress börjar med https://, eller http:// och den egna maskinen, eller för en installerad app "
                "ett eget schema som se.exempel.app:. Inget fragment, ingen stjärna, inget användarnamn.",
                "An address begins with https://, or http:// and the machine itself, or for an installed app a scheme "
                "of its own such as se.example.app:. No fragment, no asterisk, no user name.",
            )


def _may_be_answered(address: str, *, native: bool) -> bool:
    if len(address) > LONGEST_ADDRESS or not _ADDRESS.fullmatch(address):
        return False
    if "#" in address or "*" in address or "\\" in address:
        return False
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return False
    if parts.username is not None or parts.password is not None:
        return False
    if parts.scheme == "https":
        return bool(host)
    if parts.scheme == "http":
        return _is_loopback(host)
    # A dot in it: so `javascript:`, `data:` and whatever else a browser runs can never be one.
    return native and _OWN_SCHEME.fullmatch(parts.scheme) is not None


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _links(client: ClientMetadata) -> Iterator[Mismatch]:
    for member in ("jwks_uri", *_LINKS):
        address: str | None = getattr(client, member)
        if address is None:
            continue
        try:
            target_of(address)
        except RefusedAddress as fault:
            yield Mismatch(
                member, f"{RefusedAddress.sv} ({fault.detail})", f"{RefusedAddress.en} ({fault.detail})"
            )


def _keys(client: ClientMetadata) -> Iterator[Mismatch]:
    if client.jwks is not None:
        try:
            keys = keys_of(client.jwks)
        except InvalidProof as fault:
            yield Mismatch(
                "jwks",
                f"Nycklarna godtas inte: {fault.detail}.",
                f"The keys are not accepted: {fault.detail}.",
            )
        else:
            if client.auth_method == "self_signed_tls_client_auth" and not any(
                key.certificate for key in keys
            ):
                yield Mismatch(
                    "jwks", "Lägg certifikatet i nyckelns x5c.", "Put the certificate into the key's x5c."
                )
    name, value = client.tls_client_auth_name, client.tls_client_auth_value
    if (name is None) != (value is None) or name not in (None, *NAMES) or not _is_a_name(name, value):
        names = ", ".join(NAMES)
        yield Mismatch(
            "tls_client_auth_name",
            f"Ange vilket namn (någon av {names}) och dess värde; subject_dn som i RFC 4514.",
            f"Give which name (one of {names}) and its value; subject_dn as in RFC 4514.",
        )


def _is_a_name(name: str | None, value: str | None) -> bool:
    if value is None:
        return True
    if not 0 < len(value) <= 1024 or any(ord(character) < 32 for character in value):
        return False
    try:
        if name == "subject_dn":
            return bool(list(x509.Name.from_rfc4514_string(value)))
        if name == "san_ip":
            ip_address(value)
    except ValueError:
        return False
    return True


_CHOICES: Final = {
    "application_type": ("web", "native"),
    "id_token_signed_response_alg": ("ES256",),
    "auth_signing_alg": (None, *KEY_OF),
}


def _names(client: ClientMetadata) -> Iterator[Mismatch]:
    for member, allowed in _CHOICES.items():
        if getattr(client, member) not in allowed:
            texts = ", ".join(each for each in allowed if each)
            yield Mismatch(member, f"Välj något av {texts}.", f"Choose one of {texts}.")
    if not client.grant_types or not set(client.grant_types) <= set(GRANTS):
        texts = ", ".join(GRANTS)
        yield Mismatch("grant_types", f"Välj minst en av {texts}.", f"Choose at least one of {texts}.")
    wanted = ("code",) if "authorization_code" in client.grant_types else ()
    if client.response_types not in ((), wanted):
        yield Mismatch(
            "response_types",
            "Bara code, och bara med authorization_code.",
            "Only code, and only with authorization_code.",
        )
    scopes = client.scopes or ()
    if len(scopes) > _MOST_SCOPES or not all(_SCOPE.fullmatch(each) for each in scopes):
        yield Mismatch("scopes", "Ett scope är felskrivet.", "A scope is malformed.")
    if len(client.contacts) > 5 or not all(_EMAIL.fullmatch(each) for each in client.contacts):
        yield Mismatch("contacts", "Högst fem e-postadresser.", "At most five e-mail addresses.")
    for member in ("software_id", "software_version"):
        text: str | None = getattr(client, member)
        if text is not None and not (0 < len(text) <= 255 and text.isprintable()):
            yield Mismatch(member, "Högst 255 tecken.", "At most 255 characters.")

"""Security profiles: what is demanded of a client, as one literal table (`PROFILES`).

Per client and not per server, because the standards contradict each other: FAPI 2.0 wants an assertion's `aud` to be
the issuer, SMART the token address; FAPI signs with PS256, ES256 or Ed25519, SMART with RS384 or ES384. Pure. What a
profile means for authorization requests (PAR, PKCE) is told here too, and enforced where those are read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from storage.clients import ClientMetadata

SECRETS: Final = frozenset({"client_secret", "client_secret_basic", "client_secret_post"})
TLS: Final = frozenset({"tls_client_auth", "self_signed_tls_client_auth"})
METHODS: Final = SECRETS | TLS | {"private_key_jwt", "none"}
PUBLIC_GRANTS: Final = frozenset(
    {"authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"}
)


@dataclass(frozen=True, slots=True)
class Profile:
    name: str
    auth_methods: frozenset[str]
    assertion_algorithms: tuple[str, ...]
    assertion_to: frozenset[str]  # what `aud` may be: issuer, token_endpoint, endpoint (the address called)
    bound_tokens: bool  # every token bound to a key, by DPoP or mutual TLS
    dpop_nonce: bool  # proofs at the token endpoint carry a nonce of ours
    pushed_requests: bool  # PAR alone


PROFILES: Final[Mapping[str, Profile]] = MappingProxyType(
    {
        "default": Profile(
            "default",
            auth_methods=METHODS,
            assertion_algorithms=("ES256", "ES384", "PS256", "PS384", "RS384", "EdDSA", "Ed25519"),
            assertion_to=frozenset({"issuer", "token_endpoint", "endpoint"}),
            bound_tokens=False,
            dpop_nonce=False,
            pushed_requests=False,
        ),
        # FAPI 2.0 Security Profile: 5.3.2.1 (methods, audience, bound tokens), 5.3.2.2 (PAR), 5.4 (algorithms).
        "fapi2": Profile(
            "fapi2",
            auth_methods=TLS | {"private_key_jwt"},
            assertion_algorithms=("PS256", "ES256", "EdDSA", "Ed25519"),
            assertion_to=frozenset({"issuer"}),
            bound_tokens=True,
            dpop_nonce=True,
            pushed_requests=True,
        ),
        # SMART App Launch 2.2: client authentication, backend services.
        "smart": Profile(
            "smart",
            auth_methods=frozenset({"client_secret", "client_secret_basic", "private_key_jwt", "none"}),
            assertion_algorithms=("RS384", "ES384"),
            assertion_to=frozenset({"token_endpoint"}),
            bound_tokens=False,
            dpop_nonce=False,
            pushed_requests=False,
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One member of a client's metadata that its profile, or another member, does not allow; and what to change."""

    member: str
    sv: str
    en: str


def mismatches(client: ClientMetadata) -> Iterator[Mismatch]:
    """Every one of them; a client without any is whole."""
    profile = PROFILES.get(client.profile)
    if profile is None:
        names = ", ".join(PROFILES)
        yield Mismatch(
            "profile", f"Välj någon av profilerna {names}.", f"Choose one of the profiles {names}."
        )
        return
    yield from _method(client, profile)
    yield from _keys(client)
    yield from _grants(client)


def _method(client: ClientMetadata, profile: Profile) -> Iterator[Mismatch]:
    if client.auth_method not in profile.auth_methods:
        allowed = ", ".join(sorted(profile.auth_methods))
        yield Mismatch(
            "auth_method",
            f"Profilen {profile.name} kräver någon av metoderna {allowed}: byt metod eller profil.",
            f"The profile {profile.name} demands one of the methods {allowed}: change the method or the profile.",
        )
    if client.auth_signing_alg is not None and client.auth_signing_alg not in profile.assertion_algorithms:
        allowed = ", ".join(profile.assertion_algorithms)
        yield Mismatch(
            "auth_signing_alg",
            f"Profilen {profile.name} godtar algoritmerna {allowed}: byt algoritm eller profil.",
            f"The profile {profile.name} accepts the algorithms {allowed}: change the algorithm or the profile.",
        )


def _keys(client: ClientMetadata) -> Iterator[Mismatch]:
    if client.jwks is not None and client.jwks_uri is not None:
        yield Mismatch(
            "jwks_uri",
            "Ange nycklarna eller deras adress, inte båda.",
            "Give the keys or their address, not both.",
        )
    if client.auth_method in ("private_key_jwt", "self_signed_tls_client_auth") and not (
        client.jwks or client.jwks_uri
    ):
        yield Mismatch(
            "jwks",
            f"Metoden {client.auth_method} kräver nycklar: ladda upp en JWKS eller ange dess adress.",
            f"The method {client.auth_method} needs keys: upload a JWKS or give its address.",
        )
    if client.auth_method == "tls_client_auth" and not client.tls_client_auth_value:
        yield Mismatch(
            "tls_client_auth_value",
            "Metoden tls_client_auth kräver namnet som klientens certifikat bär.",
            "The method tls_client_auth needs the name that the client's certificate bears.",
        )


def _grants(client: ClientMetadata) -> Iterator[Mismatch]:
    if client.auth_method == "none" and not PUBLIC_GRANTS.issuperset(client.grant_types):
        allowed = ", ".join(sorted(PUBLIC_GRANTS))
        yield Mismatch(
            "grant_types",
            f"En app utan hemlighet får bara använda {allowed}.",
            f"An app without a secret may use {allowed} only.",
        )
    if "authorization_code" in client.grant_types and not client.redirect_uris:
        yield Mismatch(
            "redirect_uris",
            "authorization_code kräver minst en adress att svara till.",
            "authorization_code needs at least one address to answer to.",
        )

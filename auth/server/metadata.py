"""Authorization server metadata (RFC 8414): the only source of our endpoints, and only what works.

The same document stands at the OpenID Connect address, where many clients look first. It names no identity
tokens and no authorization endpoint, since there are none yet.
"""

from __future__ import annotations

from auth.profiles import PROFILES, PUBLIC_GRANTS
from auth.proofs import dpop

GRANTS = ("client_credentials",)
METHODS = (
    "client_secret_basic",
    "client_secret_post",
    "private_key_jwt",
    "tls_client_auth",
    "self_signed_tls_client_auth",
)


def metadata(issuer: str, scopes: frozenset[str]) -> dict[str, object]:
    """The document. Every address is built from the configured issuer, never from Host."""
    methods = [*METHODS, *(["none"] if PUBLIC_GRANTS.intersection(GRANTS) else [])]
    algorithms = list(dict.fromkeys(each for one in PROFILES.values() for each in one.assertion_algorithms))
    return {
        "issuer": issuer,
        "token_endpoint": f"{issuer}/oauth2/token",
        "token_endpoint_auth_methods_supported": methods,
        "token_endpoint_auth_signing_alg_values_supported": algorithms,
        "revocation_endpoint": f"{issuer}/oauth2/revoke",
        "revocation_endpoint_auth_methods_supported": methods,
        "revocation_endpoint_auth_signing_alg_values_supported": algorithms,
        "introspection_endpoint": f"{issuer}/oauth2/introspect",
        "introspection_endpoint_auth_methods_supported": list(METHODS),
        "introspection_endpoint_auth_signing_alg_values_supported": algorithms,
        "dpop_signing_alg_values_supported": list(dpop.ALGORITHMS),
        "tls_client_certificate_bound_access_tokens": True,
        "registration_endpoint": f"{issuer}/oauth2/register",
        "jwks_uri": f"{issuer}/oauth2/jwks",
        "scopes_supported": sorted(scopes),
        "grant_types_supported": list(GRANTS),
        "response_types_supported": [],  # required by RFC 8414, 2; there is no authorization endpoint
        "service_documentation": f"{issuer}/portal/",
        "ui_locales_supported": ["sv", "en"],
    }

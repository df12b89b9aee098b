"""Authorization server metadata (RFC 8414): the only source of our endpoints, and only what works.

The same document stands at the OpenID Connect address, where many clients look first. It names no identity
tokens and no authorization endpoint, since there are none yet.
"""

from __future__ import annotations

METHODS = ("client_secret_basic", "client_secret_post")


def metadata(issuer: str, scopes: frozenset[str]) -> dict[str, object]:
    """The document. Every address is built from the configured issuer, never from Host."""
    return {
        "issuer": issuer,
        "token_endpoint": f"{issuer}/oauth2/token",
        "token_endpoint_auth_methods_supported": list(METHODS),
        "revocation_endpoint": f"{issuer}/oauth2/revoke",
        "revocation_endpoint_auth_methods_supported": list(METHODS),
        "introspection_endpoint": f"{issuer}/oauth2/introspect",
        "introspection_endpoint_auth_methods_supported": list(METHODS),
        "jwks_uri": f"{issuer}/oauth2/jwks",
        "scopes_supported": sorted(scopes),
        "grant_types_supported": ["client_credentials"],
        "response_types_supported": [],  # required by RFC 8414, 2; there is no authorization endpoint
        "service_documentation": f"{issuer}/portal/",
        "ui_locales_supported": ["sv", "en"],
    }

"""Authorization server metadata (RFC 8414): the only source of our endpoints, and only what works.

The same document stands at the OpenID Connect address (Discovery 1.0, 3), where many clients look first.
"""

from __future__ import annotations

from auth.assurance import MULTI_FACTOR, SINGLE_FACTOR, acr_of
from auth.authorization.pkce import METHOD
from auth.authorization.request import PROMPTS
from auth.grants.scopes import ABOUT_PERSON
from auth.profiles import PROFILES, PUBLIC_GRANTS
from auth.proofs import dpop
from auth.server.interactive.device import GRANT_TYPE as DEVICE
from auth.tokens.signing import ALGORITHM

CLAIMS = (
    *("iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "sid", "name", "locale"),
    *("email", "email_verified"),
)
GRANTS = ("authorization_code", "client_credentials", "refresh_token", DEVICE)
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
        "authorization_endpoint": f"{issuer}/oauth2/authorize",
        "authorization_response_iss_parameter_supported": True,
        "code_challenge_methods_supported": [METHOD],
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
        "device_authorization_endpoint": f"{issuer}/oauth2/device",
        "device_authorization_endpoint_auth_methods_supported": methods,
        "userinfo_endpoint": f"{issuer}/oauth2/userinfo",
        "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
        "end_session_endpoint": f"{issuer}/oauth2/logout",
        "registration_endpoint": f"{issuer}/oauth2/register",
        "jwks_uri": f"{issuer}/oauth2/jwks",
        "scopes_supported": sorted(scopes | ABOUT_PERSON),
        "grant_types_supported": list(GRANTS),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "prompt_values_supported": sorted(PROMPTS),
        "acr_values_supported": [SINGLE_FACTOR, MULTI_FACTOR, acr_of(1)],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [ALGORITHM],
        "claims_supported": list(CLAIMS),
        "pushed_authorization_request_endpoint": f"{issuer}/oauth2/par",
        "pushed_authorization_request_endpoint_auth_methods_supported": methods,
        "require_pushed_authorization_requests": False,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,  # but for those of RFC 9126
        "service_documentation": f"{issuer}/portal/",
        "ui_locales_supported": ["sv", "en"],
    }

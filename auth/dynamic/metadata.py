"""Client metadata as it stands on the wire (RFC 7591, 2; RFC 8705, 2.1.2) and as we keep it. Pure.

What is not known here is ignored, as RFC 7591 has it, and neither stored nor shown: nobody sets what is not theirs.
Our own extension is `sluss_profile`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final, TypeVar

from auth.proofs.certificates import NAMES
from auth.proofs.jose import Object
from auth.server.faults import OAuthFault
from storage.clients import ClientMetadata

T = TypeVar("T")

_TEXTS: Final = ("redirect_uris", "post_logout_redirect_uris", "grant_types", "response_types", "contacts")
_TEXT: Final[Mapping[str, str]] = {
    "token_endpoint_auth_method": "auth_method",
    "token_endpoint_auth_signing_alg": "auth_signing_alg",
    "application_type": "application_type",
    "sluss_profile": "profile",
    "jwks_uri": "jwks_uri",
    "id_token_signed_response_alg": "id_token_signed_response_alg",
    "backchannel_logout_uri": "backchannel_logout_uri",
    "client_uri": "client_uri",
    "logo_uri": "logo_uri",
    "tos_uri": "tos_uri",
    "policy_uri": "policy_uri",
    "software_id": "software_id",
    "software_version": "software_version",
}
_FLAGS: Final = (
    "dpop_bound_access_tokens",
    "tls_client_certificate_bound_access_tokens",
    "require_pushed_authorization_requests",
    "backchannel_logout_session_required",
)
_MOST_NAME: Final = 100


class InvalidClientMetadata(OAuthFault):
    error = "invalid_client_metadata"
    description = "The client metadata is not accepted."


class InvalidRedirectUri(OAuthFault):
    error = "invalid_redirect_uri"
    description = "A redirect URI is not accepted."


class UnapprovedSoftwareStatement(OAuthFault):
    error = "unapproved_software_statement"
    description = "No issuer of software statements is trusted here: leave software_statement out."


def name_of(given: Object) -> str:
    """`client_name`. Raises InvalidClientMetadata."""
    name = _of(given, "client_name", str)
    text = "" if name is None else name.strip()
    if not 0 < len(text) <= _MOST_NAME or not text.isprintable():
        raise InvalidClientMetadata("client_name must be a printable text of 1 to 100 characters.")
    return text


def read(given: Object, app_id: str) -> ClientMetadata:
    """What was asked for, with RFC 7591's own defaults. Its form is still to be judged. Raises InvalidClientMetadata,
    UnapprovedSoftwareStatement.
    """
    if "software_statement" in given:
        raise UnapprovedSoftwareStatement
    texts = {own: _of(given, name, str) for name, own in _TEXT.items()}
    chosen = {own: text for own, text in texts.items() if text is not None}
    lists = {name: _list(given, name) for name in _TEXTS if given.get(name) is not None}
    flags = {name: flag for name in _FLAGS if (flag := _of(given, name, bool)) is not None}
    scope, jwks = _of(given, "scope", str), _of(given, "jwks", dict)
    sent = {name: given.get(f"tls_client_auth_{name}") for name in NAMES}
    named = [(name, value) for name, value in sent.items() if value is not None]
    if len(named) > 1 or not all(isinstance(value, str) for _, value in named):
        raise InvalidClientMetadata("Of the tls_client_auth_ names exactly one may be given, as a text.")
    members: dict[str, object] = {
        "auth_method": "client_secret_basic",
        "grant_types": ("authorization_code",),
        **chosen,
        **lists,
        **flags,
        "scopes": None if scope is None else tuple(scope.split()),
        "jwks": None if jwks is None else json.dumps(jwks),
        "tls_client_auth_name": named[0][0] if named else None,
        "tls_client_auth_value": named[0][1] if named else None,
    }
    return ClientMetadata(app_id=app_id, **members)  # type: ignore[arg-type]  # each was checked above


def shown(client: ClientMetadata) -> dict[str, object]:
    """The same back: what has a value."""
    method = "client_secret_basic" if client.auth_method == "client_secret" else client.auth_method
    members: dict[str, object] = {name: getattr(client, own) for name, own in _TEXT.items()}
    members["token_endpoint_auth_method"] = method
    members |= {name: list(getattr(client, name)) for name in _TEXTS}
    members |= {name: getattr(client, name) for name in _FLAGS}
    members["scope"] = None if client.scopes is None else " ".join(client.scopes)
    members["jwks"] = None if client.jwks is None else json.loads(client.jwks)
    if client.tls_client_auth_name is not None:
        members[f"tls_client_auth_{client.tls_client_auth_name}"] = client.tls_client_auth_value
    return {name: value for name, value in members.items() if value is not None}


def _of(given: Object, name: str, kind: type[T]) -> T | None:
    value = given.get(name)
    if value is not None and type(value) is not kind:
        raise InvalidClientMetadata(f"{name} must be a {_WORDS[kind]}.")
    return value if isinstance(value, kind) else None


_WORDS: Final[Mapping[type, str]] = {str: "text", bool: "true or false", dict: "JSON object"}


def _list(given: Object, name: str) -> tuple[str, ...]:
    value = given[name]
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise InvalidClientMetadata(f"{name} must be a list of texts.")
    return tuple(value)

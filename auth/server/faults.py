"""OAuth errors as this server answers them (RFC 6749, 5.2; RFC 7009, 2.2.1).

Subclasses of Authlib's, so that its core turns them into answers. Descriptions are fixed texts: nothing a
client sent is repeated, since Authlib's own raise ValueError at a quote or a non-ASCII letter and end as an
unauthenticated 500.
"""

from __future__ import annotations

from typing import ClassVar

from authlib.oauth2 import OAuth2Error  # type: ignore[import-untyped]

Headers = list[tuple[str, str]]

NO_STORE: tuple[tuple[str, str], ...] = (("Cache-Control", "no-store"), ("Pragma", "no-cache"))


class OAuthFault(OAuth2Error):  # type: ignore[misc]
    """The root of ours. `error` is the protocol's code, `description` plain ASCII."""

    error: ClassVar[str] = "invalid_request"
    description: ClassVar[str] = "The request is malformed."
    status_code: ClassVar[int] = 400

    def get_headers(self) -> Headers:
        return list(NO_STORE)


class QueryParameters(OAuthFault):
    description = "Parameters belong in the body: the query string must be empty."


class WrongContentType(OAuthFault):
    description = "The body must be application/x-www-form-urlencoded in UTF-8."


class UnreadableForm(OAuthFault):
    description = "The body is not a form in UTF-8."


class RepeatedParameter(OAuthFault):
    description = "A parameter or the Authorization header occurs more than once."


class FormTooLarge(OAuthFault):
    description = "The body is too large."
    status_code = 413


class SeveralMethods(OAuthFault):
    description = "The client used more than one way to authenticate, or named two clients."


class MissingParameter(OAuthFault):
    description = "A required parameter is missing."


class InvalidClient(OAuthFault):
    """One answer for unknown client, wrong secret, suspended app and too many tries."""

    error = "invalid_client"
    description = "The client could not be authenticated."
    status_code = 401

    def get_headers(self) -> Headers:
        return [*NO_STORE, ("WWW-Authenticate", 'Basic realm="sluss", charset="UTF-8"')]


class InvalidDpopProof(OAuthFault):
    """RFC 9449, 5. The description is one of our own sentences."""

    error = "invalid_dpop_proof"
    description = "The DPoP proof is not valid."


class UseDpopNonce(OAuthFault):
    """RFC 9449, 8: the answer's header DPoP-Nonce has the nonce, as every answer to a DPoP request does."""

    error = "use_dpop_nonce"
    description = "The DPoP proof must hold the nonce of the header DPoP-Nonce."


class UnboundRequest(OAuthFault):
    """The client's tokens are bound, and the request shows nothing they could be bound to."""


class InvalidToken(OAuthFault):
    """RFC 6750, 3.1, at the registration endpoints: one answer for unknown, spent, expired and another app's."""

    error = "invalid_token"
    description = "The access token is not valid here."
    status_code = 401

    def get_headers(self) -> Headers:
        return [*NO_STORE, ("WWW-Authenticate", 'Bearer realm="sluss", error="invalid_token"')]


class UnsupportedGrant(OAuthFault):
    error = "unsupported_grant_type"
    description = "The grant type is not supported."


class UnauthorizedClient(OAuthFault):
    error = "unauthorized_client"
    description = "The client is not registered for this grant type."


class InvalidScope(OAuthFault):
    error = "invalid_scope"
    description = "A scope is unknown, malformed, or belongs to an API without an active subscription."


class AnothersToken(OAuthFault):
    error = "invalid_grant"
    description = "The token was not issued to this client."


class ServerError(OAuthFault):
    error = "server_error"
    description = "The server could not complete the request."
    status_code = 500


class TemporarilyUnavailable(OAuthFault):
    error = "temporarily_unavailable"
    description = "The server cannot complete the request right now. Try again in a moment."
    status_code = 503

    def get_headers(self) -> Headers:
        return [*NO_STORE, ("Retry-After", "2")]

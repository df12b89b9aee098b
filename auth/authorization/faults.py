"""Why an authorization request is refused, as the client is told.

What is shown to the person instead, because it is not known whose address the answer would go to, is
`auth.errors.Unanswerable` (RFC 6749, 4.1.2.1; RFC 9700, 4.11).
"""

from __future__ import annotations

from auth.server.faults import OAuthFault


class RepeatedRequestParameter(OAuthFault):
    description = "A parameter occurs more than once."


class UnsupportedResponseType(OAuthFault):
    error = "unsupported_response_type"
    description = "The response type must be code."


class UnsupportedResponseMode(OAuthFault):
    description = "The response mode must be query."


class UnauthorizedClient(OAuthFault):
    error = "unauthorized_client"
    description = "The client is not registered for this grant."


class ChallengeRequired(OAuthFault):
    description = "code_challenge with code_challenge_method=S256 is required (RFC 7636)."


class PushRequired(OAuthFault):
    description = "The client's profile demands a pushed authorization request (RFC 9126)."


class MalformedParameter(OAuthFault):
    description = "A parameter is malformed: state, nonce, prompt, max_age, acr_values or login_hint."


class UnregisteredRedirectUri(OAuthFault):
    """To a client that pushes its request; in a browser it is a page (`WrongRedirectUri`)."""

    description = "redirect_uri is missing or not registered."


class RequestObjectsUnsupported(OAuthFault):
    error = "request_not_supported"
    description = "Request objects are not supported; push the request instead (RFC 9126)."


class RequestUriUnsupported(OAuthFault):
    error = "request_uri_not_supported"
    description = "Only a request_uri that this server has given is read (RFC 9126)."


class ScopeRequired(OAuthFault):
    error = "invalid_scope"
    description = "The parameter scope is required."


class InvalidTarget(OAuthFault):
    error = "invalid_target"
    description = (
        "The resource is not the address of an API here, or not one that the grant is for (RFC 8707)."
    )


class LoginRequired(OAuthFault):
    error = "login_required"
    description = "The person must sign in, and prompt=none forbids to ask."


class ConsentRequired(OAuthFault):
    error = "consent_required"
    description = "The person must consent, and prompt=none forbids to ask."


class AccessDenied(OAuthFault):
    error = "access_denied"
    description = "The person said no."


class UnmetAuthentication(OAuthFault):
    error = "unmet_authentication_requirements"
    description = "The person cannot sign in here at the level that acr_values asks for."

"""Why an authorization request is refused.

Two kinds. An `Unanswerable` is shown to the person on a page of ours, because it is not known whose address the answer
would go to (RFC 6749, 4.1.2.1; RFC 9700, 4.11). Everything else is an `OAuthFault` that goes back to the client.

Unanswerable                  an error page, never a redirect
├── UnreadableRequest         not a query in UTF-8, too long, a name of the client or its address twice
├── UnknownClient             unknown, suspended, or its organisation disabled
├── WrongRedirectUri          missing or not registered
└── SpentRequest              a `request_uri` that is unknown, another client's, expired or used
"""

from __future__ import annotations

from auth.errors import AuthError
from auth.server.faults import OAuthFault


class Unanswerable(AuthError):
    code = "authorization-request-refused"
    sv = "Appens begäran går inte att besvara."
    en = "The app's request cannot be answered."


class UnreadableRequest(Unanswerable):
    code = "unreadable-authorization-request"
    sv = "Appens begäran går inte att läsa. Felet är appens; hör av dig till den som gör appen."
    en = "The app's request cannot be read. The fault is the app's; contact whoever makes the app."


class UnknownClient(Unanswerable):
    code = "unknown-client"
    sv = "Appen är inte känd här, eller så är den avstängd."
    en = "The app is not known here, or it has been switched off."


class WrongRedirectUri(Unanswerable):
    code = "wrong-redirect-uri"
    sv = "Appen vill ha svaret skickat till en adress som inte är registrerad för den. Därför skickas inget."
    en = "The app wants the answer sent to an address that is not registered for it. So nothing is sent."


class SpentRequest(Unanswerable):
    code = "spent-authorization-request"
    sv = "Begäran är redan besvarad eller för gammal. Gå tillbaka till appen och börja om."
    en = "The request has been answered already or is too old. Go back to the app and start again."


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

"""One authorization request, judged (RFC 6749, 4.1.1; OpenID Connect Core, 3.1.2.1; RFC 7636; RFC 8707).

Pure: what the client is registered for and may ask is given. The order is that of blame: first what makes it
impossible to answer the client at all, then what the client is told.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from auth.authorization import faults, pkce
from auth.authorization.parameters import Parameters
from auth.authorization.redirects import registered
from auth.errors import UnreadableRequest, WrongRedirectUri
from auth.grants.scopes import granted
from storage.clients import ClientMetadata

PROMPTS = frozenset({"none", "login", "consent", "select_account"})
_TEXT = re.compile(r"[^\x00-\x1f\x7f]{1,2048}")
_NONCE = re.compile(r"[^\x00-\x1f\x7f]{1,512}")
_AGE = re.compile(r"[0-9]{1,9}")
_ACR = re.compile(r"[\x21-\x7e]{1,255}(?: [\x21-\x7e]{1,255}){0,9}")
_JKT = re.compile(r"[A-Za-z0-9_-]{43}")  # RFC 9449, 10


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    redirect_uri: str
    state: str | None
    scope: frozenset[str]
    challenge: str
    nonce: str | None
    prompts: frozenset[str]
    max_age: int | None  # seconds since the person signed in
    acr_values: tuple[str, ...]
    login_hint: str
    resource: str  # key of an API, "behov/v1"; empty: any
    dpop_jkt: str | None


def redirect_uri_of(parameters: Parameters, client: ClientMetadata) -> str:
    """Where answers go. Raises WrongRedirectUri, UnreadableRequest."""
    if {"client_id", "redirect_uri"} & parameters.repeated:
        raise UnreadableRequest("client_id or redirect_uri twice")
    given = parameters.get("redirect_uri")
    if given is None or not registered(given, client.redirect_uris):
        raise WrongRedirectUri
    return given


def judged(
    parameters: Parameters,
    client: ClientMetadata,
    *,
    issuer: str,
    allowed: Mapping[str, frozenset[str]],
    beside: frozenset[str],
) -> AuthorizationRequest:
    """The request of a client whose redirect URI is known. Raises subclasses of OAuthFault.

    `allowed` has the scopes the app may ask for by API, `beside` those that belong to no API.
    """
    redirect_uri = redirect_uri_of(parameters, client)
    if parameters.repeated:
        raise faults.RepeatedRequestParameter
    if "request" in parameters.values:
        raise faults.RequestObjectsUnsupported
    if "request_uri" in parameters.values:
        raise faults.RequestUriUnsupported
    _check_flow(parameters, client)
    resource = resource_of(parameters.get("resource") or parameters.get("aud"), issuer, allowed)
    challenge = parameters.get("code_challenge")
    if challenge is None or not pkce.acceptable(challenge, parameters.get("code_challenge_method")):
        raise faults.ChallengeRequired
    return AuthorizationRequest(
        redirect_uri=redirect_uri,
        state=state_of(parameters),
        scope=_scope(parameters.get("scope"), scopes_of(allowed, resource) | beside),
        challenge=challenge,
        nonce=_matching(_NONCE, parameters.get("nonce")),
        prompts=_prompts(parameters.get("prompt")),
        max_age=_age(parameters.get("max_age")),
        acr_values=tuple((_matching(_ACR, parameters.get("acr_values")) or "").split()),
        login_hint=_matching(_TEXT, parameters.get("login_hint")) or "",
        resource=resource,
        dpop_jkt=_matching(_JKT, parameters.get("dpop_jkt")),
    )


def state_of(parameters: Parameters) -> str | None:
    """What the client gets back unharmed. Raises MalformedParameter for what no client needs."""
    return _matching(_TEXT, parameters.get("state"))


def resource_of(given: str | None, issuer: str, known: Mapping[str, object]) -> str:
    """The key of the API that a resource indicator names. Raises InvalidTarget."""
    if given is None or given == issuer:
        return ""
    key = given.removeprefix(f"{issuer}/")
    if key == given or key not in known:
        raise faults.InvalidTarget
    return key


def scopes_of(allowed: Mapping[str, frozenset[str]], resource: str) -> frozenset[str]:
    """What may be asked for at one API, or at all of them."""
    chosen = allowed.values() if not resource else [allowed.get(resource, frozenset())]
    return frozenset().union(*chosen)


def _check_flow(parameters: Parameters, client: ClientMetadata) -> None:
    if "authorization_code" not in client.grant_types:
        raise faults.UnauthorizedClient
    if parameters.get("response_type") != "code":
        raise faults.UnsupportedResponseType
    if parameters.get("response_mode") not in (None, "query"):
        raise faults.UnsupportedResponseMode


def _scope(asked: str | None, allowed: frozenset[str]) -> frozenset[str]:
    if asked is None:
        raise faults.ScopeRequired  # nobody consents to what was not named
    return granted(asked, allowed)


def _prompts(given: str | None) -> frozenset[str]:
    prompts = frozenset((given or "").split(" ")) - {""}
    if not prompts <= PROMPTS or ("none" in prompts and len(prompts) > 1):
        raise faults.MalformedParameter
    return prompts


def _age(given: str | None) -> int | None:
    text = _matching(_AGE, given)
    return None if text is None else int(text)


def _matching(form: re.Pattern[str], given: str | None) -> str | None:
    if given is not None and not form.fullmatch(given):
        raise faults.MalformedParameter
    return given

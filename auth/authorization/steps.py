"""What comes next for a request: sign in, consent, the code, or a refusal (OpenID Connect Core, 3.1.2.3 and 3.1.2.4).

Pure: who has signed in, what they have allowed before, and the time are given.
"""

from __future__ import annotations

from enum import Enum

from auth.assurance import Authentication, meets
from auth.authorization import faults
from auth.authorization.request import AuthorizationRequest


class Next(Enum):
    SIGN_IN = "sign in"
    CONSENT = "consent"
    CODE = "code"


def next_step(
    request: AuthorizationRequest,
    authenticated: Authentication | None,
    consented: frozenset[str],
    *,
    since: int | None,
    consents_now: bool = False,
    now: int,
) -> Next:
    """Raises LoginRequired, ConsentRequired, UnmetAuthentication.

    `since`: the person was sent to sign in for this very request at that time; None when they were not.
    `consents_now`: they have just said yes to it.
    """
    silent = "none" in request.prompts
    if authenticated is None or _too_old(request, authenticated, since, now):
        if silent:
            raise faults.LoginRequired
        return Next.SIGN_IN
    if not meets(authenticated.acr, request.acr_values):
        if silent or (since is not None and authenticated.auth_time >= since):
            raise faults.UnmetAuthentication  # they have just done the best they can here
        return Next.SIGN_IN
    if consents_now:
        return Next.CODE
    if "consent" in request.prompts or not request.scope <= consented:
        if silent:
            raise faults.ConsentRequired
        return Next.CONSENT
    return Next.CODE


def _too_old(
    request: AuthorizationRequest, authenticated: Authentication, since: int | None, now: int
) -> bool:
    if since is not None and authenticated.auth_time >= since:
        return False
    if request.prompts & {"login", "select_account"}:
        return True
    # Nobody is younger than zero: max_age=0 asks like prompt=login (Core, 3.1.2.1).
    return request.max_age is not None and (
        request.max_age == 0 or now - authenticated.auth_time > request.max_age
    )

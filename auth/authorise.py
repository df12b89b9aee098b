"""May they: decides one verified caller against one operation's demand, on the snapshot's table.

Pure and synchronous. Who the caller is was `auth.authenticate`; how much is left is `quota`. The order is
from "this token is worth nothing" to "this call is not for you", so that the first error is the one to mend.
"""

from __future__ import annotations

from auth.assurance import satisfies
from auth.errors import (
    AppSuspended,
    InsufficientUserAuthentication,
    MissingScope,
    NoSubscription,
    OrganisationDisabled,
    RevokedToken,
    SubscriptionSuspended,
    UnknownApp,
    WrongAudience,
    WrongEnvironment,
)
from auth.policy import AccessTable, AppAccess, Demand, Grant
from auth.principal import Principal


def authorise(principal: Principal, demand: Demand, table: AccessTable, now: float) -> Grant:
    """The grant the call goes on, or a subclass of Unauthenticated (token) or Forbidden (call)."""
    app = honoured(principal, table)
    if principal.apis and demand.api not in principal.apis:
        raise WrongAudience(demand.api)
    grant = table.grants.get((principal.app_id, demand.api))
    if grant is None:
        raise NoSubscription(demand.api)
    if grant.organisation_id != app.organisation_id:
        raise NoSubscription("grant of another organisation")
    if not grant.environment == app.environment == principal.environment:
        raise WrongEnvironment(demand.api)
    if not grant.active:
        raise SubscriptionSuspended(demand.api)
    if not demand.scopes <= principal.scopes:
        raise MissingScope(demand.scopes)
    _check_assurance(principal, demand, now)
    return grant


def _check_assurance(principal: Principal, demand: Demand, now: float) -> None:
    """Whether the person has signed in at the level, and as recently, as the API demands (RFC 9470).

    Raises InsufficientUserAuthentication; also for a program's own token, behind which there is no person.
    """
    if not demand.acr and demand.max_age is None:
        return
    strong = not demand.acr or satisfies(principal.acr, demand.acr)
    recent = demand.max_age is None or now - principal.auth_time <= demand.max_age
    if not principal.grant_id or not strong or not recent:
        raise InsufficientUserAuthentication(demand.acr, demand.max_age)


def honoured(principal: Principal, table: AccessTable) -> AppAccess:
    """The app of a token that is still honoured. Raises a subclass of Unauthenticated.

    Asked on every call, cached tokens included: this is what makes revocation as fast as the snapshot.
    """
    if principal.token_id in table.revoked:
        raise RevokedToken("by jti")
    if principal.grant_id in table.revoked_grants:
        raise RevokedToken("with its grant")
    if principal.subject in table.disabled_people:
        raise RevokedToken("its person is disabled")
    app = table.apps.get(principal.client_id)
    if app is None:
        raise UnknownApp
    if app.app_id != principal.app_id or app.organisation_id != principal.organisation_id:
        raise UnknownApp("the token's app or organisation is not its client's")
    if not app.active:
        raise AppSuspended
    if not app.organisation_active:
        raise OrganisationDisabled
    if principal.issued_at < app.tokens_valid_from:
        raise RevokedToken("issued before tokens_valid_from")
    return app

"""Which subscriptions the catalogue allows, and in which state a new one begins.

Pure: catalogue values in, a state or a refusal out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from console import errors
from console.lifecycle import SubscriptionState
from gateway.catalog.model import Api, Catalog, Environment, Plan


@dataclass(frozen=True, slots=True)
class Offer:
    """One API on one plan for one environment; `state` is where a subscription would begin."""

    api: Api
    plan: Plan
    state: SubscriptionState


def judge(catalog: Catalog, *, api: str, plan: str, environment: str, organisation_type: str) -> Offer:
    """The offer, or the AgainstRules class that says why there is none. `api` is a key as `behov/v1`, `plan` an id."""
    found = catalog.apis.get(api)
    if found is None:
        raise errors.ApiUnknown(api)
    if not found.status.callable:
        raise errors.ApiNotCallable(api)
    where = Environment(environment)
    if not found.answers_in(where):
        raise errors.ApiNotInEnvironment(f"{api} in {where}")
    newest = catalog.current_plans.get(plan)
    if newest is None or plan not in found.plans:
        raise errors.PlanNotOffered(f"{plan} for {api}")
    if where not in newest.environments:
        raise errors.PlanNotInEnvironment(f"{newest.key} in {where}")
    if organisation_type not in newest.organisation_types:
        raise errors.PlanNotForOrganisation(f"{newest.key} for {organisation_type}")
    return Offer(found, newest, _beginning(found, newest, where))


def _beginning(api: Api, plan: Plan, environment: Environment) -> SubscriptionState:
    """The sandbox opens at once unless the plan itself asks for approval. In production an API's demand of
    approval, or of an agreement, waits for the operator's recorded decision."""
    production = environment is Environment.PRODUCTION
    if plan.approval or (production and (api.access.approval or api.access.agreement)):
        return SubscriptionState.REQUESTED
    return SubscriptionState.ACTIVE


def offers_for(catalog: Catalog, *, environment: str, organisation_type: str) -> list[Offer]:
    """Everything an app could subscribe to, in the catalogue's order of keys."""
    found: list[Offer] = []
    for key in sorted(catalog.apis):
        for plan in catalog.apis[key].plans:
            try:
                found.append(
                    judge(
                        catalog,
                        api=key,
                        plan=plan,
                        environment=environment,
                        organisation_type=organisation_type,
                    )
                )
            except errors.AgainstRules:
                continue
    return found


def scope_of(catalog: Catalog, apis: Iterable[str]) -> str:
    """The scopes of the given API keys as an OAuth scope string (RFC 6749, 3.3), sorted."""
    scopes = {scope for key in apis if key in catalog.apis for scope in catalog.apis[key].scopes}
    return " ".join(sorted(scopes))

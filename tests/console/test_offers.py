"""Which subscriptions the catalogue allows, on the reference publications and on variations of them."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

import pytest

from console import errors
from console.services.offers import judge, offers_for, scope_of
from gateway.catalog.model import Access, Api, Catalog, Environment, Status


def with_api(catalog: Catalog, api: Api) -> Catalog:
    return replace(catalog, apis=MappingProxyType({**catalog.apis, api.key: api}))


def test_the_sandbox_opens_at_once(catalog: Catalog) -> None:
    offer = judge(catalog, api="behov/v1", plan="prova", environment="sandbox", organisation_type="company")
    assert offer.state == "active"
    assert offer.plan.key == "prova@1"


def test_production_with_agreement_waits(catalog: Catalog) -> None:
    offer = judge(
        catalog, api="behov/v1", plan="innovation", environment="production", organisation_type="company"
    )
    assert offer.state == "requested"


@pytest.mark.parametrize("access", [Access(approval=True), Access(agreement=True)])
def test_what_an_api_demands_in_production_it_does_not_demand_in_the_sandbox(
    catalog: Catalog, access: Access
) -> None:
    changed = with_api(catalog, replace(catalog.apis["behov/v1"], access=access))
    states = {
        place: judge(
            changed, api="behov/v1", plan="innovation", environment=place, organisation_type="company"
        ).state
        for place in ("sandbox", "production")
    }
    assert states == {"sandbox": "active", "production": "requested"}


def test_a_plan_with_approval_waits_in_the_sandbox_too(catalog: Catalog) -> None:
    offer = judge(
        catalog, api="behov/v1", plan="forskning", environment="sandbox", organisation_type="research"
    )
    assert offer.state == "requested"


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"api": "finns-inte/v1"}, errors.ApiUnknown),
        ({"api": "behov/v9"}, errors.ApiUnknown),
        ({"plan": "finns-inte"}, errors.PlanNotOffered),
        ({"plan": "leverantor"}, errors.PlanNotOffered),
        ({"environment": "production"}, errors.PlanNotInEnvironment),
        ({"plan": "intern"}, errors.PlanNotForOrganisation),
        ({"plan": "forskning"}, errors.PlanNotForOrganisation),
    ],
)
def test_what_is_refused(
    catalog: Catalog, change: dict[str, str], refusal: type[errors.ConsoleError]
) -> None:
    asked = {
        "api": "behov/v1",
        "plan": "prova",
        "environment": "sandbox",
        "organisation_type": "company",
        **change,
    }
    with pytest.raises(refusal):
        judge(catalog, **asked)


def test_a_retired_version_takes_no_one_new(catalog: Catalog) -> None:
    changed = with_api(catalog, replace(catalog.apis["behov/v1"], status=Status.RETIRED))
    with pytest.raises(errors.ApiNotCallable):
        judge(changed, api="behov/v1", plan="prova", environment="sandbox", organisation_type="company")


def test_an_api_without_upstreams_in_the_environment(catalog: Catalog) -> None:
    api = catalog.apis["behov/v1"]
    only = {Environment.PRODUCTION: api.upstreams[Environment.PRODUCTION]}
    changed = with_api(catalog, replace(api, upstreams=only))
    with pytest.raises(errors.ApiNotInEnvironment):
        judge(changed, api="behov/v1", plan="prova", environment="sandbox", organisation_type="company")


def test_the_list_holds_exactly_what_would_be_granted(catalog: Catalog) -> None:
    for place in ("sandbox", "production"):
        for kind in ("company", "research", "authority", "internal"):
            listed = {
                (offer.api.key, offer.plan.id)
                for offer in offers_for(catalog, environment=place, organisation_type=kind)
            }
            for key, api in catalog.apis.items():
                for plan in api.plans:
                    try:
                        judge(catalog, api=key, plan=plan, environment=place, organisation_type=kind)
                    except errors.AgainstRules:
                        assert (key, plan) not in listed
                    else:
                        assert (key, plan) in listed


def test_scope_is_sorted_and_of_the_subscribed_only(catalog: Catalog) -> None:
    scopes = scope_of(catalog, ["behov/v1", "vardenheter/v1", "borta/v1"]).split()
    assert scopes == sorted(scopes)
    assert {scope.partition(":")[0] for scope in scopes} == {"behov", "vardenheter"}
    assert scope_of(catalog, []) == ""

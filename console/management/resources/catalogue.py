"""What is published: APIs and plans, from files alone, for anyone."""

from __future__ import annotations

from typing import Any

from console.errors import NotFound
from console.management.operation import Answer, Call
from console.management.paging import Listing, PageQuery, listing
from console.management.shapes import Shape
from gateway.catalog.model import Api, Plan, Text


class Words(Shape):
    sv: str
    en: str


class ScopeShape(Shape):
    scope: str
    description: Words


class OperationShape(Shape):
    operation_id: str
    method: str
    path: str
    summary: Words
    scopes: list[str]
    weight: int


class ApiShape(Shape):
    key: str
    version: str
    name: Words
    summary: Words
    family: str
    status: str
    released: str
    deprecated: str | None
    sunset: str | None
    environments: list[str]
    plans: list[str]
    base: str


class ApiDetails(ApiShape):
    scopes: list[ScopeShape]
    operations: list[OperationShape]


class RateShape(Shape):
    requests: int
    seconds: int
    burst: int


class TierShape(Shape):
    above: int
    ore_per_1000: int


class PlanShape(Shape):
    """Money is whole öre, units are weighted calls."""

    id: str
    version: int
    name: Words
    summary: Words
    fee_ore: int
    included: int
    tiers: list[TierShape]
    rate: RateShape | None
    per_day: int | None
    per_month: int | None
    at_end: str
    approval: bool
    environments: list[str]
    organisation_types: list[str]


class ApiListing(Listing[ApiShape]):
    pass


class PlanListing(Listing[PlanShape]):
    pass


async def apis(call: Call) -> Answer:
    catalog = call.desk.catalog()
    shown = [ApiShape(**_api(catalog.apis[key], call)) for key in sorted(catalog.apis)]
    return Answer(listing(ApiListing, shown, call.query_as(PageQuery), call.address, call.parameters))


async def api(call: Call) -> Answer:
    found = call.desk.catalog().apis.get(f"{call.path['api']}/{call.path['version']}")
    if found is None:
        raise NotFound("api")
    return Answer(
        ApiDetails(
            **_api(found, call),
            scopes=[
                ScopeShape(scope=name, description=_words(found.scopes[name]))
                for name in sorted(found.scopes)
            ],
            operations=[
                OperationShape(
                    operation_id=operation.id,
                    method=operation.method,
                    path=operation.path,
                    summary=_words(operation.summary),
                    scopes=sorted(operation.scopes),
                    weight=operation.weight,
                )
                for operation in found.operations
            ],
        )
    )


async def plans(call: Call) -> Answer:
    current = call.desk.catalog().current_plans
    shown = [_plan(current[name]) for name in sorted(current)]
    return Answer(listing(PlanListing, shown, call.query_as(PageQuery), call.address, call.parameters))


def _words(text: Text) -> Words:
    return Words(sv=text.sv, en=text.en)


def _api(found: Api, call: Call) -> dict[str, Any]:
    return {
        "key": found.key,
        "version": found.version,
        "name": _words(found.name),
        "summary": _words(found.summary),
        "family": found.family.value,
        "status": found.status.value,
        "released": found.released,
        "deprecated": found.deprecated,
        "sunset": found.sunset,
        "environments": sorted(place.value for place in found.upstreams),
        "plans": list(found.plans),
        "base": f"{call.desk.issuer}{found.base}",
    }


def _plan(found: Plan) -> PlanShape:
    rate = found.rate
    return PlanShape(
        id=found.id,
        version=found.version,
        name=_words(found.name),
        summary=_words(found.summary),
        fee_ore=found.fee,
        included=found.included,
        tiers=[TierShape(above=tier.above, ore_per_1000=tier.price_per_1000) for tier in found.tiers],
        rate=None
        if rate is None
        else RateShape(requests=rate.requests, seconds=rate.seconds, burst=rate.burst),
        per_day=found.per_day,
        per_month=found.per_month,
        at_end=found.at_end.value,
        approval=found.approval,
        environments=sorted(place.value for place in found.environments),
        organisation_types=sorted(found.organisation_types),
    )

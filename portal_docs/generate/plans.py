"""What a reader wants to know about a plan, as finished texts: price, limits, who may take it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from gateway.catalog.model import Api, AtEnd, Catalog, CountersAway, Environment, Plan
from portal_docs.generate import money
from portal_docs.generate.text import anchor, plain

_TYPES = {
    "sv": {"company": "företag", "research": "forskning", "authority": "myndighet", "internal": "intern"},
    "en": {
        "company": "companies",
        "research": "research",
        "authority": "authorities",
        "internal": "internal",
    },
}


@dataclass(frozen=True, slots=True)
class PlanRow:
    """One plan as the tables show it; every text is safe Markdown on one line."""

    id: str
    anchor: str
    key: str
    name: str
    summary: str
    fee: str
    included: str
    prices: tuple[str, ...]  # one for each tier
    rates: tuple[str, ...]  # the sustained rate, the burst
    per_day: str
    per_month: str
    at_end: str
    counters_away: str
    approval: str
    environments: str
    organisations: str
    apis: tuple[str, ...]  # names of the APIs that offer it


def offered(catalog: Catalog, api: Api) -> list[Plan]:
    """The newest version of each plan that an API offers."""
    return [plan for plan_id, plan in newest_plans(catalog).items() if plan_id in api.plans]


def newest_plans(catalog: Catalog) -> dict[str, Plan]:
    """Plan id → newest version: the sandbox's first, the region's own last, cheaper before dearer."""
    newest: dict[str, Plan] = dict(catalog.current_plans)
    if not newest:
        for plan in sorted(catalog.plans.values(), key=lambda p: p.version):
            newest[plan.id] = plan
    return dict(sorted(newest.items(), key=lambda item: _place(item[1])))


def _place(plan: Plan) -> tuple[bool, bool, int, str]:
    internal = plan.organisation_types == {"internal"}
    return Environment.PRODUCTION in plan.environments, internal, plan.fee, plan.id


def row(plan: Plan, language: str, apis: Iterable[Api] = ()) -> PlanRow:
    """One plan's texts in one language."""
    sv = language == "sv"
    return PlanRow(
        id=plain(plan.id),
        anchor=anchor(plan.id, "plan"),
        key=plain(plan.key),
        name=plain(plan.name[language]),
        summary=plain(plan.summary[language]),
        fee=money.amount(plan.fee, language) if plan.fee else ("0 kr" if sv else "SEK 0"),
        included=money.count(plan.included, language) if plan.included else "–",
        prices=_prices(plan, language),
        rates=_rates(plan, language),
        per_day=_quota(plan.per_day, language),
        per_month=_quota(plan.per_month, language),
        at_end=_at_end(plan, language),
        counters_away=_counters_away(plan, language),
        approval=("ja" if sv else "yes") if plan.approval else ("nej" if sv else "no"),
        environments=_environments(plan, language),
        organisations=_organisations(plan, language),
        apis=tuple(plain(api.name[language]) for api in apis if plan.id in api.plans),
    )


def _prices(plan: Plan, language: str) -> tuple[str, ...]:
    if not any(tier.price_per_1000 for tier in plan.tiers):
        return ("–",)
    if len(plan.tiers) == 1:
        return (money.amount(plan.tiers[0].price_per_1000, language),)
    over = "över" if language == "sv" else "above"
    return tuple(
        f"{money.amount(tier.price_per_1000, language)} {over} {money.count(tier.above, language)}"
        for tier in plan.tiers
    )


def _rates(plan: Plan, language: str) -> tuple[str, ...]:
    if plan.rate is None:
        return ("ingen gräns" if language == "sv" else "no limit",)
    sustained = f"{money.count(plan.rate.requests, language)} {money.per(plan.rate.seconds, language)}"
    burst = money.count(plan.rate.burst, language)
    return sustained, f"{burst} i en skur" if language == "sv" else f"{burst} in a burst"


def _quota(units: int | None, language: str) -> str:
    if units is None:
        return "ingen gräns" if language == "sv" else "no limit"
    return money.count(units, language)


def _at_end(plan: Plan, language: str) -> str:
    if plan.per_day is None and plan.per_month is None:
        return "–"
    refuse = plan.at_end is AtEnd.REFUSE
    if language == "sv":
        return "anropen avvisas" if refuse else "anropen går vidare och faktureras"
    return "calls are refused" if refuse else "calls go on and are billed"


def _counters_away(plan: Plan, language: str) -> str:
    is_open = plan.counters_away is CountersAway.OPEN
    if language == "sv":
        return "släpper igenom och räknar i efterhand" if is_open else "svarar 503 tills de är tillbaka"
    return "lets calls pass and counts afterwards" if is_open else "answers 503 until they are back"


def _environments(plan: Plan, language: str) -> str:
    names = {"sv": {Environment.SANDBOX: "sandlåda", Environment.PRODUCTION: "produktion"}}
    table = names.get(language, {Environment.SANDBOX: "sandbox", Environment.PRODUCTION: "production"})
    return ", ".join(table[environment] for environment in Environment if environment in plan.environments)


def _organisations(plan: Plan, language: str) -> str:
    known = _TYPES[language]
    if not plan.organisation_types or set(known) <= plan.organisation_types:
        return "alla" if language == "sv" else "everyone"
    return ", ".join(known[kind] for kind in known if kind in plan.organisation_types)

"""`plans.yaml` → plans, and the rule that a published version never changes. Pure but for reading the
file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

from gateway.catalog.errors import Fault
from gateway.catalog.model import (
    AtEnd,
    Catalog,
    CountersAway,
    Environment,
    Plan,
    Rate,
    Text,
    Tier,
)
from gateway.catalog.source import schema
from gateway.catalog.source.document import Document

PLANS_FILE = "plans.yaml"


def build(document: Document) -> tuple[dict[str, Plan], dict[str, str], list[Fault]]:
    """Plans by key, the pointer of each, and the faults of the file."""
    faults = list(document.faults)
    if not faults:
        faults.extend(schema.check(document, "plans"))
    if faults:
        return {}, {}, faults
    plans: dict[str, Plan] = {}
    pointers: dict[str, str] = {}
    for number, value in enumerate(document.value["plans"]):
        pointer = f"/plans/{number}"
        faults.extend(_check(document, pointer, value))
        plan = _plan(value)
        if plan.key in plans:
            line = document.position(pointers[plan.key])[0]
            faults.append(document.fault(pointer, f"{plan.key} stands on line {line} too; raise the version"))
            continue
        plans[plan.key] = plan
        pointers[plan.key] = pointer
    return plans, pointers, faults


def _plan(value: Mapping[str, Any]) -> Plan:
    quota, rate = value.get("quota", {}), value.get("rate")
    return Plan(
        id=value["id"],
        version=value["version"],
        name=Text(**value["name"]),
        summary=Text(**value["summary"]),
        fee=value["fee"],
        included=value.get("included", 0),
        tiers=tuple(Tier(tier["above"], tier["pricePer1000"]) for tier in value.get("tiers", ())),
        rate=Rate(rate["requests"], rate["seconds"], rate["burst"]) if rate else None,
        per_day=quota.get("day"),
        per_month=quota.get("month"),
        at_end=AtEnd(quota.get("atEnd", "refuse")),
        counters_away=CountersAway(value["countersAway"]),
        approval=value.get("approval", False),
        environments=frozenset(Environment(name) for name in value["environments"]),
        organisation_types=frozenset(value["organisationTypes"]),
    )


def _check(document: Document, pointer: str, value: Mapping[str, Any]) -> Iterator[Fault]:
    tiers, quota = value.get("tiers", []), value.get("quota", {})
    for number, (lower, upper) in enumerate(pairwise(tiers), start=1):
        if upper["above"] <= lower["above"]:
            yield document.fault(f"{pointer}/tiers/{number}/above", "`above` must rise from tier to tier")
    if tiers and tiers[0]["above"] < value.get("included", 0):
        yield document.fault(
            f"{pointer}/tiers/0/above",
            "units that the fee includes would be billed; raise `above` to `included`",
        )
    if "day" in quota and "month" in quota and quota["month"] < quota["day"]:
        yield document.fault(f"{pointer}/quota/month", "the month holds less than one day; raise it")
    if quota.get("atEnd") == "bill" and not tiers:
        yield document.fault(f"{pointer}/quota/atEnd", "nothing says what further units cost; add `tiers`")
    rate = value.get("rate")
    if rate and 1_000_000_000 * rate["seconds"] < rate["requests"]:
        yield document.fault(f"{pointer}/rate", "faster than one unit per nanosecond; lower `requests`")


def newest(plans: Mapping[str, Plan]) -> dict[str, Plan]:
    """By plan id, the version new subscriptions get."""
    current: dict[str, Plan] = {}
    for plan in plans.values():
        if plan.id not in current or plan.version > current[plan.id].version:
            current[plan.id] = plan
    return current


def check_plan_history(old: Catalog, new: Catalog) -> list[Fault]:
    """A published version never changes: subscribers keep what they agreed to. Texts may be corrected.

    A version that is gone is no fault here; whether someone still has it is known in the database only.
    """
    faults = []
    for key, before in old.plans.items():
        after = new.plans.get(key)
        if after is not None and _terms(before) != _terms(after):
            file, line = new.plan_places.get(key, (Path(PLANS_FILE), 0))
            faults.append(
                Fault(
                    file,
                    line,
                    1 if line else 0,
                    "",
                    f"{key} is published and never changes; write {before.id}@{before.version + 1} beside it",
                )
            )
    return faults


def _terms(plan: Plan) -> tuple[object, ...]:
    return tuple(getattr(plan, name) for name in Plan.__slots__ if name not in ("name", "summary"))

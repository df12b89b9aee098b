"""Usage figures: the ledger's own numbers, so that what is shown is what is billed (L7)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from console.errors import FieldFault, Invalid
from console.roles import Act, Actor
from console.services import apps
from console.services.periods import Period
from console.services.standing import demand_operator, enter
from storage import organisations, usage
from storage.usage import UsageTotal

GROUPS = ("app", "api", "operation", "outcome", "hour", "day", "subscription")


@dataclass(frozen=True, slots=True)
class Figure:
    """One group of the ledger. What it is not grouped by is None; `at` is epoch seconds where a group begins."""

    units: int
    calls: int
    organisation_id: str
    app_id: str | None = None
    api: str | None = None
    operation: str | None = None
    outcome: str | None = None
    subscription_id: str | None = None
    at: int | None = None


async def figures(
    session: AsyncSession,
    actor: Actor,
    organisation_id: str,
    period: Period,
    *,
    by: Sequence[str] = (),
    app_id: str | None = None,
) -> list[Figure]:
    """One organisation's figures. `day` is a calendar day in Sweden, where quotas and invoices live."""
    await enter(session, actor, organisation_id, Act.USAGE_READ)
    if app_id is not None:
        await apps.owned(session, organisation_id, app_id)
    return await _figures(session, organisation_id, period, by, app_id)


async def platform(
    session: AsyncSession, actor: Actor, period: Period, *, by: Sequence[str] = ()
) -> list[Figure]:
    """Every organisation's figures. Operators only."""
    demand_operator(actor)
    found: list[Figure] = []
    for organisation in await organisations.all_of_them(session):
        found.extend(await _figures(session, organisation.id, period, by, None))
    return found


async def _figures(
    session: AsyncSession, organisation_id: str, period: Period, by: Sequence[str], app_id: str | None
) -> list[Figure]:
    if "hour" in by and "day" in by:
        raise Invalid(
            "hour and day",
            fields=[FieldFault("groupBy", "hour-or-day", "Välj timme eller dygn.", "Choose hour or day.")],
        )
    columns = tuple(dict.fromkeys("hour" if name == "day" else name for name in by))
    rows = await usage.totals(
        session, organisation_id, start=period.start, end=period.end, app_id=app_id, by=columns
    )
    figures_by_hour = [_figure(organisation_id, row) for row in rows]
    return _by_day(figures_by_hour, period) if "day" in by else figures_by_hour


def _figure(organisation_id: str, row: UsageTotal) -> Figure:
    return Figure(
        units=row.units,
        calls=row.calls,
        organisation_id=organisation_id,
        app_id=row.app_id,
        api=row.api,
        operation=row.operation,
        outcome=row.outcome,
        subscription_id=row.subscription_id,
        at=None if row.hour is None else row.hour * 3600,
    )


def _by_day(rows: Iterable[Figure], period: Period) -> list[Figure]:
    """Hours put together to local days; every zone change in Sweden falls on a whole hour, so none is split."""
    sums: dict[tuple[object, ...], Figure] = {}
    for row in rows:
        day = period.day_of(row.at or 0)
        key = (day, row.app_id, row.api, row.operation, row.outcome, row.subscription_id)
        known = sums.get(key)
        sums[key] = Figure(
            units=row.units + (known.units if known else 0),
            calls=row.calls + (known.calls if known else 0),
            organisation_id=row.organisation_id,
            app_id=row.app_id,
            api=row.api,
            operation=row.operation,
            outcome=row.outcome,
            subscription_id=row.subscription_id,
            at=day,
        )
    return list(sums.values())

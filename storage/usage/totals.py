"""Sums over the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import BigInteger, Column, Label, cast, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from storage.errors import InvalidValue
from storage.schema.rows import many
from storage.usage.ledger import table

SECONDS = 3600


@dataclass(frozen=True, slots=True)
class UsageTotal:
    """One group; what it is not grouped by is None."""

    units: int
    calls: int
    app_id: str | None = None
    api: str | None = None
    operation: str | None = None
    outcome: str | None = None
    hour: int | None = None  # hours since 1970 UTC
    subscription_id: str | None = None


GROUPS: Mapping[str, Column[str] | Column[int]] = {
    "app": table.c.app_id,
    "api": table.c.api,
    "operation": table.c.operation,
    "outcome": table.c.outcome,
    "hour": table.c.hour,
    "subscription": table.c.subscription_id,
}


async def totals(
    session: AsyncSession,
    organisation_id: str,
    *,
    start: int,
    end: int,
    app_id: str | None = None,
    by: tuple[str, ...] = (),
) -> list[UsageTotal]:
    """One organisation's use from `start` up to, not including, `end`, epoch seconds on the hour (a part of
    an hour counts as the hour it is in). `by` names keys of `GROUPS`; without any there is one total, or
    none when nothing was used.
    """
    unknown = set(by) - GROUPS.keys()
    if unknown:
        raise InvalidValue(f"no such grouping: {sorted(unknown)}")
    groups = [GROUPS[name] for name in by]
    statement = (
        select(*groups, *_sums())
        .where(
            table.c.organisation_id == organisation_id,
            table.c.hour >= start // SECONDS,
            table.c.hour < -(-end // SECONDS),
        )
        .group_by(*groups)
        .having(func.count() > 0)
        .order_by(*groups)
    )
    if app_id is not None:
        statement = statement.where(table.c.app_id == app_id)
    return await many(session, UsageTotal, statement)


async def units_since(
    session: AsyncSession, start: int, *, subscription_id: str | None = None
) -> dict[str, int]:
    """Units served per subscription from the hour of `start` (epoch seconds) on: what quotas are rebuilt
    from.
    """
    statement = (
        select(table.c.subscription_id, _sums()[0])
        .where(table.c.hour >= start // SECONDS, table.c.outcome == "served")
        .group_by(table.c.subscription_id)
    )
    if subscription_id is not None:
        statement = statement.where(table.c.subscription_id == subscription_id)
    return {row.subscription_id: row.units for row in await session.execute(statement)}


def _sums() -> tuple[Label[int], Label[int]]:
    # PostgreSQL sums bigint as numeric, which would come back as Decimal.
    return (
        cast(func.sum(table.c.units), BigInteger).label("units"),
        cast(func.sum(table.c.calls), BigInteger).label("calls"),
    )

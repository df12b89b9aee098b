"""The ledger's table and its one way of writing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import BigInteger, Column, Index, Integer, Table, Text, func
from sqlalchemy.ext.asyncio import AsyncSession

from storage.schema.metadata import metadata
from storage.schema.rows import dialect, insert_into, row_of


@dataclass(frozen=True, slots=True)
class UsageRow:
    source: str  # the counter epoch: where the totals began at zero
    hour: int  # hours since 1970 UTC: epoch seconds // 3600, of the call's start
    organisation_id: str
    app_id: str
    subscription_id: str
    api: str  # "behov/v1"
    plan: str
    plan_version: int
    operation: str  # operationId
    outcome: str  # served, upstream_failed, refused_rate, refused_quota, refused
    units: int  # absolute, since the source began
    calls: int  # absolute, since the source began


# No foreign keys: a row that arrives late from a spool is money, and must never be refused.
table = Table(
    "usage",
    metadata,
    Column("source", Text, primary_key=True),
    Column("hour", BigInteger, primary_key=True),
    Column("subscription_id", Text, primary_key=True),
    Column("operation", Text, primary_key=True),
    Column("outcome", Text, primary_key=True),
    Column("plan", Text, primary_key=True),
    Column("plan_version", Integer, primary_key=True),
    Column("organisation_id", Text, nullable=False),
    Column("app_id", Text, nullable=False),
    Column("api", Text, nullable=False),
    Column("units", BigInteger, nullable=False),
    Column("calls", BigInteger, nullable=False),
)
Index("ix_usage_organisation_id_hour", table.c.organisation_id, table.c.hour)
Index("ix_usage_subscription_id_hour", table.c.subscription_id, table.c.hour)

KEY = ("source", "hour", "subscription_id", "operation", "outcome", "plan", "plan_version")


async def write(session: AsyncSession, rows: Sequence[UsageRow]) -> None:
    """Writes totals; each number only grows, so repeats and late arrivals are harmless."""
    if not rows:
        return
    statement = insert_into(session, table)
    larger = func.max if dialect(session) == "sqlite" else func.greatest
    statement = statement.on_conflict_do_update(
        index_elements=list(KEY),
        set_={name: larger(table.c[name], statement.excluded[name]) for name in ("units", "calls")},
    )
    # In one order for all: two processes that write the same rows then cannot wait for each other.
    ordered = sorted(rows, key=lambda row: tuple(str(getattr(row, name)) for name in KEY))
    await session.execute(statement, [row_of(row) for row in ordered])

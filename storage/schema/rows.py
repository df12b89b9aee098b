"""Rows turned into frozen values, and inserts that refuse without breaking the transaction.

Values are dataclasses whose fields are named as the table's columns; a table may have columns that no value
shows. The aggregates use these functions so that no row object ever leaves the package.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import Column, Executable, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    Value = TypeVar("Value", bound=DataclassInstance)
else:
    Value = TypeVar("Value")

Insert = postgresql.Insert | sqlite.Insert


def dialect(session: AsyncSession) -> str:
    """`sqlite` or `postgresql`."""
    return session.get_bind().dialect.name


def columns(table: Table, value: type[Value]) -> list[Column[Any]]:
    """The table's columns that `value` shows, in its order."""
    return [table.c[field.name] for field in fields(value)]


async def one(session: AsyncSession, value: type[Value], statement: Executable) -> Value | None:
    """The only row as a value, None when there is none."""
    row = (await session.execute(statement)).mappings().one_or_none()
    return None if row is None else value(**row)


async def many(session: AsyncSession, value: type[Value], statement: Executable) -> list[Value]:
    return [value(**row) for row in (await session.execute(statement)).mappings()]


def row_of(value: DataclassInstance) -> dict[str, object]:
    return {field.name: getattr(value, field.name) for field in fields(value)}


def insert_into(session: AsyncSession, table: Table) -> Insert:
    """An INSERT that knows ON CONFLICT, for the session's database."""
    return sqlite.insert(table) if dialect(session) == "sqlite" else postgresql.insert(table)


async def insert(session: AsyncSession, table: Table, row: Mapping[str, object]) -> None:
    """Adds the row, where only a fault of ours could make it a second one."""
    await session.execute(insert_into(session, table).values(dict(row)))


async def insert_new(session: AsyncSession, table: Table, row: Mapping[str, object]) -> bool:
    """Adds the row; False when a unique rule refuses it.

    Not "insert and catch": on PostgreSQL a failed statement ends the whole transaction. RETURNING tells,
    because the driver's row count after ON CONFLICT is not reliable.
    """
    key = next(iter(table.primary_key.columns))
    statement = insert_into(session, table).values(dict(row)).on_conflict_do_nothing().returning(key)
    return (await session.execute(statement)).first() is not None

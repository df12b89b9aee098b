"""Recovery codes: each works once, and only its SHA-256 is stored."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from sqlalchemy import BigInteger, Column, ForeignKey, Table, Text, func, select
from sqlalchemy import delete as deletion
from sqlalchemy.ext.asyncio import AsyncSession

from storage.schema.metadata import metadata
from storage.schema.rows import insert, row_of


@dataclass(frozen=True, slots=True)
class RecoveryCode:
    code_hash: str = field(repr=False)
    person_id: str
    created_at: int


table = Table(
    "recovery_codes",
    metadata,
    Column("code_hash", Text, primary_key=True),
    Column("person_id", ForeignKey("people.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("created_at", BigInteger, nullable=False),
)


async def replace(session: AsyncSession, person_id: str, hashes: Iterable[str], now: int) -> None:
    """These from now on, and none of the former."""
    await session.execute(deletion(table).where(table.c.person_id == person_id))
    for code_hash in hashes:
        await insert(session, table, row_of(RecoveryCode(code_hash, person_id, now)))


async def use(session: AsyncSession, person_id: str, code_hash: str) -> bool:
    """Whether it was one of the person's unused; it is used now."""
    used = deletion(table).where(table.c.person_id == person_id, table.c.code_hash == code_hash)
    return (await session.execute(used.returning(table.c.code_hash))).first() is not None


async def left(session: AsyncSession, person_id: str) -> int:
    counted = select(func.count()).select_from(table).where(table.c.person_id == person_id)
    return int((await session.execute(counted)).scalar_one())

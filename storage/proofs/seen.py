"""Proofs that have been used, by the hash that names them: the second use is refused, in whichever process it comes."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, LargeBinary, Table, delete
from sqlalchemy.ext.asyncio import AsyncSession

from storage.schema.metadata import metadata
from storage.schema.rows import insert_new

table = Table(
    "seen_proofs",
    metadata,
    Column("name", LargeBinary, primary_key=True),
    Column("expires_at", BigInteger, nullable=False, index=True),
)


async def first_use(session: AsyncSession, name: bytes, expires_at: int) -> bool:
    """Whether nobody came with it before. Of several at the same time one is first, when its transaction commits."""
    return await insert_new(session, table, {"name": name, "expires_at": expires_at})


async def delete_expired(session: AsyncSession, now: int) -> int:
    """How many were forgotten: those that are refused for their age by now."""
    gone = delete(table).where(table.c.expires_at < now).returning(table.c.name)
    return len((await session.execute(gone)).all())

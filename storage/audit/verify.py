"""Walking the chain."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from storage.audit.chain import GENESIS, Entry, hash_of
from storage.audit.tables import head_table, table
from storage.schema.rows import columns, many, one

PAGE = 500


@dataclass(frozen=True, slots=True)
class Head:
    """A point of the chain. Kept outside the database it makes a later rewrite of it visible."""

    seq: int
    hash: str


@dataclass(frozen=True, slots=True)
class Verified:
    count: int  # good entries before the first bad one
    first_bad: (
        int | None
    )  # the number of the first that is changed, missing or too many; None when all is well


async def head(session: AsyncSession) -> Head:
    """The last entry's number and hash, as the head row says; number 0 when there is none."""
    found = await one(session, Head, select(*columns(head_table, Head)))
    return found if found is not None else Head(0, "")


async def verify(session: AsyncSession, known: Head | None = None) -> Verified:
    """Checks every entry from the first on. Meant for `Database.read`: the log may grow meanwhile.

    `known` is a head kept elsewhere; the entry of its number must still have its hash.
    """
    claimed = await head(session)
    count, previous = 0, GENESIS
    while page := await _after(session, count):
        for entry in page:
            sound = entry.seq == count + 1 and entry.hash == hash_of(entry, previous)
            forged = known is not None and entry.seq == known.seq and entry.hash != known.hash
            if not sound or forged or entry.seq > claimed.seq:
                return Verified(count, count + 1)
            count, previous = entry.seq, entry.hash
    at_least = max(claimed.seq, known.seq if known is not None else 0)
    if count < at_least:
        return Verified(count, count + 1)
    # The last entry is sound in itself but is not the one the head names.
    return Verified(count, None) if previous == claimed.hash else Verified(max(count - 1, 0), max(count, 1))


async def _after(session: AsyncSession, seq: int) -> list[Entry]:
    page = select(*columns(table, Entry)).where(table.c.seq > seq).order_by(table.c.seq).limit(PAGE)
    return await many(session, Entry, page)

"""Adding entries and reading them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from sqlalchemy import Select, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from storage.audit.chain import Entry, canonical, hash_of, storable
from storage.audit.tables import head_table, table
from storage.schema.order import in_order
from storage.schema.rows import columns, insert, many, row_of


async def append(
    session: AsyncSession,
    *,
    at: int,
    actor_kind: str,
    actor_id: str,
    act: str,
    object_kind: str,
    object_id: str,
    organisation_id: str | None,
    request_id: str,
    ip: str,
    before: Mapping[str, object] | None = None,
    after: Mapping[str, object] | None = None,
) -> Entry:
    """Adds one entry, in the same transaction as the act it records. Never give it secrets or personal
    numbers: an entry cannot be taken back.

    Appending is one at a time: who comes second waits for the first one's commit, so keep it last in a
    transaction.
    """
    await in_order(session)
    seq, previous = (await session.execute(select(head_table.c.seq, head_table.c.hash))).one()
    bare = Entry(
        seq=seq + 1,
        at=at,
        actor_kind=actor_kind,
        actor_id=storable(actor_id),
        act=act,
        object_kind=object_kind,
        object_id=storable(object_id),
        organisation_id=organisation_id,
        request_id=storable(request_id),
        ip=ip,
        before=canonical(before),
        after=canonical(after),
        hash="",
    )
    entry = replace(bare, hash=hash_of(bare, previous))
    await insert(session, table, row_of(entry))
    await session.execute(update(head_table).values(seq=entry.seq, hash=entry.hash))
    return entry


async def for_organisation(
    session: AsyncSession, organisation_id: str, *, limit: int = 100, before_seq: int | None = None
) -> list[Entry]:
    """One tenant's, newest first; `before_seq` is the last number of the page before."""
    theirs = _newest(limit, before_seq).where(table.c.organisation_id == organisation_id)
    return await many(session, Entry, theirs)


async def latest(session: AsyncSession, *, limit: int = 100, before_seq: int | None = None) -> list[Entry]:
    """Everybody's, newest first: for operators."""
    return await many(session, Entry, _newest(limit, before_seq))


def _newest(limit: int, before_seq: int | None) -> Select[*tuple[object, ...]]:
    statement = select(*columns(table, Entry)).order_by(table.c.seq.desc()).limit(limit)
    return statement if before_seq is None else statement.where(table.c.seq < before_seq)

"""Sessions of the console. The cookie's value is not here, only its SHA-256: a copy of the table opens
nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Table, Text, select, update
from sqlalchemy import delete as deletion
from sqlalchemy.ext.asyncio import AsyncSession

from storage import people
from storage.people import Person
from storage.schema.identifiers import new_id
from storage.schema.metadata import metadata
from storage.schema.rows import columns, insert, many, one, row_of


@dataclass(frozen=True, slots=True)
class Session:
    id_hash: str = field(repr=False)  # SHA-256 of the cookie's value, hexadecimal
    person_id: str
    csrf: str = field(repr=False)  # the token every form of this session carries
    created_at: int
    expires_at: int
    id: str | None = None  # ses_…, to name it in lists; opens nothing. None: begun by the release before
    auth_time: int = 0  # when the person last proved who they are
    amr: str = ""  # how: RFC 8176's values, space separated
    acr: str = ""
    last_used_at: int = 0
    ip: str = ""
    agent: str = ""  # browser and system in words, never the header itself
    provider: str = ""  # issuer that vouched for the person; empty: we did
    provider_session: str = ""  # the session's name there (`sid`)


_TEXTS = ("amr", "acr", "ip", "agent", "provider", "provider_session")

table = Table(
    "sessions",
    metadata,
    Column("id_hash", Text, primary_key=True),
    Column("person_id", ForeignKey("people.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("csrf", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False, index=True),
    Column("id", Text),
    Column("auth_time", BigInteger, nullable=False, server_default="0"),
    Column("last_used_at", BigInteger, nullable=False, server_default="0"),
    *(Column(name, Text, nullable=False, server_default="") for name in _TEXTS),
    Index("ix_sessions_id", "id"),
)


async def add(
    session: AsyncSession,
    *,
    id_hash: str,
    person_id: str,
    csrf: str,
    expires_at: int,
    now: int,
    auth_time: int | None = None,
    amr: str = "pwd",
    acr: str = "",
    ip: str = "",
    agent: str = "",
    provider: str = "",
    provider_session: str = "",
) -> Session:
    """Raises `AlreadyExists` and, for an unknown person, `NotFound`, at the end of the transaction."""
    made = Session(
        id_hash, person_id, csrf, now, expires_at, new_id("ses"), now if auth_time is None else auth_time,
        amr, acr, now, ip, agent, provider, provider_session,
    )  # fmt: skip
    await insert(session, table, row_of(made))
    return made


async def find(session: AsyncSession, id_hash: str, now: int) -> tuple[Session, Person] | None:
    """None when unknown, expired, or its person is disabled."""
    live = select(*columns(table, Session)).where(table.c.id_hash == id_hash, table.c.expires_at > now)
    found = await one(session, Session, live)
    if found is None:
        return None
    person = await people.by_id(session, found.person_id)
    return None if person is None or person.disabled_at is not None else (found, person)


async def prolong(session: AsyncSession, id_hash: str, expires_at: int, now: int) -> bool:
    """Moves the end of a live session; False when it has ended, which stays so."""
    moved = (
        update(table)
        .where(table.c.id_hash == id_hash, table.c.expires_at > now)
        .values(expires_at=expires_at, last_used_at=now)
    )
    return (await session.execute(moved.returning(table.c.id_hash))).first() is not None


async def for_person(session: AsyncSession, person_id: str, now: int) -> list[Session]:
    """The live ones, last used first."""
    theirs = select(*columns(table, Session)).where(table.c.person_id == person_id, table.c.expires_at > now)
    return await many(
        session, Session, theirs.order_by(table.c.last_used_at.desc(), table.c.created_at.desc())
    )


async def delete(session: AsyncSession, id_hash: str) -> None:
    """Signs out; unknown is no error."""
    await session.execute(deletion(table).where(table.c.id_hash == id_hash))


async def delete_named(session: AsyncSession, person_id: str, session_id: str) -> bool:
    """Ends one of the person's own by its `id`; False when they have no such session."""
    ended = deletion(table).where(table.c.person_id == person_id, table.c.id == session_id)
    return (await session.execute(ended.returning(table.c.id))).first() is not None


async def delete_for_person(session: AsyncSession, person_id: str, *, but: str | None = None) -> int:
    """Signs a person out everywhere, but for the session with the hash `but`; how many sessions ended."""
    ended = deletion(table).where(table.c.person_id == person_id)
    if but is not None:
        ended = ended.where(table.c.id_hash != but)
    return len((await session.execute(ended.returning(table.c.id_hash))).all())


async def delete_of_provider(
    session: AsyncSession, provider: str, person_id: str | None, named: str | None
) -> list[str]:
    """Ends what a provider vouched for: by person, by the provider's own session, or by both; by neither, nothing.
    Whose they were, once for each session."""
    if person_id is None and named is None:
        return []
    ended = deletion(table).where(table.c.provider == provider)
    if person_id is not None:
        ended = ended.where(table.c.person_id == person_id)
    if named is not None:
        ended = ended.where(table.c.provider_session == named)
    return list((await session.execute(ended.returning(table.c.person_id))).scalars())


async def delete_all(session: AsyncSession) -> int:
    """Signs everybody out; how many sessions ended."""
    return len((await session.execute(deletion(table).returning(table.c.id_hash))).all())


async def delete_expired(session: AsyncSession, now: int) -> int:
    """How many were removed."""
    gone = deletion(table).where(table.c.expires_at <= now).returning(table.c.id_hash)
    return len((await session.execute(gone)).all())

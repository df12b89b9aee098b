"""Records what this release asks of its database, so that a later one can be held against it:

    python -m pytest -p tests.storage.releases.recorder --record-release=FILE tests/storage …

FILE stands here and is called as the newest migration; what it has already stays, so more tests may follow. A record
has every statement that `storage` made while those tests ran, as SQLite and PostgreSQL were given it, and the rows
that `fill` leaves behind. It is made once, when a migration is to follow or a release is made, and never changed:
`test_two_releases` says what it is held against.
"""

from __future__ import annotations

import asyncio
import json
import re
import tempfile
from pathlib import Path

import pytest
from sqlalchemy import Connection, TextClause, event, select
from sqlalchemy.engine import Engine
from sqlalchemy.engine.interfaces import ExecutionContext

from storage import (
    audit,
    credentials,
    migrate,
    personal_tokens,
    revocations,
    sessions,
    signing_keys,
    usage,
)
from storage.database import Database
from storage.schema.metadata import metadata
from storage.usage import UsageRow
from tests.storage import samples

WORDS = ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH")
# Values in a list or rows in an INSERT: how many there were says nothing about the statement.
MANY = re.compile(
    r"(\((?:[^()]|\(\))*\)|\?|\$\d+(?:::\w+)?)(?:, (?:\((?:[^()]|\(\))*\)|\?|\$\d+(?:::\w+)?))+"
)
NAMED = re.compile(r"\b(?:FROM|JOIN|INTO|UPDATE) (?!SET\b)(\w+)")
MADE_HERE = re.compile(r"(?:WITH |\) AS )(\w+)")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--record-release", type=Path, help="write what this release asks of its database")


def pytest_configure(config: pytest.Config) -> None:
    seen: dict[str, dict[str, str]] = {"sqlite": {}, "postgresql": {}}
    config.stash[SEEN] = seen

    def executed(
        connection: Connection,
        cursor: object,
        statement: str,
        parameters: object,
        context: ExecutionContext | None,
        executemany: bool,
    ) -> None:
        compiled = getattr(context, "compiled", None)
        if compiled is None or isinstance(compiled.statement, TextClause) or not statement.startswith(WORDS):
            return
        if set(NAMED.findall(statement)) <= set(metadata.tables) | set(MADE_HERE.findall(statement)):
            known = seen[connection.dialect.name]
            skeleton = MANY.sub(r"\1, …", statement)
            known[skeleton] = min(known.get(skeleton, statement), statement, key=lambda one: (len(one), one))

    event.listen(Engine, "before_cursor_execute", executed)


SEEN = pytest.StashKey[dict[str, dict[str, str]]]()


def pytest_sessionfinish(session: pytest.Session) -> None:
    target: Path | None = session.config.getoption("--record-release")
    if target is None:
        return
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/sluss.db"
        migrate.upgrade(url)
        rows = asyncio.run(filled(url))
    known = json.loads(target.read_text())["statements"] if target.exists() else {}
    statements = {
        name: sorted({*seen.values(), *known.get(name, ())})
        for name, seen in session.config.stash[SEEN].items()
    }
    record = {"revision": migrate.head(), "statements": statements, "rows": rows}
    target.write_text(
        json.dumps(record, indent=1, ensure_ascii=False, default=lambda value: {"hex": value.hex()}) + "\n"
    )


async def filled(url: str) -> dict[str, list[dict[str, object]]]:
    """Every table's rows after `fill`, in an order in which they may be put in."""
    database = Database(url)
    await fill(database)
    found: dict[str, list[dict[str, object]]] = {}
    async with database.read() as session:
        for table in metadata.sorted_tables:
            found[table.name] = [dict(row._mapping) for row in await session.execute(select(table))]
    await database.close()
    return found


async def fill(database: Database) -> None:
    """Something of everything, as this release writes it."""
    now = samples.NOW
    who = await samples.tenant(database)
    async with database.begin() as session:
        held = await samples.subscribe(session, who)
        await sessions.add(
            session, id_hash="5e", person_id=who.person.id, csrf="c", expires_at=now + 60, now=now
        )
        await personal_tokens.add(
            session,
            person_id=who.person.id,
            name="Laptop",
            token_hash="70",
            last4="1234",
            expires_at=None,
            now=now,
        )
        await credentials.add(
            session,
            who.id,
            who.app.id,
            kind="client_secret",
            secret_hash="c4",
            last4="5678",
            expires_at=None,
            now=now,
        )
        await revocations.add(
            session, jti="token-1", app_id=who.app.id, expires_at=now + 300, reason="asked for", now=now
        )
        await signing_keys.add(
            session,
            kid="key-1",
            algorithm="ES256",
            public_jwk=JWK,
            private_encrypted=b"\x00\xff",
            state="active",
            now=now,
        )
        row = (who.id, who.app.id, held.id, held.api, "prova", 1, "listNeeds", "served", 7, 7)
        await usage.write(session, [UsageRow("source-1", now // 3600, *row)])
        for act in ("app.created", "subscription.approved"):
            await audit.append(
                session, at=now, actor_kind="person", actor_id=who.person.id, act=act, object_kind="app",
                object_id=who.app.id, organisation_id=who.id, request_id="", ip="", after={"name": "Åsa"},
            )  # fmt: skip


# RFC 7515, A.3.1: an example for everybody to see.
JWK = json.dumps(
    {
        "kty": "EC",
        "crv": "P-256",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
        "kid": "key-1",
        "alg": "ES256",
        "use": "sig",
    }
)

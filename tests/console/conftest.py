"""The whole control plane over ASGI, on both databases, with the reference publications and a clock of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from argon2 import PasswordHasher
from starlette.applications import Starlette

from auth.origin import system
from auth.passwords import Passwords
from auth.people import People
from auth.server.app import AuthorizationServer, routes
from auth.tokens.signing import ensure
from console.app import create
from console.letters.post import MemoryOutbox, Post
from gateway.catalog.load import load
from gateway.catalog.model import Catalog
from storage.database import Database
from tests.console.browser import ISSUER
from tests.console.callers import Clock, Console

ROOT = Path(__file__).resolve().parents[2]
MASTER_KEY = b"k" * 32


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    return load([ROOT / "backends"], {})


@pytest.fixture
def clock() -> Clock:
    return Clock(1_767_225_600)  # 2026-01-01 00:00 UTC


@pytest.fixture(scope="session")
def passwords() -> Iterator[Passwords]:
    """Hashing made cheap: its cost is tested in auth."""
    made = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    yield made
    made.close()


@pytest.fixture
def people(database: Database, passwords: Passwords) -> People:
    return People(database, passwords, master_key=MASTER_KEY)


@pytest.fixture
def outbox() -> MemoryOutbox:
    return MemoryOutbox()


@pytest.fixture
def post(outbox: MemoryOutbox) -> Post:
    return Post(outbox)


@pytest.fixture
async def app(
    database: Database,
    people: People,
    catalog: Catalog,
    clock: Clock,
    post: Post,
    tmp_path: Path,
) -> Starlette:
    scopes = {key: frozenset(api.scopes) for key, api in catalog.apis.items()}
    async with database.begin() as session:
        await ensure(session, MASTER_KEY, clock.now() - 3600, system("test"))
    server = AuthorizationServer(database, ISSUER, MASTER_KEY, lambda: scopes, clock)
    return create(
        database=database,
        issuer=ISSUER,
        catalog=lambda: catalog,
        authorization_server=routes(server),
        endpoints=server.endpoints,
        portal_tree=tmp_path / "portal",
        clock=clock,
        people=people,
        post=post,
    )


@pytest.fixture
async def console(
    app: Starlette, database: Database, people: People, clock: Clock, outbox: MemoryOutbox, post: Post
) -> AsyncIterator[Console]:
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=True)
    async with httpx.AsyncClient(transport=transport, base_url=ISSUER) as client:
        yield Console(client, transport, database, people, clock, outbox, post)

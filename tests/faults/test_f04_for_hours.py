"""F4: with the database away, time itself takes nothing from a valid token; and what was withdrawn stays withdrawn.

The keeper, the line, the counters and the ledger's beat are the real ones and so is the PostgreSQL that is gone; the
clock that they read is moved, the sockets are left out. What a whole process does is `test_f04_database_away`.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from auth.origin import system
from auth.tokens import signing
from gateway.snapshot.keeper import SnapshotKeeper
from quota.ledger import Flusher
from storage import changes, revocations, usage
from storage.database import Database
from tests.auth.mint import ISSUER, Mint
from tests.faults.cut import TcpCut
from tests.gateway.line_of_one import Stand, Watched
from tests.line.platform import Client, Platform
from tests.line.taking_back import claims_of, take_back
from tests.quota.stage import Time

pytestmark = pytest.mark.postgres

MINUTE, HOUR = 60, 3600
STEPS = (9 * MINUTE, 7 * MINUTE, 44 * MINUTE, 5 * HOUR)  # past the promised quarter, and into other hours
LIFE = 24 * HOUR
SHORT = 10 * MINUTE


@dataclass
class Site:
    """One edge's parts, whose database leads through a cut."""

    platform: Platform
    cut: TcpCut
    database: Database
    keeper: SnapshotKeeper
    flusher: Flusher
    stand: Stand
    time: Time

    def call(self, token: str) -> tuple[int, str]:
        """Status and code of one call."""
        exchange = self.stand.call(self.stand.request("/eko/v1/echo", token=f"Bearer {token}"))
        if not hasattr(exchange, "status"):
            return 200, ""
        return exchange.status, json.loads(exchange.body)["code"]

    async def until_newest(self) -> None:
        """The snapshot is of the latest change."""
        async with self.database.read() as session:
            wanted = await changes.current(session)
        async with asyncio.timeout(60):
            while self.keeper.current is None or self.keeper.current.version < wanted:
                await asyncio.sleep(0.01)

    async def served(self, client: Client) -> int:
        """Calls in the ledger, whatever their hour."""
        async with self.database.read() as session:
            rows = await usage.totals(session, client.organisation_id, start=0, end=1 << 40, by=("outcome",))
        return sum(row.calls for row in rows if row.outcome == "served")

    async def until_database(self, *, ok: bool) -> None:
        async with asyncio.timeout(60):
            while self.keeper.state.database_ok is not ok:
                await asyncio.sleep(0.01)


@asynccontextmanager
async def site(folder: Path, url: str, moved: Time) -> AsyncIterator[Site]:
    platform = Platform(folder, url)
    platform.issuer = ISSUER
    async with AsyncExitStack() as stack:
        cut = TcpCut.before(url)
        stack.callback(cut.close)
        database = Database(cut.url(url))
        stack.push_async_callback(database.close)
        async with database.begin() as session:
            await signing.ensure(session, platform.master_key, int(time.time()) - 60, system("test"))
        counters = Watched(folder / "counters", moved.clock())
        await counters.start()
        stack.push_async_callback(counters.close)
        keeper = SnapshotKeeper(
            database, [platform.catalog], platform.environment, ISSUER, lambda: moved.wall_ns / 1e9
        )
        stand = Stand(Mint(), counters, None)
        stack.callback(stand.close)
        keeper.listeners.append(lambda snapshot: setattr(stand, "snapshot", snapshot))
        await keeper.start()
        stack.push_async_callback(keeper.stop)
        yield Site(platform, cut, database, keeper, Flusher(database, counters), stand, moved)


async def revoke(here: Site, client: Client, jti: str) -> None:
    now = int(time.time())
    async with here.database.begin() as session:
        await revocations.add(
            session, jti=jti, app_id=client.app_id, expires_at=now + LIFE, reason="test", now=now
        )


async def test_valid_tokens_go_on_for_hours_and_withdrawn_ones_do_not(
    tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved = Time(int(time.time()))
    monkeypatch.setattr("gateway.pipeline.time", lambda: moved.wall_ns / 1e9)
    async with site(tmp_path, postgres_url, moved) as here:
        client, closed, suspended = await asyncio.to_thread(here.platform.clients, 3)
        token = here.platform.token
        good, short, revoked = [
            await asyncio.to_thread(token, client, life=life) for life in (LIFE, SHORT, LIFE)
        ]
        of_closed, of_suspended = [
            await asyncio.to_thread(token, each, life=LIFE) for each in (closed, suspended)
        ]
        await revoke(here, client, json.loads(claims_of(revoked))["jti"])
        await take_back(here.platform, "close", closed)
        await take_back(here.platform, "suspend", suspended)
        await here.until_newest()
        withdrawn = {
            revoked: (401, "revoked-token"),
            of_closed: (403, "no-subscription"),
            of_suspended: (401, "app-suspended"),
        }

        def all_as_promised() -> None:
            assert here.call(good) == (200, "")
            assert {each: here.call(each) for each in withdrawn} == withdrawn

        all_as_promised()
        assert here.call(short) == (200, "")
        here.cut.refuse()
        await here.until_database(ok=False)
        before, served = here.keeper.current, 2
        assert not await here.flusher.flush()
        for forward in STEPS:
            moved.forward(forward)
            await here.keeper._look(files=True)
            all_as_promised()
            served += 1
        assert here.call(short) == (401, "expired-token"), "a token ends when it says, whoever is away"
        assert here.keeper.current is before
        assert here.flusher.failures > 0
        assert here.flusher.waiting > 0

        here.cut.flow()
        await here.until_database(ok=True)
        assert await here.flusher.flush()
        assert await here.served(client) == served
        all_as_promised()

"""One edge with all its parts, in this process: what hangs together only in the composition root."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from gateway.app import CannotStart, Edge
from gateway.cache.key import Key
from gateway.cache.store import Entry
from gateway.settings import Settings, load
from storage import changes
from storage.database import Database
from tests.parts.process import free_port


@pytest.fixture
def settings(tmp_path: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.chdir(tmp_path)
    values = {
        "DATA_DIR": str(tmp_path / "data"),
        "DATABASE_URL": sqlite_url,
        "ACCESS_LOG": str(tmp_path / "log"),
    }
    values |= {name: str(free_port()) for name in ("PORT", "ADMIN_PORT", "CONTROL_PORT")}
    for name, value in values.items():
        monkeypatch.setenv(f"SLUSS_{name}", value)
    return load()


@pytest.fixture
async def edge(settings: Settings) -> AsyncIterator[Edge]:
    made = Edge(settings, 0)
    async with made.running():
        yield made
    gc.unfreeze()  # a process that serves freezes what it has built; this one goes on


async def test_the_admin_port_says_what_the_edge_is(edge: Edge) -> None:
    address = f"http://127.0.0.1:{edge.settings.admin_port}"
    async with httpx.AsyncClient(base_url=address, trust_env=False) as http:
        assert (await http.get("/healthz")).json() == {"status": "alive"}
        assert (await http.get("/readyz")).json()["status"] == "ready"
        assert "eko/v1" in (await http.get("/snapshot")).json()["apis"]
        metrics = (await http.get("/metrics")).text
        assert "sluss_cache_collapsed 0.0" in metrics
        edge.vitals.draining = True
        assert (await http.get("/readyz")).status_code == 503
        refused = await http.get("/readyz", headers={"X" * 70_000: "y"})
        assert refused.status_code == 431
        assert refused.json()["code"] == "headers-too-large"


async def test_an_admin_port_that_is_taken_is_named(settings: Settings) -> None:
    holder = await asyncio.start_server(lambda *_: None, "127.0.0.1", settings.admin_port)
    try:
        with pytest.raises(CannotStart, match=str(settings.admin_port)):
            async with Edge(settings, 0).running():
                raise AssertionError("it runs")
    finally:
        holder.close()


async def test_a_purge_empties_the_cache_of_a_running_edge(edge: Edge, settings: Settings) -> None:
    key = Key("eko/v1", "/eko/v1/echo", b"/echo", b"h", False, b"", b"", b"")
    edge.cache.put(Entry(key, 200, [], b"kept", (), ()))
    assert len(edge.cache) == 1
    database = Database(settings.database_url)
    try:
        async with database.begin() as session:
            await changes.bump(session, changes.KEPT_ANSWERS, "eko/v1")
        async with asyncio.timeout(20):
            while len(edge.cache):
                await asyncio.sleep(0.01)
    finally:
        await database.close()

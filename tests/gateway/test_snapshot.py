"""The snapshot: rows and files joined, taken over where nothing changed, renewed in time and never by faults."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.catalog.errors import CatalogFaults
from gateway.snapshot.build import Snapshot
from gateway.snapshot.keeper import SnapshotKeeper
from gateway.snapshot.subscribed import Subscribed
from storage import changes
from storage.database import Database
from tests.auth.mint import ISSUER, Mint
from tests.gateway.line_of_one import APP, BACKENDS, SUBSCRIPTION, built, reference, rows

MINT = Mint()


def subscribed_in(snapshot: Snapshot) -> Subscribed | None:
    return snapshot.subscribed.of(snapshot.access.grants["app_1", "eko/v1"])


def test_what_comes_from_files_is_taken_over() -> None:
    first = built(rows(MINT))
    second = built(rows(MINT), None, 2.0, first)
    assert second.routes is first.routes
    assert second.documents is first.documents
    other = replace(reference(), digest="other")
    assert built(rows(MINT), other, 3.0, first).routes is not first.routes


def test_a_subscription_has_limits_and_a_key_per_operation() -> None:
    subscribed = subscribed_in(built(rows(MINT)))
    assert subscribed is not None
    key = subscribed.usage["getEcho"]
    assert key == ("sub_1", "org_1", "app_1", "eko/v1", "getEcho", "prova", 1)
    assert subscribed.usage["getEcho"] is key
    assert subscribed.limits.plan == "prova@1"


def test_a_new_plan_makes_new_keys() -> None:
    first = built(rows(MINT))
    one = subscribed_in(first)
    assert one is not None
    assert one.usage["getEcho"].plan == "prova"
    assert subscribed_in(built(rows(MINT), None, 2.0, first)) is one
    moved = rows(MINT, subscription=replace(SUBSCRIPTION, plan="innovation"))
    second = built(moved, None, 2.0, first)
    two = subscribed_in(second)
    assert two is not None
    assert two.usage["getEcho"].plan == "innovation"


def test_a_plan_version_nobody_publishes_gives_no_limits() -> None:
    gone = rows(MINT, subscription=replace(SUBSCRIPTION, plan_version=99))
    assert subscribed_in(built(gone)) is None


def test_access_follows_the_rows() -> None:
    disabled = rows(MINT, organisations_disabled=frozenset({"org_1"}))
    assert not built(disabled).access.apps[APP.client_id].organisation_active
    waiting = rows(MINT, subscription=replace(SUBSCRIPTION, state="requested"))
    assert not built(waiting).access.grants["app_1", "eko/v1"].active
    stray = rows(MINT, subscription=replace(SUBSCRIPTION, app_id="app_of_nobody"))
    assert not built(stray).access.grants


def test_an_environment_without_an_address_is_not_offered() -> None:
    api = reference().apis["eko/v1"]
    bare = replace(api, upstreams=dict.fromkeys(api.upstreams, ()))
    catalog = replace(reference(), apis={"eko/v1": bare})
    published = built(rows(MINT), catalog).routes.find("GET", "/eko/v1/echo")
    assert published.upstreams == {}


class TestKeeper:
    @pytest.fixture
    async def database(self, sqlite_url: str) -> AsyncIterator[Database]:
        database = Database(sqlite_url)
        yield database
        await database.close()

    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        target = tmp_path / "catalog"
        target.mkdir()
        shutil.copy(BACKENDS / "plans.yaml", target)
        (target / "eko").mkdir()
        for file in (BACKENDS / "eko").glob("*.yaml"):
            shutil.copy(file, target / "eko")
        return target

    @pytest.fixture
    async def keeper(self, database: Database, folder: Path) -> AsyncIterator[SnapshotKeeper]:
        keeper = SnapshotKeeper(database, [folder], {}, ISSUER)
        await keeper.start()
        yield keeper
        await keeper.stop()

    async def until(self, true: Callable[[], bool]) -> None:
        end = time.monotonic() + 5
        while not true():
            assert time.monotonic() < end
            await asyncio.sleep(0.01)

    async def test_a_change_in_the_database_swaps(self, keeper: SnapshotKeeper, database: Database) -> None:
        told: list[int] = []
        keeper.listeners.append(lambda snapshot: told.append(snapshot.version))
        before = keeper.current
        assert before is not None
        async with database.begin() as session:
            version = await changes.bump(session)
        await self.until(lambda: bool(told))
        assert told == [version]
        assert keeper.current is not None
        assert keeper.current.routes is before.routes

    async def test_a_purge_reaches_every_process(self, keeper: SnapshotKeeper, database: Database) -> None:
        """By the change log, beside whatever else has changed; and when that is gone, everything goes."""
        told: list[frozenset[str]] = []
        keeper.listeners.append(lambda snapshot: told.append(snapshot.purged))
        async with database.begin() as session:
            await changes.bump(session, changes.KEPT_ANSWERS, "eko/v1")
            await changes.bump(session)
        await self.until(lambda: len(told) == 1)
        async with database.begin() as session:
            await changes.bump(session)
        await self.until(lambda: len(told) == 2)
        async with database.begin() as session:
            await changes.bump_all(session)
        await self.until(lambda: len(told) == 3)
        assert told == [{"eko/v1"}, frozenset(), {""}]

    async def test_new_files_are_taken_within_two_seconds(self, keeper: SnapshotKeeper, folder: Path) -> None:
        began = time.monotonic()
        file = folder / "eko" / "api.yaml"
        file.write_text(file.read_text().replace("name: { sv: Eko,", "name: { sv: Genljud,"))
        await self.until(
            lambda: keeper.current is not None and keeper.current.catalog.apis["eko/v1"].name.sv == "Genljud"
        )
        assert time.monotonic() - began < 2

    async def test_faulty_files_leave_what_runs(self, keeper: SnapshotKeeper, folder: Path) -> None:
        before = keeper.current
        file = folder / "eko" / "api.yaml"
        file.write_text("id: [")
        await self.until(lambda: keeper.state.catalog_faults > 0)
        assert keeper.current is before
        assert "api.yaml" in keeper.state.catalog_message

    async def test_faulty_files_stop_the_start(self, database: Database, folder: Path) -> None:
        (folder / "eko" / "api.yaml").write_text("id: [")
        with pytest.raises(CatalogFaults):
            await SnapshotKeeper(database, [folder], {}, ISSUER).start()

"""F14, F15, F16: changes and faulty changes while two edges are called without a pause: no 5xx, and all take them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from auth.origin import system
from auth.tokens import signing
from console.services import subscriptions
from storage.database import Database
from tests.faults.scene import Load, Scene
from tests.line.platform import FAST, HOST, PLAN, WIDE, Client
from tests.parts import templates
from tests.parts.redis_server import flush

pytestmark = [pytest.mark.redis, pytest.mark.timeout(300)]

EDGES = 2
DEPRECATED = "status: deprecated\ndeprecated: 2026-11-01"


@pytest.fixture(scope="module")
def scene(
    tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path, redis_server: str
) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("changes")
    flush(redis_server)
    url = templates.sqlite_copy(sqlite_template, folder / "sluss.db")
    made = Scene(folder, url, redis_server, EDGES)
    made.environment["SLUSS_REDIS_WAIT_MS"] = "60000"
    yield made.start()
    made.close()


def statuses(scene: Scene, token: str) -> set[int]:
    return {scene.get("/eko/v1/echo", token, edge=edge).status_code for edge in range(EDGES)}


async def rotate(scene: Scene) -> None:
    database = Database(scene.database_url)
    async with database.begin() as session:
        await signing.rotate(session, scene.master_key, int(time.time()), system("test"))
    await database.close()


async def close(scene: Scene, client: Client) -> None:
    database = Database(scene.database_url)
    async with database.begin() as session:
        held = client.subscriptions["eko/v1"]
        await subscriptions.close(session, HOST, client.organisation_id, held, now=int(time.time()))
    await database.close()


def test_changes_reach_every_process_and_cost_no_call(scene: Scene) -> None:
    """F15: a publication, a plan, the keys and a subscription change under load; both edges have it soon, whole."""
    steady, leaving = scene.clients(2, plan="leverantor")
    token, other = scene.token(steady), scene.token(leaving)
    plans, publication = scene.catalog / "plans.yaml", scene.catalog / "eko" / "api.yaml"
    first, second = (Load(port, "/eko/v1/echo", token, 2) for port in scene.ports)
    with first.running(), second.running():
        first.more(10)
        swaps = [scene.metric("sluss_snapshot_swaps", edge) for edge in range(EDGES)]
        publication.write_text(publication.read_text().replace("status: active", DEPRECATED))
        scene.until(lambda: all_deprecated(scene, token), "the publication on both edges")
        next_version = PLAN.format(id="leverantor", rate=FAST, quota=WIDE, away="closed")
        plans.write_text(plans.read_text() + next_version.replace("version: 1", "version: 2"))
        scene.run(rotate(scene))
        scene.settled()
        scene.run(close(scene, leaving))
        scene.until(lambda: statuses(scene, other) == {403}, "the closed subscription on both edges")
        assert statuses(scene, scene.token(steady)) == {200}, "the new key signs, both edges know it"
        for load in (first, second):
            load.more(10)
    for edge in range(EDGES):
        assert scene.metric("sluss_catalog_faults", edge) == 0, scene.log(f"edge-{edge}")
        assert scene.metric("sluss_snapshot_swaps", edge) > swaps[edge]
    for load in (first, second):
        assert load.statuses.keys() == {200}, (load.statuses, load.codes)
        assert not load.lost


def all_deprecated(scene: Scene, token: str) -> bool:
    return all("Deprecation" in scene.get("/eko/v1/echo", token, edge=edge).headers for edge in range(EDGES))


def test_a_faulty_change_changes_nothing(scene: Scene) -> None:
    """F14: the old one stays on both edges, the log names file and line, a metric and readiness say so."""
    token = scene.token(scene.client(plan="leverantor"))
    publication = scene.catalog / "eko" / "api.yaml"
    sound = publication.read_text()
    with Load(scene.ports[0], "/eko/v1/echo", token, 2).running() as load:
        publication.write_text(sound.replace("family: rest", "family: soap"))
        for edge in range(EDGES):
            assert "publication files" in scene.until_state("degraded", edge)
            assert scene.metric("sluss_catalog_faults", edge) == 1
            assert "api.yaml:" in scene.log(f"edge-{edge}")
        load.more(20)
        publication.write_text(sound)
        for edge in range(EDGES):
            scene.until_state("ready", edge)
        load.more(10)
    assert load.statuses.keys() == {200}, (load.statuses, load.codes)


HTTP_CLIENTS = ("httpx", "urllib.request", "aiohttp", "requests", "http.client")


def test_nothing_on_the_line_fetches_anything() -> None:
    """F16: keys, apps and revocations come with the snapshot; the edge opens connections to its upstreams, the
    database and Redis alone, so no issuer or key set that is slow can hold a call up.
    """
    root = Path(__file__).resolve().parents[2]
    apart = {
        "federation",
        "server",
        "dynamic",
        "fetching.py",
    }  # the control plane's: `test_lean_processes` holds it so
    line: list[Path] = [
        *(path for path in (root / "auth").rglob("*.py") if apart.isdisjoint(path.parts)),
        *(root / "quota").rglob("*.py"),
    ]
    line += [path for path in (root / "gateway").rglob("*.py") if "cli" not in path.parts]
    for path in line:
        text = path.read_text()
        for client in HTTP_CLIENTS:
            assert f"import {client}" not in text, path
            assert f"from {client} import" not in text, path

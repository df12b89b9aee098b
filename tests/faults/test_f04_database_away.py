"""F4, F5, L11: a PostgreSQL that refuses, hangs, resets or is killed, under real edges and a real control plane."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.faults import locks
from tests.faults.scene import Load, Scene
from tests.line.platform import Client
from tests.parts import templates
from tests.parts.postgres_server import execute

pytestmark = [pytest.mark.postgres, pytest.mark.timeout(300)]

AWAY = "database does not answer"
RECOVERY_S = 10.0


@pytest.fixture(scope="module")
def scene(postgres_scene: Scene) -> Scene:
    return postgres_scene


@pytest.fixture(autouse=True)
def whole(scene: Scene) -> Iterator[None]:
    scene.database.flow()
    scene.until_state("ready")
    yield
    scene.database.flow()


@pytest.fixture(scope="module")
def client(scene: Scene) -> Client:
    return scene.client()


def asked(scene: Scene, client: Client) -> httpx.Response:
    return scene.token_request(client.client_id, client.secret, client.scopes)


def served(scene: Scene, client: Client) -> int:
    return scene.ledger(client).get("served", 0)


def refused_as_oauth_says(answer: httpx.Response) -> None:
    assert answer.status_code == 503, answer.text
    assert answer.json()["error"] == "temporarily_unavailable"
    assert int(answer.headers["Retry-After"]) >= 1
    assert answer.headers["Cache-Control"] == "no-store"


FAULTS: dict[str, Callable[[Scene], None]] = {
    "down": lambda scene: scene.database.refuse(),
    "hanging": lambda scene: scene.database.hang(),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_calls_go_on_and_nothing_new_begins(scene: Scene, client: Client, fault: str) -> None:
    """F4: valid tokens go on, no new ones are given, usage is kept, readiness says so. F5: it mends by itself."""
    token = scene.token(client)
    assert asked(scene, client).status_code == 200
    assert scene.get("/eko/v1/echo", token).status_code == 200
    scene.until(lambda: served(scene, client) == scene.seen(), "all that was before is in the ledger")
    before = served(scene, client)

    FAULTS[fault](scene)
    assert AWAY in scene.until_state("degraded")
    assert scene.ready()[0] == 200, "degraded is not unready: the balancer must go on sending calls"
    assert scene.metric("sluss_database_up") == 0
    for _ in range(20):
        assert scene.get("/eko/v1/echo", token).status_code == 200
    refused_as_oauth_says(asked(scene, client))
    page = httpx.get(scene.url("/console/"), trust_env=False, timeout=40)
    assert page.status_code in (200, 303, 503), "a page is shown or refused, and never a fault of ours"
    assert served(scene, client) == before, "nothing reaches the ledger"

    scene.database.flow()
    began = time.monotonic()
    scene.until_state("ready")
    assert asked(scene, client).status_code == 200, "the first after it was seen to be back"
    took = time.monotonic() - began
    assert took < RECOVERY_S * 3, (
        f"{took:.1f} s: promised are {RECOVERY_S}, and three times that for a slow machine"
    )
    scene.until(lambda: served(scene, client) == before + 20, "what was kept back is written once")
    for name in ("edge-0", "control"):
        assert "Traceback" not in scene.log(name), scene.log(name)


def test_a_database_that_takes_no_writes_is_noticed_by_itself(scene: Scene, client: Client) -> None:
    """F4: nothing is written at all while nobody calls; readiness says it all the same, and why."""
    server, name = templates.named(scene.database_url, "postgres"), scene.database_url.rsplit("/", 1)[1]
    execute(server, f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    scene.database.reset()
    try:
        assert "takes no writes" in scene.until_state("degraded")
        assert asked(scene, client).status_code in (200, 503), "a token may need no write"
        token = scene.token(client)
        before = served(scene, client)
        assert scene.get("/eko/v1/echo", token).status_code == 200
    finally:
        execute(server, f"ALTER DATABASE {name} SET default_transaction_read_only = off")
        scene.database.reset()
    scene.until_state("ready")
    scene.until(lambda: served(scene, client) == before + 1, "what was kept back")
    assert "Traceback" not in scene.log("edge-0")


def test_slow_queries_fill_the_pool_and_nothing_else(scene: Scene, client: Client) -> None:
    """F6: every query of the control plane waits for a lock; the queue is bounded in time, and calls go on."""
    token = scene.token(client)
    with locks.tables(scene.database_url, "credentials"), ThreadPoolExecutor(12) as pool:
        asking = [pool.submit(asked, scene, client) for _ in range(12)]  # more than twice the pool
        for _ in range(20):
            assert scene.get("/eko/v1/echo", token).status_code == 200
        assert scene.ready()[0] == 200
        for each in asking:
            refused_as_oauth_says(each.result())
    assert asked(scene, client).status_code == 200
    assert "Traceback" not in scene.log("control")


def test_connections_that_broke_cost_no_caller_an_error(scene: Scene, client: Client) -> None:
    """F5: every pooled connection is dead, and nobody notices: not the next caller, not a transaction."""
    for _ in range(3):
        assert asked(scene, client).status_code == 200
        scene.database.reset()
        assert asked(scene, client).status_code == 200
    assert "Traceback" not in scene.log("control")


def test_a_broken_answer_to_a_commit_counts_once(scene: Scene, client: Client) -> None:
    """L10, L11: the database carries a write out and its answer is lost; the write is repeated and changes nothing."""
    token = scene.token(client)
    before, seen = served(scene, client), scene.seen()
    with Load(scene.ports[0], "/eko/v1/echo", token, 2).running() as load:
        for answered in (1, 30, 200, 900):
            scene.database.cut_after(answered)
            load.more(40)
    assert load.statuses.keys() == {200}, (load.statuses, load.lost)
    assert not load.lost
    assert scene.seen() - seen == load.answered
    scene.until(lambda: served(scene, client) - before == load.answered, "the ledger")

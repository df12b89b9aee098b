"""F1, F2, F3: Redis down, hanging, slow, or losing its answers, between real edges and a real Redis."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.scene import Scene
from tests.line.platform import FIFTY, PLANS, Client
from tests.line.taking_back import claims_of, revoke
from tests.parts import templates
from tests.parts.redis_server import flush

pytestmark = pytest.mark.redis

EDGES = 2
AWAY = "Redis does not answer"


@pytest.fixture(scope="module")
def scene(
    tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path, redis_server: str
) -> Iterator[Scene]:
    """Two edges. The plan `intern` is open when the counters are away, with 50 units a day; all others are closed."""
    folder = tmp_path_factory.mktemp("redis-away")
    flush(redis_server)
    made = Scene(folder, templates.sqlite_copy(sqlite_template, folder / "sluss.db"), redis_server, EDGES)
    head, intern = PLANS.split("  - id: intern")
    intern = (
        intern[: intern.index("quota:")]
        + f"quota: {{ {FIFTY} }}"
        + intern[intern.index("\n    countersAway") :]
    )
    (made.catalog / "plans.yaml").write_text(f"{head}  - id: intern{intern}")
    yield made.start()
    made.close()


@pytest.fixture(autouse=True)
def whole(scene: Scene) -> Iterator[None]:
    """Every test begins and ends with a Redis that answers, and has seen the circuits close by themselves."""
    scene.redis.flow()
    for edge in range(EDGES):
        scene.until_state("ready", edge)
    yield
    scene.redis.flow()


def answers(scene: Scene, token: str, calls: int) -> Counter[int]:
    found: Counter[int] = Counter()
    for number in range(calls):
        answer = scene.get("/eko/v1/echo", token, edge=number % EDGES)
        found[answer.status_code] += 1
        if answer.status_code == 503:
            assert answer.json()["code"] == "counters-unavailable"
            assert int(answer.headers["Retry-After"]) >= 1
    return found


def both_away(scene: Scene, token: str) -> None:
    """Each edge has noticed."""
    for edge in range(EDGES):
        scene.get("/eko/v1/echo", token, edge=edge)
        assert AWAY in scene.until_state("degraded", edge)
        assert scene.ready(edge)[0] == 200, "degraded is not unready: open plans are served"


def paying(scene: Scene) -> tuple[Client, str]:
    client = scene.client(plan="prova")
    return client, scene.token(client)


def test_down_open_plans_have_their_share_and_closed_ones_none(scene: Scene) -> None:
    """F1: nothing in between. Open: 50 a day over two processes are 25 each. Closed: 503 with Retry-After."""
    client, token = paying(scene)
    internal = scene.client(plan="intern")
    assert answers(scene, token, 4) == {200: 4}
    scene.redis.refuse()
    both_away(scene, token)
    seen = scene.seen()
    assert answers(scene, token, 10) == {503: 10}
    assert scene.seen() == seen, "what is not counted is not let through"
    assert answers(scene, scene.token(internal), 70) == {200: 50, 429: 20}
    assert scene.seen() == seen + 50
    scene.redis.flow()
    for edge in range(EDGES):
        scene.until_state("ready", edge)
    scene.until(lambda: scene.ledger(internal) == {"served": 50, "refused_quota": 20}, "journal to ledger")
    scene.until(lambda: answers(scene, scene.token(internal), 1) == {429: 1}, "journal to Redis", 10)
    assert answers(scene, token, 4) == {200: 4}
    scene.until(lambda: scene.ledger(client) == {"served": 8}, "the paying client pays what it got")


def test_a_hang_costs_no_call_more_than_its_deadline_and_then_nothing(scene: Scene) -> None:
    """F2: at most 100 ms per call while it is found out, then a breaker; and back within 5 s."""
    _, token = paying(scene)
    assert answers(scene, token, 4) == {200: 4}
    usual = least(scene, token)
    scene.redis.hang()
    both_away(scene, token)
    # The quickest of many: what every call would have to wait shows in it, what a busy machine adds does not.
    assert least(scene, token) < usual + 0.05, "with the circuit open nobody waits for Redis"
    scene.redis.flow()
    began = time.monotonic()
    for edge in range(EDGES):
        scene.until_state("ready", edge)
        assert scene.get("/eko/v1/echo", token, edge=edge).status_code == 200
    assert time.monotonic() - began < 5
    assert least(scene, token) < usual + 0.05


def least(scene: Scene, token: str) -> float:
    """Seconds of the quickest of some calls."""
    times = []
    for _ in range(10):
        began = time.perf_counter()
        scene.get("/eko/v1/echo", token)
        times.append(time.perf_counter() - began)
    return min(times)


def test_lost_answers_count_nothing_twice(scene: Scene) -> None:
    """L10: requests reach Redis and are carried out, answers do not come back. No blind retry, no double count."""
    client = scene.client(plan="innovation")  # 50 a day, closed
    token = scene.token(client)
    assert answers(scene, token, 10) == {200: 10}
    for _ in range(3):
        scene.redis.swallow_answers()
        assert answers(scene, token, 4)[200] == 0
        assert scene.redis.answers_swallowed > 0
        scene.redis.flow()
        scene.redis.reset()
        for edge in range(EDGES):
            scene.until_state("ready", edge)
    found = answers(scene, token, 60)
    assert found == {200: 40, 429: 20}, "exactly what was left"
    scene.until(lambda: scene.ledger(client) == {"served": 50, "refused_quota": 20}, "the ledger")


def test_answers_cut_in_the_middle(scene: Scene) -> None:
    """L10: a connection that breaks inside an answer; the answer is asked for, not the step repeated."""
    client = scene.client(plan="innovation")
    token = scene.token(client)
    passed = 0
    for answered in (1, 20, 60, 100):
        scene.redis.cut_after(answered)
        passed += answers(scene, token, 6)[200]
        for edge in range(EDGES):
            scene.until_state("ready", edge)
    found = answers(scene, token, 60)
    assert found[200] + passed == 50
    scene.until(lambda: scene.ledger(client).get("served") == 50, "the ledger")


def test_a_revocation_takes_effect_without_redis(scene: Scene) -> None:
    """F3: what is revoked comes from the database; Redis has no part in it."""
    client = scene.client(plan="intern")
    token = scene.token(client)
    scene.redis.refuse()
    both_away(scene, token)
    assert scene.get("/eko/v1/echo", token).status_code == 200
    scene.run(revoke(scene, client, json.loads(claims_of(token))["jti"]))
    scene.settled()  # not by calling until it is refused: the local share would be used up before
    for edge in range(EDGES):
        answer = scene.get("/eko/v1/echo", token, edge=edge)
        assert (answer.status_code, answer.json()["code"]) == (401, "revoked-token")

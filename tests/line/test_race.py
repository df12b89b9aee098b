"""Limits hold exactly over two edge processes and a real Redis, and counters outlive a killed process (L1, L8)."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable

import httpx
import pytest

from tests.line.platform import Platform

ROUNDS = 20
CALLS = 200
LIMIT = 50


async def volley(platform: Platform, token: str, calls: int, edges: int = 1) -> Counter[int]:
    """`calls` requests at once, spread over the edges; how many got which status in the end.

    503 is the promised answer when Redis did not get a word in within its deadline, as happens on a starved
    machine: nothing was taken then, and the caller asks again.
    """
    limits = httpx.Limits(max_connections=calls, max_keepalive_connections=calls)
    async with httpx.AsyncClient(
        headers={"Authorization": f"Bearer {token}"}, limits=limits, timeout=30, trust_env=False
    ) as http:
        urls = [platform.url("/eko/v1/echo", number % edges) for number in range(calls)]
        return Counter(await asyncio.gather(*(decided(http, url) for url in urls)))


async def decided(http: httpx.AsyncClient, url: str) -> int:
    for _ in range(20):
        answer = await http.get(url)
        if answer.status_code != 503:
            break
        assert answer.json()["code"] == "counters-unavailable"
        await asyncio.sleep(0.2)
    return answer.status_code


@pytest.mark.slow
@pytest.mark.redis
def test_of_200_at_once_over_two_processes_exactly_50_pass(
    own_platform: Callable[..., Platform], redis_url: str
) -> None:
    platform = own_platform(redis_url, edges=2).start()
    clients = platform.clients(ROUNDS, plan="innovation")
    for number, client in enumerate(clients):
        before = platform.seen()
        statuses = platform.run(volley(platform, platform.token(client), CALLS, edges=2))
        assert statuses == {200: LIMIT, 429: CALLS - LIMIT}, f"round {number}"
        assert platform.seen() - before == LIMIT
    for client in clients:
        platform.wait(lambda client=client: platform.ledger(client).get("served") == LIMIT)  # type: ignore[misc]
        assert platform.ledger(client) == {"served": LIMIT, "refused_quota": CALLS - LIMIT}


def test_one_process_needs_no_redis_for_the_same(own_platform: Callable[..., Platform]) -> None:
    platform = own_platform().start()
    client = platform.client(plan="innovation")
    assert platform.run(volley(platform, platform.token(client), CALLS)) == {200: LIMIT, 429: CALLS - LIMIT}


def test_a_killed_edge_forgets_nothing(own_platform: Callable[..., Platform]) -> None:
    platform = own_platform().start()
    client = platform.client(plan="innovation")
    token = platform.token(client)
    assert platform.run(volley(platform, token, 30)) == {200: 30}
    platform.kill("edge-0")
    platform.start_edge()
    assert platform.run(volley(platform, token, 60)) == {200: 20, 429: 40}
    assert platform.seen() == 50
    platform.wait(lambda: platform.ledger(client) == {"served": 50, "refused_quota": 40})

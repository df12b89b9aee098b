"""A slow service fills its own connections and its own queue, and nobody else's (F9, F6)."""

from __future__ import annotations

import asyncio
import time
from collections import Counter

from gateway.edge.clock import Clock
from gateway.edge.exchange import Exchange
from gateway.edge.limits import EdgeLimits
from gateway.proxy.pool import PoolLimits, Upstream
from gateway.proxy.response import AnswerReader
from tests.line_support.raw_client import RawClient, raw_client
from tests.line_support.running_edge import running_edge
from tests.line_support.scripted_upstream import OK, Visit, answering, scripted_upstream

SLOW = b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n"
FAST = b"GET /fast HTTP/1.1\r\nHost: a\r\n\r\n"
CALLERS, CONNECTIONS, WAITING = 500, 60, 100


TRIES, CALLS = 5, 100


async def tries(client: RawClient) -> list[list[float]]:
    """Seconds of each call, sorted, of several tries: the best of them is what no busy machine has added to."""
    found = []
    for _ in range(TRIES):
        taken = []
        for _ in range(CALLS):
            began = time.perf_counter()
            assert (await client.ask(FAST)).status == 200
            taken.append(time.perf_counter() - began)
        found.append(sorted(taken))
    return found


async def test_a_slow_service_with_500_callers_hurts_nobody_else() -> None:
    """F9: the others' calls pass as before, median and p99; what the slow one holds is bounded; what is too much gets
    503 at once.
    """
    go_on = asyncio.Event()

    async def slow(visit: Visit) -> None:
        while True:
            await visit.request()
            await go_on.wait()
            await visit.send(OK)

    async def call(port: int, got: Counter[int]) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(SLOW)
        got[int((await reader.readuntil(b"\r\n\r\n")).split(b" ")[1])] += 1
        writer.close()

    async with (
        scripted_upstream(slow) as held,
        scripted_upstream(answering(OK)) as sound,
        running_edge(
            held.url,
            EdgeLimits(),
            pool=PoolLimits(connections=CONNECTIONS, waiting=WAITING),
            connect_timeout=60.0,
            first_byte_timeout=60.0,
        ) as edge,
        raw_client(edge.port) as client,
    ):
        clock: Clock = edge.server.clock
        fast = Upstream(sound.url, clock, AnswerReader())
        held_pool = edge.upstream

        def line(exchange: Exchange) -> None:
            edge.upstream = fast if exchange.request.path == "/fast" else held_pool
            edge.forward(exchange)

        edge.line = line
        before = await tries(client)
        got: Counter[int] = Counter()
        callers = [asyncio.create_task(call(edge.port, got)) for _ in range(CALLERS)]
        async with asyncio.timeout(60):
            while got[503] < CALLERS - CONNECTIONS - WAITING:
                await asyncio.sleep(0.01)
        assert got == {503: CALLERS - CONNECTIONS - WAITING}
        during = await tries(client)
        assert held_pool.open_connections == CONNECTIONS
        assert held_pool.waiting_callers == WAITING
        assert len(held.arrived) == CONNECTIONS
        assert held_pool.circuit.failures == fast.circuit.failures == 0
        for rank in (CALLS // 2, CALLS - 2):
            least = max(min(each[rank] for each in before), 0.002)
            assert min(each[rank] for each in during) < 1.5 * least
        go_on.set()
        await asyncio.wait_for(asyncio.gather(*callers), 60)
        assert got == {200: CONNECTIONS + WAITING, 503: CALLERS - CONNECTIONS - WAITING}
        fast.close()

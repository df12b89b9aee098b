"""Leaving: nothing new is taken, everything begun is ended."""

from __future__ import annotations

import asyncio
import time

import pytest

from gateway.edge.exchange import Exchange
from gateway.edge.limits import EdgeLimits
from tests.line_support.raw_client import raw_client
from tests.line_support.running_edge import running_edge
from tests.line_support.scripted_upstream import OK, Visit, scripted_upstream

GET = b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n"
QUICK = EdgeLimits(drain_idle_seconds=0.3, tick_seconds=0.02, linger_seconds=0.2)


async def test_what_is_in_flight_ends_and_says_that_the_connection_does_too() -> None:
    release = asyncio.Event()

    async def slow(visit: Visit) -> None:
        await visit.request()
        await release.wait()
        await visit.send(OK)

    async with (
        scripted_upstream(slow) as upstream,
        running_edge(upstream.url, QUICK) as edge,
        raw_client(edge.port) as client,
    ):
        client.send(GET)
        await asyncio.wait_for(upstream.news.wait(), 5)
        draining = asyncio.create_task(edge.server.drain(5.0))
        await asyncio.sleep(0.05)
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", edge.port)
        assert not draining.done()
        release.set()
        answer = await client.answer()
        assert (answer.body, answer.field("connection")) == (b"ok", "close")
        assert await client.ended()
        await client.close()
        await asyncio.wait_for(draining, 2)


async def test_an_idle_connection_may_bring_one_more_request() -> None:
    async with (
        running_edge(limits=QUICK) as edge,
        raw_client(edge.port) as client,
        raw_client(edge.port) as idle,
    ):
        edge.line = lambda exchange: exchange.reply(200, [], b"ok")
        assert (await client.ask(GET)).field("connection") is None
        assert (await idle.ask(GET)).status == 200
        began = time.monotonic()
        draining = asyncio.create_task(edge.server.drain(5.0))
        await asyncio.sleep(0.1)
        answer = await client.ask(GET)
        assert (answer.body, answer.field("connection")) == (b"ok", "close")
        assert await client.ended()
        assert await idle.ended()
        await asyncio.wait_for(draining, 2)
        assert time.monotonic() - began < 2


async def test_what_takes_too_long_is_cut() -> None:
    async with running_edge(limits=QUICK) as edge, raw_client(edge.port) as client:
        held: list[Exchange] = []
        edge.line = held.append
        client.send(GET)
        while not held:
            await asyncio.sleep(0.01)
        await asyncio.wait_for(edge.server.drain(0.2), 2)
        assert await client.ended()
        while edge.server.open_connections:
            await asyncio.sleep(0.01)
        assert held[0].gone


async def test_under_load_no_request_is_lost() -> None:
    """Every request that was sent gets its answer; the answer says that the connection ends."""
    lost: list[BaseException] = []
    served = 0

    async def brief(visit: Visit) -> None:
        while True:
            await visit.request()
            await asyncio.sleep(0.01)
            await visit.send(OK)

    async def client(port: int) -> None:
        nonlocal served
        async with raw_client(port) as raw:
            while True:
                try:
                    answer = await raw.ask(GET)
                except (ConnectionError, asyncio.IncompleteReadError) as fault:
                    lost.append(fault)
                    return
                served += 1
                assert answer.status == 200
                if answer.field("connection") == "close":
                    return

    async with scripted_upstream(brief) as upstream, running_edge(upstream.url, QUICK) as edge:
        clients = [asyncio.create_task(client(edge.port)) for _ in range(30)]
        while served < 100:
            await asyncio.sleep(0.01)
        await asyncio.wait_for(edge.server.drain(5.0), 10)
        await asyncio.gather(*clients)
        assert lost == []
        assert served == len(upstream.arrived)

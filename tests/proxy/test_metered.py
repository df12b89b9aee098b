"""The whole line with several services behind one API: a call is counted once, however often it was tried."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from gateway.catalog.model import Balancing, Environment
from gateway.catalog.model import Upstream as Place
from gateway.edge.server import EdgeServer
from tests.gateway.line_of_one import Stand, reference, rows, standing
from tests.line_support.raw_client import RawClient, raw_client
from tests.line_support.scripted_upstream import OK, Visit, answering, scripted_upstream
from tests.proxy.groups import closed_port


@asynccontextmanager
async def line_to(folder: Path, *urls: str) -> AsyncIterator[tuple[Stand, RawClient]]:
    """The line on a socket, its API's sandbox at these addresses; the first call goes to the first."""
    async with standing(folder) as stand:
        catalog = reference()
        api = catalog.apis["eko/v1"]
        places = tuple(Place(url) for url in urls)
        changed = replace(api, upstreams={Environment.SANDBOX: places}, balancing=Balancing())
        stand.use(rows(stand.mint), replace(catalog, apis={**catalog.apis, "eko/v1": changed}))
        assert stand.snapshot is not None
        route = stand.snapshot.routes.find("GET", "/eko/v1/echo")
        for member in stand.line.upstreams.of(route.upstreams["sandbox"]).members:
            member.current = 0.0
        server = EdgeServer(stand.line, lambda fault, unread: (500, [], fault.code.encode()))
        port = await server.start("127.0.0.1", 0)
        try:
            async with raw_client(port) as client:
                yield stand, client
        finally:
            stand.line.upstreams.close()
            await server.drain(0.0)
            await asyncio.sleep(0)


def call(stand: Stand, method: str = "GET") -> bytes:
    return f"{method} /eko/v1/echo HTTP/1.1\r\nHost: localhost\r\nAuthorization: {stand.token()}\r\n\r\n".encode()


async def hanging_up(visit: Visit) -> None:
    await visit.request()


async def test_a_call_that_found_its_second_service_is_one_call(tmp_path: Path) -> None:
    async with (
        scripted_upstream(answering(OK)) as sound,
        line_to(tmp_path, f"http://127.0.0.1:{closed_port()}", sound.url) as (stand, client),
    ):
        assert (await client.ask(call(stand))).status == 200
        assert stand.counters.said == ["take 1", "sent", "keep"]
        assert [(record.status, record.outcome) for record in stand.records] == [(200, "served")]


async def test_a_call_that_was_sent_twice_is_one_call(tmp_path: Path) -> None:
    async with (
        scripted_upstream(hanging_up) as bad,
        scripted_upstream(answering(OK)) as sound,
        line_to(tmp_path, bad.url, sound.url) as (stand, client),
    ):
        assert (await client.ask(call(stand))).status == 200
        assert (len(bad.arrived), len(sound.arrived)) == (1, 1)
        assert stand.counters.said == ["take 1", "sent", "sent", "keep"]
        [total] = stand.counters.totals()
        assert (total.calls, total.units) == (1, 1)


async def test_a_call_that_failed_everywhere_costs_nothing(tmp_path: Path) -> None:
    async with (
        scripted_upstream(hanging_up) as bad,
        scripted_upstream(hanging_up) as worse,
        line_to(tmp_path, bad.url, worse.url) as (stand, client),
    ):
        answer = await client.ask(call(stand))
        assert answer.status == 502
        assert stand.counters.said == ["take 1", "sent", "sent", "give back"]
        assert [(record.status, record.code) for record in stand.records] == [(502, "upstream-unreachable")]

"""A service's name: asked again in time, all addresses in turn, nothing forgotten on an error, none forbidden used."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import pytest

from gateway.catalog.source.reserved import address_of, why_reserved
from gateway.edge.clock import Clock
from gateway.edge.errors import UpstreamForbidden
from gateway.edge.limits import EdgeLimits
from gateway.proxy.address import Address
from gateway.proxy.dialling.dialler import Dialler
from gateway.proxy.dialling.names import AGAIN_SECONDS, PERIOD_SECONDS, Names, Target
from gateway.proxy.pool import PoolLimits, Upstream
from gateway.proxy.response import AnswerReader
from tests.line_support.raw_client import raw_client
from tests.line_support.running_edge import TestEdge, running_edge
from tests.line_support.scripted_upstream import OK, ScriptedUpstream, Visit, answering, scripted_upstream
from tests.proxy.groups import closed_port

GET = b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n"


class Told:
    """A resolver that answers what the test says; an exception is raised."""

    def __init__(self, *hosts: str) -> None:
        self.hosts: Sequence[str] | OSError = hosts
        self.asked = 0
        self.news = asyncio.Event()

    async def __call__(self, host: str, port: int) -> Sequence[Target]:
        self.asked += 1
        self.news.set()
        if isinstance(self.hosts, OSError):
            raise self.hosts
        return [Target(socket.AF_INET6 if ":" in each else socket.AF_INET, each, port) for each in self.hosts]

    async def wait(self, asked: int) -> None:
        async with asyncio.timeout(10):
            while self.asked < asked:
                self.news.clear()
                await self.news.wait()
        await asyncio.sleep(0)


def made(told: Told, port: int, period: float = PERIOD_SECONDS) -> Callable[[Clock], Upstream]:
    def make(clock: Clock) -> Upstream:
        address = Address.parse(f"http://service.test:{port}")
        names = Names(address.host, address.port, clock, told, period=period)
        return Upstream(
            f"http://service.test:{port}",
            clock,
            AnswerReader(),
            PoolLimits(idle_seconds=60.0),
            Dialler(address, clock, names=names),
        )

    return make


@asynccontextmanager
async def named(told: Told, port: int, period: float = PERIOD_SECONDS) -> AsyncIterator[TestEdge]:
    async with running_edge(limits=EdgeLimits(tick_seconds=0.02), made=made(told, port, period)) as edge:
        yield edge


async def test_a_moved_service_is_found_and_its_old_place_left() -> None:
    """Two real addresses, 127.0.0.1 and 127.0.0.2; the connection to the first is not used again."""
    told = Told("127.0.0.1")
    async with (
        scripted_upstream(answering(OK)) as old,
        scripted_upstream(answering(OK), host="127.0.0.2", port=old.port) as new,
        named(told, old.port, period=0.05) as edge,
        raw_client(edge.port) as client,
    ):
        assert (await client.ask(GET)).status == 200
        assert edge.upstream.idle_connections == 1
        told.hosts = ["127.0.0.2"]
        await asyncio.wait_for(old.ended.wait(), 10)
        assert edge.upstream.idle_connections == 0
        assert (await client.ask(GET)).status == 200
        assert (len(old.arrived), len(new.arrived)) == (1, 1)
        assert new.arrived[0].values("host") == [f"service.test:{old.port}"]


async def test_a_call_under_way_ends_where_it_began() -> None:
    told = Told("127.0.0.1")
    go_on = asyncio.Event()

    async def slow(visit: Visit) -> None:
        await visit.request()
        await go_on.wait()
        await visit.send(OK)
        assert await visit.reader.read() == b""

    async with (
        scripted_upstream(slow) as old,
        named(told, old.port, period=0.05) as edge,
        raw_client(edge.port) as client,
    ):
        client.send(GET)
        await asyncio.wait_for(old.news.wait(), 10)
        told.hosts = ["127.0.0.2"]
        while not all(connection.leaving for connection in edge.upstream._open):
            await asyncio.sleep(0.01)
        go_on.set()
        assert (await client.answer()).status == 200
        await asyncio.wait_for(old.ended.wait(), 10)


async def test_a_name_that_is_not_found_keeps_its_last_addresses() -> None:
    told = Told("127.0.0.1")
    async with (
        scripted_upstream(answering(OK)) as upstream,
        named(told, upstream.port, 0.05) as edge,
        raw_client(edge.port) as client,
    ):
        assert (await client.ask(GET)).status == 200
        told.hosts = socket.gaierror(socket.EAI_NONAME, "no such name")
        await told.wait(told.asked + 2)
        edge.upstream._drop_idle(lambda connection: True)
        assert (await client.ask(GET)).status == 200
        assert upstream.visits == 2


async def test_a_name_that_was_never_found_is_an_unreachable_service() -> None:
    told = Told()
    async with named(told, 80) as edge, raw_client(edge.port) as client:
        answer = await client.ask(GET)
        assert (answer.status, answer.body) == (502, b"upstream-unreachable")
        told.hosts = socket.gaierror(socket.EAI_NONAME, "no such name")
        assert (await client.ask(GET)).body == b"upstream-unreachable"


async def test_all_addresses_serve_in_turn_and_a_dead_one_costs_no_error() -> None:
    told = Told("127.0.0.1", "127.0.0.2", "127.0.0.3")
    served: list[int] = []

    async def once(visit: Visit) -> None:
        await visit.request()
        served.append(visit.upstream.port)
        await visit.send(OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))

    port = closed_port()
    async with (
        scripted_upstream(once, port=port) as first,
        scripted_upstream(once, host="127.0.0.3", port=port) as third,
        named(told, port) as edge,
        raw_client(edge.port) as client,
    ):
        for _ in range(12):
            assert (await client.ask(GET)).status == 200
        assert min(first.visits, third.visits) >= 3
        assert edge.upstream.circuit.failures == 0


async def test_an_address_that_does_not_answer_does_not_hold_up_the_next() -> None:
    """RFC 8305: the second joins after a moment; the full backlog of the first never answers."""
    with socket.socket() as hole:
        hole.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        hole.bind(("127.0.0.1", 0))
        hole.listen(0)
        port = hole.getsockname()[1]
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
        try:
            told = Told("127.0.0.2", "127.0.0.1")
            async with (
                scripted_upstream(answering(OK), host="127.0.0.2", port=port) as sound,
                named(told, port) as edge,
                raw_client(edge.port) as client,
            ):
                edge.terms["connect_timeout"] = 30.0
                for _ in range(3):
                    assert (await client.ask(GET)).status == 200
                    edge.upstream._drop_idle(lambda connection: True)
                assert sound.visits == 3
        finally:
            for filler in fillers:
                filler.close()


async def test_a_failure_asks_the_name_again_but_not_without_end() -> None:
    clock = Clock()
    told = Told("127.0.0.1")
    names = Names("service.test", 80, clock, told)
    [target] = await names.targets()
    for _ in range(5):
        names.failed(target)
        await asyncio.sleep(0)
    assert told.asked == 1
    clock.advance(clock.now + AGAIN_SECONDS, 0.0)
    for _ in range(5):
        names.failed(target)
        await asyncio.sleep(0)
    assert told.asked == 2
    await names.close()


async def test_an_address_itself_is_never_looked_up() -> None:
    told = Told("10.0.0.1")
    names = Names("127.0.0.1", 80, Clock(), told)
    assert [target.host for target in await names.targets()] == ["127.0.0.1"]
    names.refresh()
    names.sweep(1e9)
    assert told.asked == 0


# --- where no call is led (T29)


@pytest.mark.parametrize(
    "host",
    [
        "169.254.169.254", "169.254.0.1", "2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "169.254.43518",
        "::ffff:169.254.169.254", "::ffff:a9fe:a9fe", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1", "::a9fe:a9fe",
        "fe80::1", "fe80::1%eth0", "fd00:ec2::254", "100.100.100.200", "0.0.0.0", "0", "::", "224.0.0.1", "ff02::1",
        "255.255.255.255", "0.1.2.3",
    ],
)  # fmt: skip
def test_addresses_that_are_nobodys_service(host: str) -> None:
    address = address_of(host)
    assert address is not None
    assert why_reserved(address)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "10.1.2.3", "192.168.1.1", "172.16.0.1", "::1", "fd12::1", "8.8.8.8"]
)
def test_addresses_a_service_may_have(host: str) -> None:
    address = address_of(host)
    assert address is not None
    assert why_reserved(address) == ""


@pytest.mark.parametrize("host", ["service.test", "localhost", "a.169.254.169.254.example"])
def test_names_are_no_addresses(host: str) -> None:
    assert address_of(host) is None


@pytest.mark.parametrize("host", ["169.254.169.254", "fe80::1", "127.0.0.1"])
async def test_a_name_that_leads_to_a_forbidden_address_is_refused(host: str) -> None:
    """T29, by DNS: judged each time it is used, and the connection is made to what was judged."""
    names = Names("service.test", 8081, Clock(), Told(host), own_ports=frozenset({8081}))
    with pytest.raises(UpstreamForbidden):
        await names.targets()


async def test_rebinding_gains_nothing() -> None:
    """First a sound address, then the metadata service: the second answer is refused, not followed."""
    told = Told("127.0.0.1")
    async with (
        scripted_upstream(answering(OK)) as upstream,
        named(told, upstream.port, 0.05) as edge,
        raw_client(edge.port) as client,
    ):
        assert (await client.ask(GET)).status == 200
        told.hosts = ["169.254.169.254"]
        await asyncio.wait_for(upstream.ended.wait(), 10)
        answer = await client.ask(GET)
        assert (answer.status, answer.body) == (502, b"upstream-forbidden")


async def test_of_several_addresses_only_the_allowed_are_used() -> None:
    names = Names("service.test", 80, Clock(), Told("169.254.169.254", "10.0.0.1"))
    assert [target.host for target in await names.targets()] == ["10.0.0.1"]


async def test_localhost_is_resolved_for_real() -> None:
    upstream = ScriptedUpstream(answering(OK))
    server = await asyncio.start_server(upstream.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with running_edge(f"http://localhost:{port}") as edge, raw_client(edge.port) as client:
        assert (await client.ask(GET)).status == 200
    server.close()

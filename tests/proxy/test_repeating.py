"""What is sent a second time, to whom, and what never is (F7, H33). Counted at the upstreams."""

from __future__ import annotations

import asyncio
import socket

import pytest

from gateway.catalog.model import Balancing
from gateway.edge.errors import UpstreamTimeout, UpstreamUnreachable
from gateway.edge.limits import EdgeLimits
from gateway.proxy.budget import RetryLimits
from gateway.proxy.circuit import State
from gateway.proxy.outlier import OutlierLimits
from gateway.proxy.pool import PoolLimits
from tests.line_support.raw_client import raw_client
from tests.line_support.running_edge import running_edge
from tests.line_support.scripted_upstream import OK, Visit, answering, scripted_upstream
from tests.proxy.groups import among, closed_port

TICK = EdgeLimits(tick_seconds=0.02)
NO_BUDGET = RetryLimits(share=0.0, per_second=0.0, most=0.0)


def asking(method: str, body: bytes = b"") -> bytes:
    length = b"Content-Length: %d\r\n" % len(body) if body else b""
    return b"%b /a HTTP/1.1\r\nHost: a\r\n%b\r\n%b" % (method.encode(), length, body)


async def hanging_up(visit: Visit) -> None:
    """Takes the request and closes without a byte."""
    await visit.request()


@pytest.mark.parametrize(
    ("method", "body"), [("GET", b""), ("POST", b"hello"), ("PUT", b"hello"), ("DELETE", b"")]
)
async def test_where_nothing_was_sent_another_takes_any_call(method: str, body: bytes) -> None:
    """The way to the first is closed: not a byte of the call has left, so nothing can be done twice."""
    async with (
        scripted_upstream(answering(OK)) as sound,
        running_edge(f"http://127.0.0.1:{closed_port()}", group=among(sound.url)) as edge,
        raw_client(edge.port) as client,
    ):
        answer = await client.ask(asking(method, body))
        assert (answer.status, answer.body) == (200, b"ok")
        assert [each.body for each in sound.arrived] == [body]
        ending = await edge.ending()
        assert ending.fault is None
        assert ending.bytes_in == len(body)
        assert edge.upstream.failures_total == 1


@pytest.mark.parametrize(
    ("method", "status", "arrived"), [("GET", 200, 1), ("HEAD", 200, 1), ("OPTIONS", 200, 1), ("POST", 502, 0),
                                      ("PUT", 502, 0), ("DELETE", 502, 0), ("PATCH", 502, 0)]
)  # fmt: skip
async def test_once_sent_only_a_safe_method_goes_to_another(method: str, status: int, arrived: int) -> None:
    """F7: DELETE and PUT are idempotent, but the second answer of a deletion is not the first one's."""
    async with (
        scripted_upstream(hanging_up) as bad,
        scripted_upstream(answering(OK)) as sound,
        running_edge(bad.url, group=among(sound.url)) as edge,
        raw_client(edge.port) as client,
    ):
        assert (await client.ask(asking(method), method)).status == status
        assert (len(bad.arrived), len(sound.arrived)) == (1, arrived)


async def test_a_call_with_a_body_is_not_sent_twice() -> None:
    async with (
        scripted_upstream(hanging_up) as bad,
        scripted_upstream(answering(OK)) as sound,
        running_edge(bad.url, group=among(sound.url)) as edge,
        raw_client(edge.port) as client,
    ):
        assert (await client.ask(asking("GET", b"body"))).status == 502
        assert (len(bad.arrived), len(sound.arrived)) == (1, 0)


async def test_one_byte_of_an_answer_is_enough_not_to_repeat() -> None:
    async def one_byte(visit: Visit) -> None:
        await visit.request()
        await visit.send(b"H")

    async with (
        scripted_upstream(one_byte) as bad,
        scripted_upstream(answering(OK)) as sound,
        running_edge(bad.url, group=among(sound.url)) as edge,
        raw_client(edge.port) as client,
    ):
        answer = await client.ask(asking("GET"))
        assert (answer.status, answer.body) == (502, b"bad-upstream-answer")
        assert sound.arrived == []


async def test_a_slow_answer_is_not_repeated() -> None:
    """F7: 504 within the route's own time; a second upstream would only be made slow as well."""

    async def silent(visit: Visit) -> None:
        await visit.request()
        await visit.reader.read()

    async with (
        scripted_upstream(silent) as slow,
        scripted_upstream(answering(OK)) as sound,
        running_edge(slow.url, TICK, group=among(sound.url), first_byte_timeout=0.2) as edge,
        raw_client(edge.port) as client,
    ):
        assert (await client.ask(asking("GET"))).status == 504
        assert isinstance((await edge.ending()).fault, UpstreamTimeout)
        assert (len(slow.arrived), len(sound.arrived)) == (1, 0)


async def test_a_way_that_leads_nowhere_is_left_for_another() -> None:
    """SYN without an answer: a listening socket whose backlog is full. Another takes the call after ``connect``."""
    with socket.socket() as hole:
        hole.bind(("127.0.0.1", 0))
        hole.listen(0)
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(hole.getsockname())
        try:
            async with (
                scripted_upstream(answering(OK)) as sound,
                running_edge(
                    f"http://127.0.0.1:{hole.getsockname()[1]}",
                    TICK,
                    group=among(sound.url),
                    connect_timeout=0.3,
                ) as edge,
                raw_client(edge.port) as client,
            ):
                assert (await client.ask(asking("POST", b"x"))).status == 200
                assert edge.upstream.failures_total == 1
                assert edge.upstream.waiting_callers == 0
                edge.group = None
                assert (await client.ask(asking("GET"))).status == 504
        finally:
            for filler in fillers:
                filler.close()


async def test_a_full_queue_sends_the_next_call_to_another() -> None:
    async def silent(visit: Visit) -> None:
        await visit.request()
        await visit.reader.read()

    async with (
        scripted_upstream(silent) as slow,
        scripted_upstream(answering(OK)) as sound,
        running_edge(
            slow.url, TICK, pool=PoolLimits(connections=1, waiting=0), group=among(sound.url)
        ) as edge,
        raw_client(edge.port) as first,
    ):
        answer = await first.ask(asking("GET"))
        assert answer.status == 200
        assert (len(slow.arrived), len(sound.arrived)) == (0, 1)
        assert edge.upstream.circuit.failures == 0


async def test_attempts_end() -> None:
    urls = [f"http://127.0.0.1:{closed_port()}" for _ in range(4)]
    async with (
        running_edge(urls[0], group=among(*urls[1:], balancing=Balancing(attempts=3))) as edge,
        raw_client(edge.port) as client,
    ):
        answer = await client.ask(asking("GET"))
        assert (answer.status, answer.body) == (502, b"upstream-unreachable")
        ending = await edge.ending()
        assert isinstance(ending.fault, UpstreamUnreachable)
        assert not ending.upstream_reached
        assert edge.group is not None
        assert sum(member.pool.failures_total for member in edge.group.members) == 3


async def test_without_budget_nothing_is_repeated() -> None:
    async with (
        scripted_upstream(hanging_up) as bad,
        scripted_upstream(answering(OK)) as sound,
        running_edge(bad.url, group=among(sound.url, retry=NO_BUDGET)) as edge,
        raw_client(edge.port) as client,
    ):
        assert (await client.ask(asking("GET"))).status == 502
        assert (len(bad.arrived), len(sound.arrived)) == (1, 0)


async def test_a_service_that_fails_altogether_is_not_asked_twice_for_everything() -> None:
    """The budget: a hundred calls that fail at both make a fifth more and what was saved, not a hundred."""
    never = PoolLimits(failures=10_000)
    async with (
        scripted_upstream(hanging_up) as bad,
        scripted_upstream(hanging_up) as worse,
        running_edge(
            bad.url, pool=never, group=among(worse.url, pool=never, retry=RetryLimits(0.2, 0.0, 5.0))
        ) as edge,
        raw_client(edge.port) as client,
    ):
        for _ in range(100):
            assert (await client.ask(asking("GET"))).status == 502
        assert 110 <= len(bad.arrived) + len(worse.arrived) <= 132


async def test_the_circuit_of_one_leaves_the_other_alone() -> None:
    """F8: within K failures the bad one is left in peace; nobody notices, whatever the method."""
    async with (
        scripted_upstream(answering(OK)) as sound,
        running_edge(
            f"http://127.0.0.1:{closed_port()}",
            pool=PoolLimits(failures=3, rest_seconds=60.0),
            group=among(sound.url),
        ) as edge,
        raw_client(edge.port) as client,
    ):
        for _ in range(20):
            assert (await client.ask(asking("POST", b"x"))).status == 200
        assert edge.upstream.circuit.state is State.OPEN
        assert edge.upstream.failures_total == 3
        assert len(sound.arrived) == 20
        assert edge.group is not None
        assert edge.group.members[1].pool.circuit.failures == 0


async def test_one_that_flaps_is_left_out() -> None:
    """It answers every second call with 500: its answers are passed on, and soon it gets no calls."""

    async def flapping(visit: Visit) -> None:
        while True:
            await visit.request()
            good = len(visit.upstream.arrived) % 2
            await visit.send(OK if good else b"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n")

    outlier = OutlierLimits(review_seconds=0.05, calls=4, seconds=600.0, longest=600.0)
    async with (
        scripted_upstream(flapping) as bad,
        scripted_upstream(answering(OK)) as sound,
        running_edge(bad.url, TICK, group=among(sound.url, outlier=outlier)) as edge,
        raw_client(edge.port) as client,
    ):
        assert edge.group is not None
        async with asyncio.timeout(20):
            while edge.upstream not in edge.group.left_out():
                assert (await client.ask(asking("GET"))).status in (200, 500)
        before = len(bad.arrived)
        for _ in range(20):
            assert (await client.ask(asking("GET"))).status == 200
        assert len(bad.arrived) == before


async def test_kept_connections_that_close_cost_nobody_an_error() -> None:
    """A service that is started anew closes what was idle; the calls that met that are repeated."""

    async def once(visit: Visit) -> None:
        await visit.request()
        await visit.send(OK)
        await visit.request()

    async with (
        scripted_upstream(once) as upstream,
        running_edge(upstream.url, group=among()) as edge,
        raw_client(edge.port) as client,
    ):
        for _ in range(6):
            assert (await client.ask(asking("GET"))).status == 200
        assert edge.group is not None
        assert edge.group.repeated_total == 5
        assert edge.upstream.circuit.failures == 0

"""Health checks: the table, the asking over real sockets, what an operator sees of it."""

from __future__ import annotations

import asyncio
import itertools
import logging
from dataclasses import replace

import pytest

from gateway.catalog.model import Balancing, Environment, HealthCheck
from gateway.catalog.model import Upstream as Place
from gateway.edge.clock import Clock
from gateway.proxy.checker import Checker, visit
from gateway.proxy.figures import families
from gateway.proxy.group import Choice
from gateway.proxy.health import NEXT, Event, Health, State
from gateway.proxy.pool import Upstream
from gateway.proxy.response import AnswerReader
from gateway.proxy.upstreams import Pools, Upstreams
from tests.gateway.line_of_one import reference
from tests.line_support.scripted_upstream import OK, Visit, answering, scripted_upstream
from tests.portal.documents import code, page, table
from tests.proxy.groups import closed_port

CHECK = HealthCheck("/health", interval=10.0, timeout=5.0, unhealthy=3, healthy=2)


def test_every_cell_of_the_table() -> None:
    assert set(NEXT) == set(itertools.product(State, Event))
    health = Health(unhealthy=3, healthy=2)
    told = [health.failed(), health.failed(), health.passed(), health.failed(), health.failed()]
    assert told == [False] * 5
    assert health.failed()
    assert not health.failed()
    told = [health.passed(), health.failed(), health.passed()]
    assert told == [False] * 3
    assert health.passed()
    assert not health.passed()


def pool_of(url: str) -> Upstream:
    return Upstream(url, Clock(), AnswerReader())


@pytest.mark.parametrize(
    ("answer", "wrong"),
    [
        (OK, ""),
        (b"HTTP/1.1 103 Early Hints\r\n\r\n" + OK, ""),
        (b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n", "status 503"),
        (b"HTTP/1.1 301 No\r\nLocation: /\r\nContent-Length: 0\r\n\r\n", "status 301"),
        (b"ready\r\n\r\n", "bad-upstream-answer: status line"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" * 20, "only interim answers"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000, "Separator is not found, and chunk exceed the limit"),
        (b"HTTP", "4 bytes read on a total of undefined expected bytes"),
    ],
)
async def test_what_a_service_says_of_itself(answer: bytes, wrong: str) -> None:
    async def once(arrived: Visit) -> None:
        await arrived.request()
        await arrived.send(answer)

    async with scripted_upstream(once) as upstream:
        assert await visit(pool_of(f"{upstream.url}/base"), 5.0, CHECK) == wrong
        [request] = upstream.arrived
        assert request.line == b"GET /base/health HTTP/1.1"
        assert request.values("host") == [upstream.url.removeprefix("http://")]
        assert request.values("connection") == ["close"]


async def test_a_service_that_says_nothing() -> None:
    async def silent(arrived: Visit) -> None:
        await arrived.request()
        await arrived.reader.read()

    async with scripted_upstream(silent) as upstream:
        assert await visit(pool_of(upstream.url), 0.1, CHECK) == "no answer in 0.1 s"
        assert await visit(pool_of(upstream.url), 5.0, None) == ""
        await asyncio.wait_for(upstream.ended.wait(), 10)
    assert await visit(pool_of(f"http://127.0.0.1:{closed_port()}"), 5.0, CHECK) != ""


class Steps:
    """Sleeps that end when the test says so."""

    def __init__(self) -> None:
        self.slept: list[float] = []
        self._sleeping, self._go_on = asyncio.Event(), asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self._sleeping.set()
        await self._go_on.wait()
        self._go_on.clear()

    async def step(self) -> None:
        """Until the checker sleeps again."""
        await asyncio.wait_for(self._sleeping.wait(), 10)
        self._sleeping.clear()
        self._go_on.set()
        await asyncio.wait_for(self._sleeping.wait(), 10)


async def test_an_ill_service_is_left_out_and_comes_back(caplog: pytest.LogCaptureFixture) -> None:
    bad = b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"
    steps, clock = Steps(), Clock()
    async with scripted_upstream(answering(bad, bad, bad, bad, OK, OK, OK)) as upstream:
        pool = Upstream(upstream.url, clock, AnswerReader())
        checker = Checker(pool, CHECK, lambda: clock.now, steps.sleep, lambda: 0.5)
        with caplog.at_level(logging.WARNING, "sluss.upstream"):
            checker.start()
            seen = []
            for _ in range(7):
                await steps.step()
                seen.append(pool.healthy)
            checker.stop()
        assert seen == [True, True, False, False, False, True, True]
        assert steps.slept[:2] == [5.0, 10.0], "the first at a moment of its own, then at every interval"
        assert [record.getMessage().partition(": ")[2] for record in caplog.records] == [
            "fails its health checks: status 500", "passes its health checks again",
        ]  # fmt: skip
        assert pool.circuit.failures == 0


async def test_checks_follow_the_catalogue() -> None:
    async with scripted_upstream(answering(OK)) as upstream:
        clock = Clock()
        ours = Upstreams("http://127.0.0.1:1", Pools(clock, AnswerReader()), clock)
        catalog = reference()
        api = catalog.apis["eko/v1"]
        check = replace(CHECK, interval=0.01)
        checked = replace(api, upstreams={Environment.SANDBOX: (Place(upstream.url, health=check),)})
        ours.follow(replace(catalog, apis={"eko/v1": checked}))
        await asyncio.wait_for(upstream.news.wait(), 10)
        ours.follow(replace(catalog, apis={"eko/v1": checked}))
        assert len(ours._checkers) == 1
        ours.follow(catalog)
        assert not ours._checkers
        ours.close()


def test_the_figures_of_upstreams() -> None:
    clock = Clock()
    ours = Upstreams("http://127.0.0.1:1", Pools(clock, AnswerReader()), clock)
    one, two = Place("http://127.0.0.1:9001"), Place("http://127.0.0.1:9002/base")
    group = ours.of(Choice((one, two), Balancing()))
    twin = ours.of(Choice((replace(one, connections=5),), Balancing())).pick()
    first, second = (member.pool for member in group.members)
    first.healthy, first.errors_total, twin.errors_total, second.reused_total = False, 2, 3, 7
    group.members[1].left_out_until = clock.now + 10.0
    values = {
        (sample.name, sample.labels.get("upstream", "")): sample.value
        for family in families(ours)
        for sample in family.samples
    }
    assert values["sluss_upstream_healthy", one.url] == 0
    assert values["sluss_upstream_healthy", two.url] == 1
    assert values["sluss_upstream_errors_total", one.url] == 5
    assert values["sluss_upstream_calls_total", two.url] == 7
    assert values["sluss_upstream_left_out", two.url] == 1
    assert values["sluss_upstream_circuit", one.url] == 0
    assert values["sluss_repeated_calls_total", ""] == 0
    assert len({url for _, url in values}) == 4


@pytest.mark.parametrize("language", ["sv", "en"])
def test_every_figure_stands_in_the_manual(language: str) -> None:
    clock = Clock()
    made = families(Upstreams("http://127.0.0.1:1", Pools(clock, AnswerReader()), clock))
    rows = table(page(language, "operate/index.md"), "upstreams")
    assert {code(row[0])[0] for row in rows} == {family.name for family in made}

"""Equal calls at the same time: one goes to the service. What the others get, and how long they wait at most."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from gateway.cache import equals
from gateway.cache.store import Store
from gateway.catalog.answers.values import Answers, Caching, Shared
from storage.apps import App
from storage.subscriptions import Subscription
from tests.gateway.line_of_one import APP, SUBSCRIPTION, rows
from tests.gateway.served import Served
from tests.line_support.raw_client import RawAnswer
from tests.line_support.scripted_upstream import Visit

OPEN = Answers(cache=Caching(Shared.EVERYONE))
OURS = Answers(cache=Caching(Shared.ORGANISATION))
HERE = "/eko/v1/echo"
KEPT = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nCache-Control: public, max-age=600\r\n\r\nkept"
UNKEPT = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nCache-Control: no-store\r\n\r\nown"
OTHER_APP = App("app_3", "org_2", "Other", "sandbox", "sluss_app_3", "active", 0, 0)


class Gate:
    """An upstream that answers when it is opened: each request's answer is `head`, then what `rest` has."""

    def __init__(self, line: Served, head: bytes, rest: bytes = b"") -> None:
        self.opened = asyncio.Event()
        self.finished = asyncio.Event()
        self._head, self._rest = head, rest
        line.script = self.visited
        if not rest:
            self.finished.set()

    async def visited(self, visit: Visit) -> None:
        while True:
            await visit.request()
            await self.opened.wait()
            await visit.send(self._head)
            await self.finished.wait()
            if self._rest:
                await visit.send(self._rest)


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not true():
            await asyncio.sleep(0.001)


@pytest.fixture
def cache(line: Served) -> Store:
    return line.stand.line.cache


def start(line: Served, count: int, **fields: Any) -> list[asyncio.Task[RawAnswer]]:
    return [asyncio.create_task(line.ask(HERE, **fields)) for _ in range(count)]


async def test_one_goes_to_the_service_and_each_is_counted(line: Served, cache: Store) -> None:
    line.publish(OPEN)
    gate = Gate(line, KEPT)
    calls = start(line, 5)
    await until(lambda: cache.equals.waiting == 4 and line.asked == 1)
    gate.opened.set()
    answers = await asyncio.gather(*calls)
    assert [answer.body for answer in answers] == [b"kept"] * 5
    how = sorted(answer.values("cache-status")[0].partition("; detail")[2] for answer in answers)
    assert how == ["", *["=collapsed"] * 4]
    assert line.asked == 1
    assert line.stand.counters.said.count("take 1") == 5
    assert line.stand.counters.said.count("keep") == 5
    assert {record.outcome for record in await line.recorded(5)} == {"served"}
    assert (cache.equals.waited, cache.equals.waiting, cache.misses, cache.hits) == (4, 0, 1, 4)


async def test_who_may_not_does_not_wait(line: Served, cache: Store) -> None:
    line.publish(OPEN)
    gate = Gate(line, KEPT)
    calls = start(line, 1)
    await until(lambda: line.asked == 1)
    assert (await line.ask(HERE, token=None)).status == 401
    assert (await line.ask(HERE, token=line.stand.token(scope="other"))).status == 403
    assert cache.equals.waiting == 0
    gate.opened.set()
    await asyncio.gather(*calls)


async def test_an_answer_that_is_not_kept_lets_all_go_at_its_head(line: Served, cache: Store) -> None:
    """The body of the first has not come: nobody waits for what will not help."""
    line.publish(OPEN)
    gate = Gate(line, UNKEPT[:-1], UNKEPT[-1:])
    calls = start(line, 4)
    await until(lambda: cache.equals.waiting == 3)
    gate.opened.set()
    await until(lambda: line.asked == 4)
    calls += start(line, 2)  # and for a while nobody waits there at all
    await until(lambda: line.asked == 6)
    assert cache.equals.waited == 3
    gate.finished.set()
    assert [answer.body for answer in await asyncio.gather(*calls)] == [b"own"] * 6


async def test_the_wait_ends_when_the_first_is_slow(
    line: Served, cache: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its client may read slowly to hold up all others."""
    monkeypatch.setattr(equals, "WAIT_SECONDS", 0.05)
    line.publish(OPEN)
    gate = Gate(line, KEPT[:-1], KEPT[-1:])
    gate.opened.set()
    calls = start(line, 3)
    await until(lambda: line.asked == 3)
    assert cache.equals.waiting == 0
    gate.finished.set()
    assert [answer.body for answer in await asyncio.gather(*calls)] == [b"kept"] * 3


async def test_a_first_one_whose_client_goes_holds_nobody_up(line: Served, cache: Store) -> None:
    line.publish(OPEN)
    gate = Gate(line, KEPT)
    async with line.client() as client:
        client.send(line.head(HERE))
        await until(lambda: line.asked == 1)
        calls = start(line, 2)
        await until(lambda: cache.equals.waiting == 2)
    await until(lambda: line.asked == 3)
    gate.opened.set()
    assert [answer.body for answer in await asyncio.gather(*calls)] == [b"kept"] * 2


async def test_a_waiting_client_that_goes_costs_nothing(line: Served, cache: Store) -> None:
    line.publish(OPEN)
    gate = Gate(line, KEPT)
    calls = start(line, 1)
    await until(lambda: line.asked == 1)
    async with line.client() as client:
        client.send(line.head(HERE))
        await until(lambda: cache.equals.waiting == 1)
    gate.opened.set()
    await asyncio.gather(*calls)
    records = await line.recorded(2)
    assert sorted(record.status for record in records) == [200, 499]
    assert line.stand.counters.said.count("give back") == 1


@pytest.mark.parametrize(
    "fields",
    [
        {"Cache_Control": "no-cache"},
        {"Cache_Control": "max-age=0"},
        {"Range": "bytes=0-1"},
        {"Accept": "a/b"},
    ],
    ids=str,
)
async def test_who_asks_for_something_else_does_not_wait(
    line: Served, cache: Store, fields: dict[str, str]
) -> None:
    line.publish(OPEN)
    gate = Gate(line, KEPT)
    calls = start(line, 1)
    await until(lambda: line.asked == 1)
    calls += start(line, 1, **fields)
    await until(lambda: line.asked == 2)
    assert cache.equals.waited == 0
    gate.opened.set()
    await asyncio.gather(*calls)


async def test_nobody_waits_for_a_request_by_which_a_service_might_answer(line: Served, cache: Store) -> None:
    line.publish(OPEN)
    gate = Gate(line, KEPT)
    calls = start(line, 1, X_Tenant="one")
    await until(lambda: line.asked == 1)
    calls += start(line, 1)
    await until(lambda: line.asked == 2)
    gate.opened.set()
    await asyncio.gather(*calls)
    assert cache.equals.waited == 0


async def test_organisations_wait_for_each_other_only_where_they_share(line: Served, cache: Store) -> None:
    line.publish(OURS)
    other = Subscription("sub_3", "org_2", "app_3", "eko/v1", "prova", 1, "active", 0, 0)
    known = replace(rows(line.stand.mint), apps=[APP, OTHER_APP], subscriptions=[SUBSCRIPTION, other])
    line.stand.use(known, line.catalog)
    gate = Gate(line, KEPT)
    calls = start(line, 1)
    await until(lambda: line.asked == 1)
    token = line.stand.token(sub="sluss_app_3", client_id="sluss_app_3", org="org_2", app="app_3")
    calls.append(asyncio.create_task(line.ask(HERE, token=token)))
    await until(lambda: line.asked == 2)
    gate.opened.set()
    await asyncio.gather(*calls)
    assert cache.equals.waited == 0


async def test_a_change_while_they_wait_sends_each_to_the_service(line: Served, cache: Store) -> None:
    line.publish(OPEN)
    gate = Gate(line, KEPT)
    calls = start(line, 3)
    await until(lambda: cache.equals.waiting == 2)
    cache.invalidate("eko/v1", HERE)
    gate.opened.set()
    assert [answer.body for answer in await asyncio.gather(*calls)] == [b"kept"] * 3
    assert line.asked == 3


async def test_so_many_wait_and_no_more(line: Served, cache: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(equals, "MOST_WAITING", 2)
    line.publish(OPEN)
    gate = Gate(line, KEPT)
    calls = start(line, 1)
    await until(lambda: line.asked == 1)
    calls += start(line, 5)
    await until(lambda: line.asked == 4)
    assert cache.equals.waiting == 2
    gate.opened.set()
    assert [answer.body for answer in await asyncio.gather(*calls)] == [b"kept"] * 6

"""Under every fault an upstream can have, a caller gets its own answer or none: never another's (H29 to H33, F7).

The upstreams here cut, delay, repeat, add and garble at random, with the number of the request in every byte they
send. What reaches a client is compared with what it asked.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter

import pytest

from gateway.catalog.model import Balancing
from gateway.edge.limits import EdgeLimits
from gateway.proxy.outlier import OutlierLimits
from gateway.proxy.pool import PoolLimits
from tests.line_support.raw_client import RawAnswer, RawClient, raw_client
from tests.line_support.running_edge import running_edge
from tests.line_support.scripted_upstream import Script, Visit, scripted_upstream
from tests.proxy.groups import among

CLIENTS, CALLS = 16, 20
ERRORS = {502, 503, 504}
POOL = PoolLimits(connections=12, idle=12, failures=10_000, idle_seconds=60.0)


def whole(number: bytes, pad: int) -> bytes:
    body = b"[%b]" % number * pad
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


def chunked(number: bytes, pad: int) -> bytes:
    chunk = b"[%b]" % number * pad
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(chunk), chunk)


def faulty(chance: random.Random, seen: Counter[bytes]) -> Script:
    """A script whose every connection errs in its own way."""

    async def in_pieces(visit: Visit, data: bytes) -> None:
        cut = sorted(chance.sample(range(len(data) + 1), 3))
        for start, end in zip([0, *cut], [*cut, len(data)], strict=True):
            await visit.send(data[start:end])
            await asyncio.sleep(0)

    async def script(visit: Visit) -> None:
        while True:
            arrived = await visit.request()
            method, path = arrived.line.split(b" ")[:2]
            number = path.rpartition(b"/")[2]
            seen[number] += 1
            assert method != b"POST" or arrived.body == b"[%b]" % number
            good = chance.choice((whole, chunked))(number, chance.choice((1, 50, 3000)))
            fault = chance.randrange(14)
            if fault == 0:
                return  # not a byte
            if fault == 1:
                await visit.send(good[: chance.randrange(1, len(good))])
                return
            if fault == 2:  # a second answer nobody asked for
                await visit.send(good + whole(b"stray", 1))
            elif fault == 3:  # the same, in two writes
                await visit.send(good)
                await visit.send(whole(b"stray", 1))
            elif fault == 4:
                await visit.send(b"\x00garbage\r\n\r\n" + good)
            elif fault == 5:  # after the caller's patience has ended
                await asyncio.sleep(0.3)
                await visit.send(good)
            elif fault == 6:
                await visit.send(b"HTTP/1.1 204 No Content\r\n\r\n" + good)
            elif fault == 7:
                await visit.send(
                    good.replace(b"\r\n\r\n", b"\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 1)
                )
            elif fault == 8:  # promises more than it has
                await visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n[%b]" % number)
                return
            elif fault == 9:
                await visit.send(good)
                return  # without a word about closing
            else:
                await in_pieces(visit, good)

    return script


def own(answer: RawAnswer, number: str) -> bool:
    """Is what came of the body this caller's, as far as it came?"""
    mark = f"[{number}]".encode()
    repeated = mark * (len(answer.body) // len(mark) + 1)
    return repeated.startswith(answer.body)


async def one_client(port: int, client: int, chance: random.Random, results: Counter[str]) -> None:
    for call in range(CALLS):
        number = f"{client}.{call}"
        post = chance.random() < 0.3
        body = f"[{number}]".encode() if post else b""
        head = f"{'POST' if post else 'GET'} /n/{number} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
        async with raw_client(port) as raw:
            raw.send(
                f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
                if post
                else f"{head}\r\n".encode()
            )
            answer = await _answered(raw)
            if answer is None:
                results["cut"] += 1
            elif answer.status == 200 or answer.status == 204:
                assert own(answer, number), (number, answer)
                assert b"stray" not in answer.body
                results["whole" if answer.whole else "cut"] += 1
            else:
                assert answer.status in ERRORS, answer
                results["error"] += 1


async def _answered(raw: RawClient) -> RawAnswer | None:
    try:
        answer = await raw.answer()
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    assert await raw.rest() == b"", "bytes after the answer"
    return answer


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_nobody_gets_anothers_answer(seed: int) -> None:
    chance, seen = random.Random(seed), Counter[bytes]()
    results: Counter[str] = Counter()
    script = faulty(chance, seen)
    async with (
        scripted_upstream(script) as first,
        scripted_upstream(script) as second,
        running_edge(
            first.url,
            EdgeLimits(tick_seconds=0.02),
            pool=POOL,
            group=among(
                second.url,
                pool=POOL,
                balancing=Balancing(attempts=3),
                outlier=OutlierLimits(review_seconds=0.05, calls=5, seconds=0.1, longest=0.1),
            ),
            first_byte_timeout=0.15,
            connect_timeout=10.0,
        ) as edge,
    ):
        await asyncio.gather(
            *(
                one_client(edge.port, client, random.Random(f"{seed} {client}"), results)
                for client in range(CLIENTS)
            )
        )
        assert edge.upstream.waiting_callers == 0
    assert results.total() == CLIENTS * CALLS
    assert results["whole"] > CLIENTS * CALLS / 4
    assert results["error"] > 0
    assert results["cut"] > 0


async def test_no_call_with_a_body_reaches_an_upstream_twice() -> None:
    """Counted there: whatever goes wrong, a POST arrives at most once over all upstreams."""
    chance, seen = random.Random(4), Counter[bytes]()
    script = faulty(chance, seen)
    async with (
        scripted_upstream(script) as first,
        scripted_upstream(script) as second,
        running_edge(
            first.url,
            EdgeLimits(tick_seconds=0.02),
            pool=POOL,
            group=among(second.url, pool=POOL, balancing=Balancing(attempts=5)),
            first_byte_timeout=0.15,
        ) as edge,
    ):
        for number in range(150):
            body = b"[%d]" % number
            async with raw_client(edge.port) as raw:
                raw.send(
                    b"POST /n/%d HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%b"
                    % (number, len(body), body)
                )
                await _first(raw)
    assert max(seen.values()) == 1


async def _first(raw: RawClient) -> None:
    try:
        await raw.answer()
    except (asyncio.IncompleteReadError, ConnectionError):
        return

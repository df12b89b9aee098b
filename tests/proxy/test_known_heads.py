"""An upstream's head that is its last one again is read as it would be anew; nothing else is taken for it."""

from __future__ import annotations

import pytest

from tests.line_support.raw_client import raw_client
from tests.line_support.running_edge import running_edge
from tests.line_support.scripted_upstream import Visit, scripted_upstream

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
HEAD = b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"
SAME = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nX-A: 1\r\nContent-Length: 2\r\n\r\n"


async def test_the_same_head_carries_each_its_own_body() -> None:
    bodies = [b"aa", b"bb", b"cc", b"dd"]

    async def script(visit: Visit) -> None:
        while True:
            await visit.request()
            await visit.send(SAME + bodies.pop(0))

    async with (
        scripted_upstream(script) as upstream,
        running_edge(upstream.url) as edge,
        raw_client(edge.port) as client,
    ):
        answers = [await client.ask(GET) for _ in range(4)]
    assert [answer.body for answer in answers] == [b"aa", b"bb", b"cc", b"dd"]
    assert len({answer.head.split(b"Date")[0] for answer in answers}) == 1
    assert all(answer.values("x-a") == ["1"] for answer in answers)


@pytest.mark.parametrize("cut", [1, 20, len(SAME) - 2, len(SAME) + 1])
async def test_the_same_head_in_pieces(cut: int) -> None:
    async def script(visit: Visit) -> None:
        while True:
            await visit.request()
            await visit.send((SAME + b"hi")[:cut])
            await visit.send((SAME + b"hi")[cut:])

    async with (
        scripted_upstream(script) as upstream,
        running_edge(upstream.url) as edge,
        raw_client(edge.port) as client,
    ):
        for _ in range(3):
            assert (await client.ask(GET)).body == b"hi"


async def test_a_head_that_was_an_answer_to_get_answers_head_without_a_body() -> None:
    """H25, H29: whether a body follows hangs on the request, and bytes after the answer end the connection."""

    async def script(visit: Visit) -> None:
        while True:
            arrived = await visit.request()
            await visit.send(SAME if arrived.line.startswith(b"HEAD") else SAME + b"hi")

    async with scripted_upstream(script) as upstream, running_edge(upstream.url) as edge:
        async with raw_client(edge.port) as client:
            assert (await client.ask(GET)).body == b"hi"
            assert (await client.ask(HEAD, "HEAD")).values("content-length") == ["2"]
            assert (await client.ask(GET)).body == b"hi"
        assert upstream.visits == 1


async def test_bytes_after_a_known_head_s_body_close_the_connection() -> None:
    """H29: also when the head was compared and not read."""

    async def script(visit: Visit) -> None:
        await visit.request()
        await visit.send(SAME + b"hi")
        await visit.request()
        await visit.send(SAME + b"hi" + SAME + b"no")

    async with scripted_upstream(script) as upstream, running_edge(upstream.url) as edge:
        async with raw_client(edge.port) as client:
            for _ in range(4):
                assert (await client.ask(GET)).body == b"hi"
        assert upstream.visits == 3, "after that each has its own"

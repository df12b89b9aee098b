"""A head that is the last one again is read as it would be anew; one that is anything else goes to the reader."""

from __future__ import annotations

import gc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.edge.exchange import Exchange
from gateway.edge.limits import EdgeLimits
from gateway.edge.peer import TrustedProxies
from gateway.edge.reader import RequestReader, take_head
from gateway.edge.repeat import LINES, LONGEST, LONGEST_LINE, LastHead, LastHeads
from gateway.edge.request import Request
from tests.line_support.raw_client import raw_client
from tests.line_support.running_edge import running_edge
from tests.line_support.scripted_upstream import OK, answering, scripted_upstream

TRACE = "traceparent: 00-92233156f622153fea17d0e7bca5dee9-76f0b4326c4b248f-01"
OTHER = "traceparent: 00-0123456789abcdef0123456789abcdef-0123456789abcdef-00"
BLOCK = [
    "Host: api.test", "Accept: application/json", "Authorization: Bearer one", "X-Forwarded-For: 9.9.9.9",
    "X-Forwarded-Proto: https", "Cookie: a=b", "Connection: keep-alive, x-mine", "X-Mine: 1", "Accept-Language: sv",
]  # fmt: skip
READER = RequestReader(EdgeLimits(), TrustedProxies(["10.0.0.0/8"]))
PEER = "10.0.0.1"


def head(line: str, *lines: str) -> bytes:
    return "\r\n".join([line, *lines, "", ""]).encode("latin-1")


def read(data: bytes) -> Request:
    taken = take_head(READER, data, 0, PEER, False)
    assert taken is not None
    assert taken[1] == b""
    return taken[0]


def kept(data: bytes) -> LastHead | None:
    return LastHeads(READER.limits).keep(data, read(data), PEER)


def known(data: bytes) -> LastHead:
    last = kept(data)
    assert last is not None
    return last


def meaning(request: Request) -> dict[str, object]:
    """Every attribute but the memory, which is about the connection."""
    return {name: getattr(request, name) for name in Request.__slots__ if name != "memory"}


@pytest.mark.parametrize("line", ["GET /a/b?c=d HTTP/1.1", "DELETE /v%C3%A5rd HTTP/1.1", "POST / HTTP/1.1"])
@pytest.mark.parametrize(
    "block", [BLOCK, [*BLOCK, TRACE], [TRACE, *BLOCK], ["Host: a.test", "Content-Length: 0"]]
)
def test_a_repeated_head_means_what_the_reader_says(line: str, block: list[str]) -> None:
    last = known(head("GET /first HTTP/1.1", *block))
    again = last.repeated(head(line, *block))
    assert again is not None
    assert meaning(again) == meaning(read(head(line, *block)))


def test_a_new_traceparent_is_still_a_repetition() -> None:
    last = known(head("GET / HTTP/1.1", "Host: a.test", TRACE, "X-A: 1"))
    again = last.repeated(head("GET / HTTP/1.1", "Host: a.test", OTHER, "X-A: 1"))
    assert again is not None
    assert again.traceparent == OTHER.partition(": ")[2].encode()
    assert last.repeated(head("GET / HTTP/1.1", "Host: b.test", OTHER, "X-A: 1")) is None
    assert last.repeated(head("GET / HTTP/1.1", "Host: a.test", OTHER.upper(), "X-A: 1")) is None
    assert last.repeated(head("GET / HTTP/1.1", "Host: a.test", OTHER[:-2] + "\r\n", "X-A: 1")) is None


def test_repeated_requests_share_one_memory_and_the_first_has_none() -> None:
    data = head("GET / HTTP/1.1", *BLOCK)
    first = read(data)
    assert first.memory is None
    last = LastHeads(READER.limits).keep(data, first, PEER)
    assert last is not None
    one, two = last.repeated(data), last.repeated(head("GET /other HTTP/1.1", *BLOCK))
    assert one is not None
    assert two is not None
    assert one.memory is not None
    assert one.memory is two.memory


def test_a_request_line_that_came_before_is_the_same_request_and_few_are_kept() -> None:
    last = known(head("GET /a HTTP/1.1", *BLOCK))
    first = last.repeated(head("GET /a HTTP/1.1", *BLOCK))
    assert first is not None
    assert last.repeated(head("GET /a HTTP/1.1", *BLOCK)) is first
    assert last.repeated(head("HEAD /a HTTP/1.1", *BLOCK)) is not first
    for number in range(LINES):
        other = last.repeated(head(f"GET /a/{number} HTTP/1.1", *BLOCK))
        assert other is not None
        assert other.path == f"/a/{number}"
    assert last.repeated(head("GET /a HTTP/1.1", *BLOCK)) is not first


def test_long_request_lines_are_read_each_time() -> None:
    last = known(head("GET /a HTTP/1.1", *BLOCK))
    for length, same in ((LONGEST_LINE, True), (LONGEST_LINE + 1, False)):
        line = "GET /" + "a" * (length - len("GET /")) + " HTTP/1.1"
        one, two = last.repeated(head(line, *BLOCK)), last.repeated(head(line, *BLOCK))
        assert one is not None
        assert (one is two) is same


def test_a_request_in_another_trace_is_another_request() -> None:
    last = known(head("GET /a?b=c HTTP/1.1", "Host: a.test", TRACE))
    one = last.repeated(head("GET /a?b=c HTTP/1.1", "Host: a.test", TRACE))
    two = last.repeated(head("GET /a?b=c HTTP/1.1", "Host: a.test", OTHER))
    assert one is not None
    assert two is not None
    assert one.traceparent != two.traceparent
    assert meaning(two) == meaning(read(head("GET /a?b=c HTTP/1.1", "Host: a.test", OTHER)))
    assert one.remembered is two.remembered is None


def test_connections_of_one_peer_share_what_is_alike_and_leave_nothing_behind() -> None:
    heads = LastHeads(READER.limits)
    one = heads.keep(head("GET /a HTTP/1.1", *BLOCK), read(head("GET /a HTTP/1.1", *BLOCK)), PEER)
    two = heads.keep(head("GET /b HTTP/1.1", *BLOCK), read(head("GET /b HTTP/1.1", *BLOCK)), PEER)
    assert one is two
    other = head("GET /a HTTP/1.1", *BLOCK, "X-B: 1")
    assert heads.keep(other, read(other), PEER) is not one
    assert (
        heads.keep(head("GET /a HTTP/1.1", *BLOCK), read(head("GET /a HTTP/1.1", *BLOCK)), "10.0.0.2")
        is not one
    )
    del one, two
    gc.collect()
    assert len(heads) == 0


@pytest.mark.parametrize(
    "data",
    [
        head("GET http://a.test/ HTTP/1.1", "Host: a.test"),
        head("GET / HTTP/1.1", "Host: a.test", "Connection: upgrade", "Upgrade: websocket"),
        head("POST / HTTP/1.1", "Host: a.test", "Expect: 100-continue"),
        head("POST / HTTP/1.1", "Host: a.test", "Transfer-Encoding: chunked"),
        head("POST / HTTP/1.1", "Host: a.test", "Content-Length: 3"),
        head("GET / HTTP/1.1", "Host: a.test", TRACE, OTHER),
        head("GET / HTTP/1.1", "Host: a.test", TRACE + "0"),
        head("GET / HTTP/1.1", "Host: a.test", TRACE.replace("tr", "Tr")),
        head("GET / HTTP/1.1", "Host: a.test", "X-Long: " + "x" * LONGEST),
    ],
)
def test_heads_whose_meaning_hangs_on_more_are_not_kept(data: bytes) -> None:
    assert kept(data) is None


# What a line could smuggle into the part before the kept block, and what only the reader may judge.
HOSTILE = [
    "GET / HTTP/1.1\r\nX-Evil: 1\r\nA:", "GET  /", "GET /a b", "get /", "GET", "", " GET /", "TRACE /", "CONNECT /",
    "GET http://other.test/", "GET *", "GET /../x", "GET /%2e%2e/x", "GET //x", "GET /a;b", "GET /a#b", "GET /\x00",
    "GET /\xe5", "GET /?q=%zz", "GET /\t", "GET /" + "a" * 9000, "GET / HTTP/1.1\r\nHost: evil.test", "\r\nGET /",
]  # fmt: skip


@pytest.mark.parametrize("line", HOSTILE)
@pytest.mark.parametrize("block", [BLOCK, [*BLOCK, TRACE]])
def test_nothing_is_taken_for_a_repetition_that_the_reader_would_judge_otherwise(
    line: str, block: list[str]
) -> None:
    last = known(head("GET / HTTP/1.1", *block))
    data = head(line + " HTTP/1.1", *block)
    again = last.repeated(data)
    assert again is None or meaning(again) == meaning(read(data))
    assert again is None or line == "GET /a;b"


ALPHABET = st.sampled_from(list("/a.%2eEfF;?# \r\n\t:\\\x00\xe5GETPOSH1"))


@given(st.text(ALPHABET, max_size=12), st.booleans())
def test_any_bytes_before_the_kept_block_mean_the_same_to_both(text: str, traced: bool) -> None:
    block = [*BLOCK, TRACE] if traced else BLOCK
    last = known(head("GET / HTTP/1.1", *block))
    data = head(f"GET /{text} HTTP/1.1", *block)
    again = last.repeated(data)
    if again is not None:
        assert meaning(again) == meaning(read(data))


@given(st.binary(max_size=40))
def test_a_foreign_end_is_never_a_repetition(end: bytes) -> None:
    data = head("GET / HTTP/1.1", *BLOCK)
    changed = data[: len(data) - len(end)] + end if end else data
    again = known(data).repeated(changed)
    if changed != data and again is not None:
        assert meaning(again) == meaning(read(changed))


async def test_the_second_request_of_a_connection_is_judged_like_the_first() -> None:
    """H11, H22, T16: what one good head was, excuses nothing in the next."""
    good = head("GET /a HTTP/1.1", "Host: a.test", "Authorization: Bearer one")
    async with scripted_upstream(answering(OK)) as upstream, running_edge(upstream.url) as edge:
        for bad, status in (
            (head("GET /../a HTTP/1.1", "Host: a.test", "Authorization: Bearer one"), 400),
            (head("GET /a HTTP/1.1", "Host: a.test", "Host: a.test", "Authorization: Bearer one"), 400),
            (head("TRACE /a HTTP/1.1", "Host: a.test", "Authorization: Bearer one"), 405),
        ):
            async with raw_client(edge.port) as client:
                for _ in range(3):
                    assert (await client.ask(good)).status == 200
                assert (await client.ask(bad)).status == status
                assert await client.ended()


async def test_a_new_token_on_the_same_connection_is_a_new_token() -> None:
    """Z12: nothing of one caller reaches the next, whose head differs in one character."""
    async with scripted_upstream(answering(OK)) as upstream, running_edge(upstream.url) as edge:
        async with raw_client(edge.port) as client:
            for token in ("one", "one", "two", "two", "one"):
                data = head(f"GET /{token} HTTP/1.1", "Host: a.test", f"Authorization: Bearer {token}")
                assert (await client.ask(data)).status == 200
        seen = [(request.target, request.authorization) for request in edge.requests]
        assert seen == [
            (b"/" + token, b"Bearer " + token) for token in (b"one", b"one", b"two", b"two", b"one")
        ]
        # The second of each pair has what the line may remember of its head, and nobody else has it.
        first, again, other, other_again, last = [request.memory for request in edge.requests]
        assert first is other is last is None
        assert again is not None
        assert other_again is not None
        assert again is not other_again


async def test_what_is_taken_away_for_one_call_stays_for_the_next() -> None:
    data = head("GET /a HTTP/1.1", "Host: a.test", "X-A: 1")
    async with scripted_upstream(answering(OK)) as upstream, running_edge(upstream.url) as edge:

        def withhold(exchange: Exchange) -> None:
            if exchange.number % 2:
                exchange.request = exchange.request.with_lines([])
            edge.forward(exchange)

        edge.line = withhold
        async with raw_client(edge.port) as client:
            for _ in range(4):
                assert (await client.ask(data)).status == 200
        assert [arrived.values("x-a") for arrived in upstream.arrived] == [[], ["1"], [], ["1"]]


async def test_a_repeated_head_in_pieces_is_read_as_ever() -> None:
    data = head("GET /a HTTP/1.1", "Host: a.test", "X-A: 1")
    async with scripted_upstream(answering(OK)) as upstream, running_edge(upstream.url) as edge:
        async with raw_client(edge.port) as client:
            for cut in (len(data), 1, 10, len(data) - 1, len(data)):
                client.send(data[:cut])
                await client.drain()
                client.send(data[cut:])
                assert (await client.answer()).status == 200
            assert (await client.ask(data + data)).status == 200
            assert (await client.answer()).status == 200
        assert {request.target for request in edge.requests} == {b"/a"}

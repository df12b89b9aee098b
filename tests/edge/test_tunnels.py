"""WebSocket tunnels on real sockets: what passes, what is paid for, what is refused, how they end."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.frames import Close

from gateway.edge.door.certificates import Certificates, TlsFiles
from gateway.edge.errors import AnswerCut, BadUpstreamAnswer, Draining
from gateway.edge.limits import EdgeLimits
from gateway.proxy.pool import PoolLimits
from gateway.tunnels.errors import (
    AccessEnded,
    MalformedFrame,
    MessageOverQuota,
    MessageOverRate,
    MessageTooLarge,
    MessageUncountable,
    TooManyControls,
    TunnelIdle,
)
from gateway.tunnels.frames import close_frame
from gateway.tunnels.limits import TunnelLimits
from quota.counters.protocol import Decided, UsageKey, unavailable
from quota.plans import Limits
from tests.line_support.raw_client import PATIENCE, raw_client
from tests.line_support.running_edge import running_edge
from tests.line_support.scripted_upstream import OK, Script, Visit, answering, scripted_upstream
from tests.line_support.tunnel_line import MASK, TunnelEdge, frame, plan, tunnel_edge

SHAKE = (
    b"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
SWITCHED = (
    b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)
BRIEF = TunnelLimits(close_seconds=0.05)


def scripted(after: bytes = b"") -> Script:
    """Agrees to the handshake, sends `after`, then keeps what comes in `arrived[0].body` until the end."""

    async def script(visit: Visit) -> None:
        arrived = await visit.head()
        await visit.send(SWITCHED + after)
        while data := await visit.reader.read(65536):
            arrived.body += data
            visit.upstream.news.set()

    return script


async def echo(connection: ServerConnection) -> None:
    async for message in connection:
        await connection.send(message)


async def closed_with(connection: ClientConnection) -> Close | None:
    try:
        while True:
            await asyncio.wait_for(connection.recv(), PATIENCE)
    except ConnectionClosed as closed:
        return closed.rcvd


# --- what passes


async def test_messages_of_every_size_pass_both_ways_and_are_counted(tmp_path: Path) -> None:
    """Text, binary, fragments, compressed or not; one unit each."""
    async with serve(echo, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with tunnel_edge(tmp_path, f"http://127.0.0.1:{port}", units=3) as edge:
            for compression in ("deflate", None):
                async with connect(f"ws://127.0.0.1:{edge.port}/ws", compression=compression) as client:
                    for size in (0, 1, 125, 126, 65535, 65536, 300_000):
                        await client.send(b"x" * size)
                        assert await client.recv() == b"x" * size
                    await client.send(["in ", "pieces", " räksmörgås"])
                    assert await client.recv() == "in pieces räksmörgås"
                    await (await client.ping())
                ending = await edge.ending()
                assert (ending.status, ending.fault) == (101, None)
            assert [tunnel.counts for tunnel in edge.tunnels] == [(8, 8), (8, 8)]
            assert edge.served == (16, 48)


async def test_a_subprotocol_and_our_own_headers_reach_the_client(tmp_path: Path) -> None:
    async with serve(echo, "127.0.0.1", 0, subprotocols=["v2.eko"]) as server:  # type: ignore[list-item]
        port = server.sockets[0].getsockname()[1]
        async with (
            tunnel_edge(tmp_path, f"http://127.0.0.1:{port}") as edge,
            connect(f"ws://127.0.0.1:{edge.port}/ws", subprotocols=["v1.eko", "v2.eko"]) as client,  # type: ignore[list-item]
        ):
            assert client.subprotocol == "v2.eko"
            assert client.response is not None
            assert client.response.headers["Request-Id"] == "r"


async def test_the_handshake_is_written_anew(tmp_path: Path) -> None:
    head = SHAKE[:-2] + (
        b"Sec-WebSocket-Protocol: a\r\nSEC-WEBSOCKET-PROTOCOL: b , c\r\nSec-WebSocket-Accept: x\r\nX-Own: 1\r\n"
        b"Sec-WebSocket-Extensions: x-unknown; a=1, permessage-deflate; client_max_window_bits\r\n\r\n"
    )
    async with (
        scripted_upstream(scripted()) as upstream,
        tunnel_edge(tmp_path, upstream.url) as edge,
        raw_client(edge.port) as client,
    ):
        assert (await client.ask(head)).status == 101
        arrived = upstream.arrived[0]
        own = [(name, value) for name, value in arrived.fields if name.startswith("sec-")]
        assert own == [
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ("sec-websocket-protocol", "a, b, c"),
            ("sec-websocket-extensions", "permessage-deflate; client_max_window_bits"),
        ]
        assert arrived.values("x-own") == ["1"]
        assert arrived.values("connection") == ["Upgrade"]
        assert arrived.values("upgrade") == ["websocket"]


async def test_what_comes_with_the_handshakes_is_read(tmp_path: Path) -> None:
    """A frame in one packet with the client's head, and one with the upstream's 101."""
    async with (
        scripted_upstream(scripted(frame(1, b"hello", mask=False))) as upstream,
        tunnel_edge(tmp_path, upstream.url) as edge,
        raw_client(edge.port) as client,
    ):
        early = frame(2, b"early")
        assert (await client.ask(SHAKE + early)).status == 101
        assert await client.reader.readexactly(7) == frame(1, b"hello", mask=False)
        await until(lambda: upstream.arrived[0].body == early, upstream.news)
        await until(lambda: edge.served == (1, 1))


async def until(true: Callable[[], bool], news: asyncio.Event | None = None) -> None:
    """Waits for something that will come, or fails."""
    async with asyncio.timeout(PATIENCE):
        while not true():
            if news is not None:
                await news.wait()
                news.clear()
            else:
                await asyncio.sleep(0)


async def test_over_tls(tmp_path: Path) -> None:
    """wss, with messages larger than any buffer, closed from either side."""
    authority = trustme.CA()
    leaf = authority.issue_cert("127.0.0.1")
    (tmp_path / "cert.pem").write_bytes(b"".join(blob.bytes() for blob in leaf.cert_chain_pems))
    leaf.private_key_pem.write_to_path(tmp_path / "key.pem")
    ours = Certificates(TlsFiles(tmp_path / "cert.pem", tmp_path / "key.pem"))
    theirs = ssl.create_default_context()
    authority.configure_trust(theirs)
    async with serve(echo, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with tunnel_edge(
            tmp_path / "counters", f"http://127.0.0.1:{port}", door={"certificates": ours}
        ) as edge:
            address = f"wss://127.0.0.1:{edge.port}/ws"
            async with connect(address, ssl=theirs, proxy=None, compression=None) as client:
                await client.send(b"x" * 1_000_000)
                assert await client.recv() == b"x" * 1_000_000
            assert (await edge.ending()).fault is None
            told = await connect(address, ssl=theirs, proxy=None)
            edge.tunnels[-1].end_access("revoked-token")
            assert await closed_with(told) == Close(1008, "revoked-token")


# --- what is refused


@pytest.mark.parametrize(
    ("data", "code", "fault"),
    [
        (frame(1, b"hi", mask=False), 1002, MalformedFrame),
        (frame(1, b"hi", rsv=0x40), 1002, MalformedFrame),  # no compression was agreed
        (frame(1, b"hi", rsv=0x10), 1002, MalformedFrame),
        (frame(3, b"hi"), 1002, MalformedFrame),
        (frame(11, b"hi"), 1002, MalformedFrame),
        (frame(0, b"hi"), 1002, MalformedFrame),  # a continuation of nothing
        (frame(1, b"a", fin=False) + frame(1, b"b"), 1002, MalformedFrame),
        (frame(9, b"a", fin=False), 1002, MalformedFrame),
        (frame(9, b"a" * 126), 1002, MalformedFrame),
        (b"\x82\xfe\x00\x7d" + MASK, 1002, MalformedFrame),  # 125 in two bytes
        (b"\x82\xff" + (65535).to_bytes(8, "big") + MASK, 1002, MalformedFrame),
        (b"\x82\xff" + (1 << 63).to_bytes(8, "big") + MASK, 1002, MalformedFrame),
        (frame(8, b"\x03"), 1002, MalformedFrame),
        (frame(8, (1005).to_bytes(2, "big")), 1002, MalformedFrame),
        (frame(8, (999).to_bytes(2, "big")), 1002, MalformedFrame),
        (frame(8, (1000).to_bytes(2, "big") + b"\xff"), 1007, MalformedFrame),
        (frame(2, b"x" * 1001)[:8], 1009, MessageTooLarge),  # by its head alone
        (frame(2, b"x" * 600, fin=False) + frame(0, b"x" * 401)[:8], 1009, MessageTooLarge),
        (frame(2, b"", fin=False) + frame(0, b"", fin=False) * 8, 1009, MessageTooLarge),
        (frame(9) * 6, 1008, TooManyControls),
    ],
)
async def test_a_frame_that_breaks_the_rules_ends_the_tunnel(
    tmp_path: Path, data: bytes, code: int, fault: type[Exception]
) -> None:
    """Both sides are told, nothing of the frame reaches the upstream, and nothing is paid for what it ruined."""
    async with (
        scripted_upstream(scripted()) as upstream,
        tunnel_edge(
            tmp_path,
            upstream.url,
            body_limit=1000,
            bounds=TunnelLimits(fragments=8, controls=5, close_seconds=0.05),
        ) as edge,
        raw_client(edge.port) as client,
    ):
        assert (await client.ask(SHAKE)).status == 101
        client.send(frame(1, b"first") + data)
        reason = fault.code  # type: ignore[attr-defined]
        assert await client.rest() == close_frame(code, reason, masked=False)
        ending = await edge.ending()
        assert isinstance(ending.fault, fault)
        await asyncio.wait_for(upstream.ended.wait(), PATIENCE)
        assert upstream.arrived[0].body.endswith(close_frame(code, reason, masked=True))
        assert upstream.arrived[0].body.startswith(frame(1, b"first"))
        assert edge.served == (1, 1)


async def test_a_faulty_frame_of_the_upstream_is_its_own_fault(tmp_path: Path) -> None:
    """Masked: 1002 to the upstream, 1011 to the client."""
    async with (
        scripted_upstream(scripted(frame(1, b"ok", mask=False) + frame(1, b"no"))) as upstream,
        tunnel_edge(tmp_path, upstream.url, bounds=BRIEF) as edge,
        raw_client(edge.port) as client,
    ):
        assert (await client.ask(SHAKE)).status == 101
        told = close_frame(1011, "bad-upstream-answer", masked=False)
        assert await client.rest() == frame(1, b"ok", mask=False) + told
        assert isinstance((await edge.ending()).fault, BadUpstreamAnswer)
        await asyncio.wait_for(upstream.ended.wait(), PATIENCE)
        assert upstream.arrived[0].body == close_frame(1002, "bad-upstream-answer", masked=True)


@pytest.mark.parametrize(
    "head",
    [
        SHAKE.replace(b"Version: 13", b"Version: 8"),
        SHAKE.replace(b"Version: 13", b"Version: 13\r\nSec-WebSocket-Version: 13"),
        b"GET /ws HTTP/1.1\r\nHost: a\r\n\r\n",
        SHAKE.replace(b"HTTP/1.1", b"HTTP/1.0"),
        SHAKE.replace(b"GET", b"POST"),
        SHAKE.replace(b"Upgrade: WebSocket", b"Upgrade: websocket, h2c"),
        SHAKE.replace(b"keep-alive, Upgrade", b"keep-alive"),
        SHAKE.replace(b"\r\n\r\n", b"\r\nContent-Length: 1\r\n\r\nx"),
        SHAKE.replace(b"dGhlIHNhbXBsZSBub25jZQ==", b"short"),
        SHAKE.replace(b"dGhlIHNhbXBsZSBub25jZQ==", b"dGhlIHNhbXBsZSBub25jZR=="),  # stray bits
        SHAKE.replace(b"\r\n\r\n", b"\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"),
        SHAKE.replace(b"\r\n\r\n", b"\r\nSec-WebSocket-Protocol: a b\r\n\r\n"),
        SHAKE.replace(b"\r\n\r\n", b"\r\nSec-WebSocket-Protocol: a, a\r\n\r\n"),
        SHAKE.replace(b"\r\n\r\n", b"\r\nSec-WebSocket-Extensions: permessage-deflate; =1\r\n\r\n"),
    ],
)
async def test_a_faulty_handshake_never_leaves_the_edge(tmp_path: Path, head: bytes) -> None:
    async with (
        scripted_upstream(answering(OK)) as upstream,
        tunnel_edge(tmp_path, upstream.url) as edge,
        raw_client(edge.port) as client,
    ):
        assert (await client.ask(head)).status == 400
        assert upstream.visits == 0


@pytest.mark.parametrize(
    "answer",
    [
        SWITCHED.replace(b"s3pP", b"s3pQ"),
        SWITCHED.replace(b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n", b""),
        SWITCHED.replace(b"\r\n\r\n", b"\r\nSec-WebSocket-Protocol: other\r\n\r\n"),
        SWITCHED.replace(b"\r\n\r\n", b"\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n"),
        SWITCHED.replace(b"\r\n\r\n", b"\r\nSec-WebSocket-Extensions: x-own\r\n\r\n"),
        SWITCHED.replace(b"\r\n\r\n", b"\r\nContent-Length: 0\r\n\r\n"),
        SWITCHED.replace(b"Upgrade: websocket", b"Upgrade: h2c"),
    ],
)
async def test_a_101_that_no_client_may_believe_is_a_bad_answer(tmp_path: Path, answer: bytes) -> None:
    async with (
        scripted_upstream(answering(answer)) as upstream,
        tunnel_edge(tmp_path, upstream.url) as edge,
        raw_client(edge.port) as client,
    ):
        assert (await client.ask(SHAKE)).status == 502
        assert isinstance((await edge.ending()).fault, BadUpstreamAnswer)
        assert edge.edge.upstream.open_connections == 0


async def test_an_upstream_that_says_no_is_an_ordinary_answer(tmp_path: Path) -> None:
    async with (
        scripted_upstream(answering(OK)) as upstream,
        tunnel_edge(tmp_path, upstream.url) as edge,
        raw_client(edge.port) as client,
    ):
        for _ in range(2):
            assert (await client.ask(SHAKE)).body == b"ok"
        assert edge.edge.upstream.opened_total == 1


@pytest.mark.parametrize(
    ("allowed", "fields"),
    [
        (True, b"Connection: Upgrade\r\nUpgrade: h2c\r\n"),
        (False, b"Connection: Upgrade\r\nUpgrade: h2c\r\n"),
        (False, SHAKE[29:-2]),
    ],
)
async def test_other_upgrades_are_stripped(allowed: bool, fields: bytes) -> None:
    """H27: h2c everywhere, and a WebSocket where the route allows none."""
    async with (
        scripted_upstream(answering(OK)) as upstream,
        running_edge(upstream.url, allow_upgrade=allowed) as edge,
        raw_client(edge.port) as client,
    ):
        answer = await client.ask(b"GET /ws HTTP/1.1\r\nHost: a\r\n" + fields + b"\r\n")
        assert answer.status == 200
        names = {name for name, _ in upstream.arrived[0].fields}
        assert not {"upgrade", "connection", "http2-settings"} & names


@pytest.mark.parametrize("head", [SHAKE, b"GET /ws HTTP/1.1\r\nHost: a\r\n\r\n"])
async def test_a_101_that_nobody_asked_for_is_a_bad_answer(head: bytes) -> None:
    """H28."""
    async with (
        scripted_upstream(answering(SWITCHED)) as upstream,
        running_edge(upstream.url) as edge,
        raw_client(edge.port) as client,
    ):
        assert (await client.ask(head)).status == 502
        assert isinstance((await edge.ending()).fault, BadUpstreamAnswer)
        assert edge.upstream.open_connections == 0


# --- what is paid for


async def test_the_quota_ends_the_tunnel_at_the_message_it_refuses(tmp_path: Path) -> None:
    """In one packet: what is paid for passes whole, the next message does not begin."""
    async with (
        scripted_upstream(scripted()) as upstream,
        tunnel_edge(tmp_path, upstream.url, limits=plan(per_day=3), bounds=BRIEF) as edge,
        raw_client(edge.port) as client,
    ):
        assert (await client.ask(SHAKE)).status == 101
        client.send(b"".join(frame(2, b"%d" % number) for number in range(5)))
        told = await client.rest()
        assert told[2:4] == (1008).to_bytes(2, "big")
        assert told[4:].startswith(b"quota-exceeded retry-after=")
        assert isinstance((await edge.ending()).fault, MessageOverQuota)
        await asyncio.wait_for(upstream.ended.wait(), PATIENCE)
        passed = b"".join(frame(2, b"%d" % number) for number in range(3))
        assert upstream.arrived[0].body[: len(passed)] == passed
        assert upstream.arrived[0].body[len(passed) + 8 :].startswith(b"quota-exceeded")
        assert edge.counted() == {"served": (3, 3), "refused_quota": (1, 0)}


async def test_the_rate_counts_messages(tmp_path: Path) -> None:
    async with (
        scripted_upstream(scripted()) as upstream,
        tunnel_edge(
            tmp_path, upstream.url, limits=plan(requests=1, seconds=3600, burst=2), bounds=BRIEF
        ) as edge,
        raw_client(edge.port) as client,
    ):
        assert (await client.ask(SHAKE)).status == 101
        client.send(frame(1, b"a") + frame(9) + frame(1, b"b") + frame(1, b"c"))
        assert b"rate-exceeded retry-after=3600" in await client.rest()
        assert isinstance((await edge.ending()).fault, MessageOverRate)
        assert edge.counted() == {"served": (2, 2), "refused_rate": (1, 0)}


async def test_without_counters_a_closed_plan_says_try_again_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F1: nothing that cannot be counted passes."""

    def away(limits: Limits, key: UsageKey, units: int, decided: Decided) -> None:
        decided(unavailable(2))

    async with (
        scripted_upstream(scripted()) as upstream,
        tunnel_edge(tmp_path, upstream.url, bounds=BRIEF) as edge,
        raw_client(edge.port) as client,
    ):
        assert (await client.ask(SHAKE)).status == 101
        monkeypatch.setattr(edge.counters, "take", away)
        client.send(frame(1, b"a"))
        reason = "counters-unavailable retry-after=2"
        assert await client.rest() == close_frame(1013, reason, masked=False)
        assert isinstance((await edge.ending()).fault, MessageUncountable)
        await asyncio.wait_for(upstream.ended.wait(), PATIENCE)
        assert upstream.arrived[0].body == close_frame(1013, reason, masked=True)
        assert edge.counted() == {}


async def test_weight_nought_is_neither_counted_nor_limited(tmp_path: Path) -> None:
    async with (
        scripted_upstream(scripted()) as upstream,
        tunnel_edge(tmp_path, upstream.url, limits=plan(per_day=0), units=0) as edge,
        raw_client(edge.port) as client,
    ):
        assert (await client.ask(SHAKE)).status == 101
        client.send(frame(1, b"a") * 3)
        await until(lambda: upstream.arrived[0].body == frame(1, b"a") * 3, upstream.news)
        assert edge.counted() == {}


async def test_frames_wait_in_order_while_a_decision_is_pending(tmp_path: Path) -> None:
    """The decision comes later, as from Redis: nothing passes it, nothing is lost, the socket rests meanwhile."""
    async with (
        scripted_upstream(scripted()) as upstream,
        tunnel_edge(tmp_path, upstream.url) as edge,
        raw_client(edge.port) as client,
    ):
        assert (await client.ask(SHAKE)).status == 101
        edge.counters.hold = True
        sent = frame(1, b"a", fin=False) + frame(9, b"p") + frame(0, b"b") + frame(2, b"c") + frame(1, b"")
        client.send(sent)
        await until(lambda: len(edge.counters.keys) == 1)
        late = frame(1, b"late")
        edge.tunnels[0].from_client(late)  # as TLS does, which has read more than it has handed on
        for asked in (1, 2, 3, 4):
            await until(lambda asked=asked: len(edge.counters.keys) == asked)  # type: ignore[misc]
            edge.counters.release()
        await until(lambda: upstream.arrived[0].body == sent + late, upstream.news)
        assert edge.tunnels[0].counts == (4, 0)


async def test_a_message_that_was_cut_short_is_given_back(tmp_path: Path) -> None:
    async with (
        scripted_upstream(scripted()) as upstream,
        tunnel_edge(tmp_path, upstream.url) as edge,
        raw_client(edge.port) as client,
    ):
        assert (await client.ask(SHAKE)).status == 101
        client.send(frame(1, b"whole") + frame(2, b"x" * 1000)[:500])
        await until(lambda: len(upstream.arrived[0].body) == 511, upstream.news)
        client.reset()
        assert (await edge.ending()).status == 101
        assert edge.counted() == {"served": (1, 1), "upstream_failed": (1, 0)}


async def test_a_decision_that_comes_too_late_gives_its_units_back(tmp_path: Path) -> None:
    async with (
        scripted_upstream(scripted()) as upstream,
        tunnel_edge(tmp_path, upstream.url, bounds=BRIEF) as edge,
        raw_client(edge.port) as client,
    ):
        assert (await client.ask(SHAKE)).status == 101
        edge.counters.hold = True
        client.send(frame(1, b"a" * 1000)[:500])
        await until(lambda: len(edge.counters.keys) == 1)
        edge.tunnels[0].end_access("revoked-token")
        edge.counters.release()
        assert edge.counted() == {"upstream_failed": (1, 0)}
        await edge.ending()
        await asyncio.wait_for(upstream.ended.wait(), PATIENCE)
        assert upstream.arrived[0].body == close_frame(1008, "revoked-token", masked=True)


# --- how it ends


async def test_the_client_s_close_is_answered_by_the_upstream(tmp_path: Path) -> None:
    seen: list[int] = []

    async def until_closed(connection: ServerConnection) -> None:
        await connection.wait_closed()
        seen.append(connection.close_code or 0)

    async with serve(until_closed, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with tunnel_edge(tmp_path, f"http://127.0.0.1:{port}") as edge:
            client = await connect(f"ws://127.0.0.1:{edge.port}/ws")
            await client.close(4001, "done")
            assert client.close_code == 4001
            assert (await edge.ending()).fault is None
            await until(lambda: seen == [4001])


async def test_an_upstream_that_leaves_without_a_word_is_told_of(tmp_path: Path) -> None:
    async def brief(visit: Visit) -> None:
        await visit.head()
        await visit.send(SWITCHED + frame(1, b"bye", mask=False))

    async with (
        scripted_upstream(brief) as upstream,
        tunnel_edge(tmp_path, upstream.url) as edge,
        raw_client(edge.port) as client,
    ):
        client.send(SHAKE)
        assert (await client.answer()).status == 101
        told = close_frame(1011, "answer-cut", masked=False)
        assert await client.rest() == frame(1, b"bye", mask=False) + told
        assert isinstance((await edge.ending()).fault, AnswerCut)


async def test_half_a_frame_is_never_made_whole(tmp_path: Path) -> None:
    """The upstream breaks off inside a frame: the client is cut there, and gets no close frame into it."""

    async def half(visit: Visit) -> None:
        await visit.head()
        await visit.send(SWITCHED + frame(1, b"0123456789", mask=False)[:6])

    async with (
        scripted_upstream(half) as upstream,
        tunnel_edge(tmp_path, upstream.url) as edge,
        raw_client(edge.port) as client,
    ):
        client.send(SHAKE)
        assert (await client.answer()).status == 101
        assert await client.rest() == frame(1, b"0123456789", mask=False)[:6]
        assert isinstance((await edge.ending()).fault, AnswerCut)


async def end_access(edge: TunnelEdge) -> None:
    edge.tunnels[0].end_access("revoked-token")


async def drain(edge: TunnelEdge) -> None:
    asyncio.get_running_loop().create_task(edge.edge.server.drain(PATIENCE))


async def silence(edge: TunnelEdge) -> None:
    return


@pytest.mark.parametrize(
    ("act", "idle", "close", "fault"),
    [
        (end_access, 60.0, (1008, "revoked-token"), AccessEnded),
        (drain, 60.0, (1001, "draining"), Draining),
        (silence, 0.2, (1001, "tunnel-idle"), TunnelIdle),
    ],
)
async def test_the_gateway_ends_a_tunnel_towards_both(
    tmp_path: Path,
    act: Callable[[TunnelEdge], object],
    idle: float,
    close: tuple[int, str],
    fault: type[Exception],
) -> None:
    seen: list[tuple[int, str]] = []

    async def remember(connection: ServerConnection) -> None:
        await connection.wait_closed()
        seen.append((connection.close_code or 0, connection.close_reason or ""))

    async with serve(remember, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with tunnel_edge(tmp_path, f"http://127.0.0.1:{port}", idle_timeout=idle) as edge:
            client = await connect(f"ws://127.0.0.1:{edge.port}/ws")
            await act(edge)  # type: ignore[misc]
            rcvd = await closed_with(client)
            assert rcvd == Close(*close)
            assert isinstance((await edge.ending()).fault, fault)
            await until(lambda: seen == [close])


async def test_a_side_that_does_not_close_is_closed(tmp_path: Path) -> None:
    """Neither side answers the close frame: their connections end all the same."""
    async with (
        scripted_upstream(scripted()) as upstream,
        tunnel_edge(tmp_path, upstream.url, bounds=BRIEF) as edge,
        raw_client(edge.port) as client,
    ):
        assert (await client.ask(SHAKE)).status == 101
        await end_access(edge)
        assert await client.rest() == close_frame(1008, "revoked-token", masked=False)
        await asyncio.wait_for(upstream.ended.wait(), PATIENCE)
        assert isinstance((await edge.ending()).fault, AccessEnded)


async def test_the_end_inside_a_message_cuts_that_side_alone(tmp_path: Path) -> None:
    """The client stands inside a frame towards the upstream: the upstream is cut, the client is told."""
    async with (
        scripted_upstream(scripted()) as upstream,
        tunnel_edge(tmp_path, upstream.url) as edge,
        raw_client(edge.port) as client,
    ):
        assert (await client.ask(SHAKE)).status == 101
        client.send(frame(2, b"x" * 1000)[:500])
        await until(lambda: len(upstream.arrived[0].body) == 500, upstream.news)
        await end_access(edge)
        assert await client.rest() == close_frame(1008, "revoked-token", masked=False)
        await asyncio.wait_for(upstream.ended.wait(), PATIENCE)
        assert len(upstream.arrived[0].body) == 500
        assert edge.counted() == {"upstream_failed": (1, 0)}


# --- back-pressure


async def test_a_client_that_does_not_read_stops_the_upstream(tmp_path: Path) -> None:
    """F10: an endless upstream is not read further than the buffers hold."""
    written = 0
    block = frame(2, b"x" * 65536, mask=False)

    async def endless(visit: Visit) -> None:
        nonlocal written
        await visit.head()
        await visit.send(SWITCHED)
        while True:
            visit.writer.write(block)
            written += len(block)
            await visit.writer.drain()

    async with (
        scripted_upstream(endless) as upstream,
        tunnel_edge(tmp_path, upstream.url) as edge,
        raw_client(edge.port, receive_buffer=4096) as client,
    ):
        client.send(SHAKE)
        assert (await client.answer()).status == 101
        await resting(lambda: written)
        assert written < 32 * 2**20
        client.reset()
        await edge.ending()
        await asyncio.wait_for(upstream.ended.wait(), PATIENCE)


async def test_an_upstream_that_does_not_read_stops_the_client(tmp_path: Path) -> None:
    """And does not outlive its tunnel: what it never took is given up after the time for lingering."""
    let_go = asyncio.Event()

    async def deaf(visit: Visit) -> None:
        await visit.head()
        await visit.send(SWITCHED)
        await let_go.wait()

    block = frame(2, b"x" * 65536)
    limits = EdgeLimits(tick_seconds=0.02, linger_seconds=0.2)
    async with (
        scripted_upstream(deaf) as upstream,
        tunnel_edge(tmp_path, upstream.url, bounds=BRIEF, edge_limits=limits) as edge,
        raw_client(edge.port) as client,
    ):
        assert (await client.ask(SHAKE)).status == 101
        sent = 0

        async def endless() -> None:
            nonlocal sent
            while True:
                client.send(block)
                sent += len(block)
                await client.writer.drain()

        sending = asyncio.create_task(endless())
        await resting(lambda: sent)
        assert sent < 32 * 2**20
        sending.cancel()
        edge.tunnels[0].end_access("revoked-token")
        assert isinstance((await edge.ending()).fault, AccessEnded)
        await until(lambda: edge.edge.upstream.open_connections == 0)
        let_go.set()


async def test_tunnels_take_no_place_from_calls(tmp_path: Path) -> None:
    """The bound on connections is for calls: a tunnel that stands for hours does not hold one of them."""
    async with serve(echo, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        pool = PoolLimits(connections=1)
        async with tunnel_edge(tmp_path, f"http://127.0.0.1:{port}", pool=pool) as edge:
            clients = [await connect(f"ws://127.0.0.1:{edge.port}/ws", proxy=None) for _ in range(3)]
            assert edge.edge.upstream.open_connections == edge.edge.upstream.outstanding == 3
            for client in clients:
                await client.send("hej")
                assert await client.recv() == "hej"
                await client.close()
            await until(lambda: edge.edge.upstream.open_connections == 0)


async def resting(figure: Callable[[], int]) -> None:
    """Returns when the figure has stood still for a while; fails when it never does."""
    async with asyncio.timeout(30):
        before = -1
        while before != figure():
            before = figure()
            await asyncio.sleep(0.3)


async def test_tiny_frames_leave_the_loop_its_turns(tmp_path: Path) -> None:
    """40,000 messages in a few packets arrive whole and in order."""
    many = b"".join(frame(1, b"%d" % (number % 10)) for number in range(40_000))
    async with (
        scripted_upstream(scripted()) as upstream,
        tunnel_edge(tmp_path, upstream.url, units=0) as edge,
        raw_client(edge.port) as client,
    ):
        assert (await client.ask(SHAKE)).status == 101
        client.send(many)
        await until(lambda: len(upstream.arrived[0].body) == len(many), upstream.news)
        assert upstream.arrived[0].body == many
        assert edge.tunnels[0].counts == (40_000, 0)

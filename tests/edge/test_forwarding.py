"""What of a request reaches the upstream, and what of an answer reaches the client."""

from __future__ import annotations

from typing import Unpack

import pytest

from gateway.edge.exchange import Ending, Exchange, Order
from tests.line_support.raw_client import raw_client
from tests.line_support.running_edge import Terms, running_edge
from tests.line_support.scripted_upstream import OK, Arrived, answering, echo, scripted_upstream


async def passed(
    fields: bytes, *, body: bytes = b"", method: bytes = b"GET", **terms: Unpack[Terms]
) -> Arrived:
    """The request as the upstream got it."""
    async with (
        scripted_upstream(answering(OK)) as upstream,
        running_edge(upstream.url, **terms) as edge,
        raw_client(edge.port) as client,
    ):
        answer = await client.ask(method + b" /a HTTP/1.1\r\nHost: sluss.test\r\n" + fields + b"\r\n" + body)
        assert answer.status == 200
        assert len(upstream.arrived) == 1
        return upstream.arrived[0]


REMOVED = [
    "Sluss-Organisation",
    "sluss-app",
    "SLUSS-SUBJECT",
    "Sluss_Organisation",
    "sLUSS_scope",
    "Sluss.Organisation",
    "Sluss",
    "Forwarded",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Forwarded-Proto",
    "x-forwarded-anything",
    "X-Real-IP",
    "True-Client-IP",
    "Client-IP",
    "X-Original-URL",
    "X-Rewrite-URL",
    "X-HTTP-Method-Override",
    "X-HTTP-Method",
    "X-Method-Override",
    "Proxy",
    "Proxy-Authorization",
    "Proxy-Connection",
    "Keep-Alive",
    "TE",
    "Trailer",
    "Upgrade",
    "HTTP2-Settings",
    "My_Header",
    "_x",
    "traceparent",
    "Request-Id",
    "Authorization",
]


@pytest.mark.parametrize("name", REMOVED)
async def test_names_that_are_the_gateways_own_do_not_pass(name: str) -> None:
    arrived = await passed(name.encode() + b": evil\r\nX-Kept: yes\r\n")
    assert arrived.fields == [
        ("host", dict(arrived.fields)["host"]),
        ("x-kept", "yes"),
    ]


async def test_other_headers_pass_as_they_are_and_in_order() -> None:
    arrived = await passed(
        b"X-A: 1\r\naccept:  text/html\r\nX-A: 2\r\nX-Sluss-CSRF: 1\r\nX-Empty:\r\nx-latin: \xe5\r\n"
    )
    assert (
        b"X-A: 1\r\naccept:  text/html\r\nX-A: 2\r\nX-Sluss-CSRF: 1\r\nX-Empty:\r\nx-latin: \xe5\r\n"
        in arrived.head
    )


async def test_connection_takes_away_what_it_names_and_nothing_of_ours() -> None:
    arrived = await passed(
        b"Connection: close, X-A, Sluss-App, Forwarded, Host, Content-Length, x-odd\r\nX-A: 1\r\nX-ODD: 2\r\nX-B: 3\r\n"
        b"Content-Length: 2\r\n",
        method=b"POST",
        body=b"hi",
        injected=b"Sluss-App: app_1\r\nForwarded: for=192.0.2.1\r\n",
    )
    assert arrived.body == b"hi"
    assert [name for name, _ in arrived.fields] == ["host", "x-b", "content-length", "sluss-app", "forwarded"]


async def test_equal_lengths_become_one() -> None:
    arrived = await passed(b"Content-Length: 2\r\nContent-Length: 2, 2\r\n", method=b"POST", body=b"hi")
    assert arrived.values("content-length") == ["2"]
    assert arrived.body == b"hi"


async def test_a_chunked_body_is_put_together_anew() -> None:
    arrived = await passed(
        b"Transfer-Encoding: Chunked\r\nTrailer: X-T\r\n",
        method=b"POST",
        body=b"00002;a=b\r\nhi\r\n3\r\n ho\r\n0;x\r\nX-T: evil\r\nContent-Length: 5\r\nSluss-App: evil\r\n\r\n",
    )
    assert arrived.body == b"hi ho"
    assert arrived.complete
    assert arrived.values("transfer-encoding") == ["chunked"]
    assert [name for name, _ in arrived.fields] == ["host", "transfer-encoding"]


async def test_expect_is_answered_here() -> None:
    async with (
        scripted_upstream(echo) as upstream,
        running_edge(upstream.url) as edge,
        raw_client(edge.port) as client,
    ):
        client.send(
            b"PUT /a HTTP/1.1\r\nHost: sluss.test\r\nExpect: 100-Continue\r\nContent-Length: 2\r\n\r\n"
        )
        assert (await client.answer()).status == 100
        answer = await client.ask(b"hi")
        assert (answer.status, answer.body) == (200, b"hi")
        assert upstream.arrived[0].values("expect") == []


async def test_a_refusal_comes_instead_of_100() -> None:
    async with running_edge() as edge, raw_client(edge.port) as client:
        edge.line = lambda exchange: exchange.reply(401, [], b"no")
        answer = await client.ask(
            b"PUT /a HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"
        )
        assert answer.status == 401
        assert answer.field("connection") == "close"
        assert await client.ended()


async def test_the_route_may_pass_authorization_and_name_the_host() -> None:
    arrived = await passed(b"Authorization: Bearer x\r\n", pass_authorization=True, host=b"inside.test")
    assert arrived.values("authorization") == ["Bearer x"]
    assert arrived.values("host") == ["inside.test"]


@pytest.mark.parametrize(
    ("trusted", "forwarded_for", "peer"),
    [
        ((), "198.51.100.7", "127.0.0.1"),
        (("127.0.0.0/8",), "198.51.100.7", "198.51.100.7"),
        (("127.0.0.0/8",), "10.9.9.9, 198.51.100.7", "198.51.100.7"),
        (("127.0.0.0/8", "10.0.0.0/8"), "203.0.113.1, 198.51.100.7, 10.0.0.2", "198.51.100.7"),
        (("127.0.0.0/8",), "junk, 198.51.100.7", "198.51.100.7"),
        (("127.0.0.0/8",), "198.51.100.7, junk", "127.0.0.1"),
        (("127.0.0.0/8",), "198.51.100.7:4711", "198.51.100.7"),
        (("127.0.0.0/8",), "[2001:db8::1]:4711", "2001:db8::1"),
        (("127.0.0.0/8",), "::ffff:198.51.100.7", "198.51.100.7"),
        (("10.0.0.0/8",), "198.51.100.7", "127.0.0.1"),
        (("127.0.0.0/8",), "", "127.0.0.1"),
    ],
)
async def test_the_clients_address_is_what_trusted_proxies_say(
    trusted: tuple[str, ...], forwarded_for: str, peer: str
) -> None:
    async with running_edge(trusted=trusted) as edge, raw_client(edge.port) as client:
        edge.line = lambda exchange: exchange.reply(200, [], b"")
        head = f"GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: {forwarded_for}\r\nX-Forwarded-Proto: https\r\n\r\n"
        await client.ask(head.encode())
        assert edge.requests[0].peer == peer
        assert edge.requests[0].secure is ("127.0.0.0/8" in trusted)
        assert edge.requests[0].removed_fields(b"x-forwarded-for") == [forwarded_for.encode()]


ANSWER = (
    b"HTTP/1.1 203 Whatever\r\nServer: secret/1.0\r\nX-Powered-By: x\r\nContent-Type: text/plain\r\n"
    b"Connection: x-hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nSluss-App: evil\r\nRateLimit: evil\r\n"
    b"RateLimit-Policy: evil\r\nTrailer: x\r\nSet-Cookie: a=b\r\nSet-Cookie: c=d\r\nRequest-Id: evil\r\n"
    b"Alt-Svc: h2=1\r\nContent-Length: 2\r\n\r\nhi"
)


@pytest.mark.parametrize(
    ("proxies", "trusted"), [((), False), (("10.0.0.0/8",), False), (("127.0.0.0/8",), True)]
)
async def test_only_the_socket_s_peer_can_be_a_trusted_proxy(proxies: tuple[str, ...], trusted: bool) -> None:
    async with running_edge(trusted=proxies) as edge, raw_client(edge.port) as client:
        await client.ask(b"GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 10.1.1.1\r\n\r\n")
        assert edge.requests[0].trusted is trusted


async def test_of_an_answer_only_what_is_meant_for_the_client_passes() -> None:
    async with (
        scripted_upstream(answering(ANSWER)) as upstream,
        running_edge(upstream.url, response_lines=b"Request-Id: req_1\r\nRateLimit: x\r\n") as edge,
        raw_client(edge.port) as client,
    ):
        answer = await client.ask(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert answer.head.startswith(b"HTTP/1.1 203 Non-Authoritative Information\r\n")
        assert [name for name, _ in answer.fields] == [
            "content-type", "date", "content-length", "request-id", "ratelimit",
        ]  # fmt: skip
        assert answer.values("request-id") == ["req_1"]
        assert answer.body == b"hi"


async def test_what_the_line_says_itself_an_upstream_cannot_say_otherwise() -> None:
    said = b"HTTP/1.1 200 OK\r\nSUNSET: never\r\nLink: </a>\r\nContent-Length: 0\r\n\r\n"
    async with (
        scripted_upstream(answering(said)) as upstream,
        running_edge(
            upstream.url, response_lines=b"Sunset: soon\r\n", replaced=frozenset((b"sunset",))
        ) as edge,
        raw_client(edge.port) as client,
    ):
        answer = await client.ask(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert answer.values("sunset") == ["soon"]
        assert answer.values("link") == ["</a>"]


@pytest.mark.parametrize("pass_cookies", [True, False])
async def test_cookies_pass_both_ways_only_where_the_line_says_so(pass_cookies: bool) -> None:
    async with (
        scripted_upstream(answering(ANSWER)) as upstream,
        running_edge(upstream.url, pass_cookies=pass_cookies) as edge,
        raw_client(edge.port) as client,
    ):
        answer = await client.ask(b"GET / HTTP/1.1\r\nHost: a\r\nCookie: s=1\r\nCOOKIE: t=2\r\n\r\n")
        sent = [value for name, value in upstream.arrived[0].fields if name == "cookie"]
        assert sent == (["s=1", "t=2"] if pass_cookies else [])
        assert answer.values("set-cookie") == (["a=b", "c=d"] if pass_cookies else [])


@pytest.mark.parametrize(
    ("method", "upstream_answer", "length"),
    [
        (b"HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "5"),
        (b"HEAD", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", None),
        (b"HEAD", b"HTTP/1.1 404 Not Found\r\n\r\n", None),
        (b"GET", b"HTTP/1.1 204 No Content\r\n\r\n", None),
        (b"GET", b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", None),
        (b"GET", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", "5"),
        (b"GET", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "0"),
    ],
)
async def test_answers_without_a_body(method: bytes, upstream_answer: bytes, length: str | None) -> None:
    async with (
        scripted_upstream(answering(upstream_answer)) as upstream,
        running_edge(upstream.url) as edge,
        raw_client(edge.port) as client,
    ):
        for _ in range(3):
            answer = await client.ask(method + b" / HTTP/1.1\r\nHost: a\r\n\r\n", method.decode())
            assert answer.field("content-length") == length
            assert answer.field("transfer-encoding") is None
            assert answer.body == b""
        assert upstream.visits == 1


async def test_local_answers_are_whole() -> None:
    async with running_edge() as edge, raw_client(edge.port) as client:
        edge.line = lambda exchange: exchange.reply(200, [(b"X-A", b"b")], b"hello")
        answer = await client.ask(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert answer.body == b"hello"
        assert answer.field("x-a") == "b"
        assert answer.field("date") is not None
        answer = await client.ask(b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", "HEAD")
        assert answer.field("content-length") == "5"
        edge.line = lambda exchange: exchange.reply(204, [], b"")
        answer = await client.ask(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert answer.field("content-length") is None
        edge.line = lambda exchange: exchange.reply(200, [], b"bye", close=True)
        answer = await client.ask(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert (answer.body, answer.field("connection")) == (b"bye", "close")
        assert await client.ended()


async def test_a_line_break_in_a_header_of_our_own_is_never_sent(caplog: pytest.LogCaptureFixture) -> None:
    def careless(exchange: Exchange) -> None:
        exchange.reply(200, [(b"X-A", b"b\r\nSet-Cookie: evil")], b"")

    async with running_edge() as edge, raw_client(edge.port) as client:
        edge.line = careless
        answer = await client.ask(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert answer.status == 500
        assert answer.body == b"internal-fault"
        assert b"evil" not in answer.head
        assert await client.ended()
    assert "the line failed" in caplog.text


async def test_a_line_that_fails_after_forwarding_gives_one_answer(caplog: pytest.LogCaptureFixture) -> None:
    async with scripted_upstream(answering(OK)) as upstream, running_edge(upstream.url) as edge:

        def failing(exchange: Exchange) -> None:
            edge.forward(exchange)
            raise ZeroDivisionError

        edge.line = failing
        async with raw_client(edge.port) as client:
            client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            assert (await client.answer()).status == 500
            assert await client.ended()
        assert (await edge.ending()).answered is False
    assert "the line failed" in caplog.text


async def test_a_line_that_fails_at_the_ending_leaves_no_client_waiting(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def failing(ending: Ending) -> None:
        raise ZeroDivisionError

    async with running_edge("http://127.0.0.1:9") as edge, raw_client(edge.port) as client:
        edge.line = lambda exchange: exchange.forward(Order(edge.upstream, b"/a"), failing)
        answer = await client.ask(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert answer.status == 500
        assert await client.ended()
    assert "the line failed after an exchange" in caplog.text

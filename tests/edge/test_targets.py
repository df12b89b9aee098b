"""Paths that two programs could read differently are refused; all others go upstream as they came."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.edge.errors import DeceptivePath, EdgeFault, MalformedHost, MalformedTarget
from gateway.edge.target import check_authority, check_path, check_query, split_absolute
from tests.line_support.raw_client import raw_client
from tests.line_support.running_edge import running_edge
from tests.line_support.scripted_upstream import OK as ANSWER
from tests.line_support.scripted_upstream import answering, scripted_upstream

TRICKS = [
    "/..", "/../a", "/a/..", "/a/../b", "/a/../../b", "/.", "/./a", "/a/.", "/a/./b",
    "/%2e%2e/a", "/a/%2E%2e/b", "/a/.%2e/b", "/a/%2e./b", "/a/%2e/b", "/%2e",
    "/a%2fb", "/a%2Fb", "/a/..%2fb", "/a%5cb", "/a%5Cb", "/a/..%5c..%5cb", "/a/%2f/b",
    "/a%00", "/a%00.json", "/a%0a", "/a%0d%0aX-A:b", "/a%1f", "/a%7f", "/a%09b",
    "/a%252e%252e/b", "/a%252fb", "/a%255cb", "/a%25%32%65", "/a%2500", "/a%25252f",
    "/a;b", "/a;b=c/d", "/a/..;/b", "/a;/../b", "/a%3bb", "/a%3Bv=1", "//a", "/a//b", "/a//", "///",
    "/a\\b", "/a\\..\\b", "/%c0%ae%c0%ae/a", "/%c0%afa", "/a%c1%9cb", "/%e0%80%ae/a", "/a%f0%80%80%af",
    "/%ff", "/a%c3", "/%c3%28", "/a%ed%a0%80", "/%f4%90%80%80", "/%61", "/%41dmin", "/a%2Db", "/a%7Eb", "/a%5fb",
    "/a%ef%bc%8fb", "/%ef%bc%8e%ef%bc%8e/a", "/a%ef%bc%bcb", "/a%ef%bc%85b", "/a%c2%85b", "/a%e2%80%aeb",
    "/a%e2%80%8bb",
]  # fmt: skip
MALFORMED = [
    "/a#b", "/a#", "/a%", "/a%2", "/a%zz", "/a%u002f", "/a<b", "/a>b", '/a"b', "/a^b", "/a`b", "/a{b}",
    "/a|b", "/a[b]",
    "/å", "/a\xe5", "/a%%41",
]  # fmt: skip
GOOD = [
    "/", "/a", "/a/", "/a/b.c", "/a.b/c", "/a..b/c", "/a/...", "/.well-known/x", "/a/.b", "/a/b.",
    "/a/-_~!$&'()*+,=:@",
    "/a%20b", "/v%C3%A5rd/%c3%a4", "/a%3Ab", "/a%40b", "/100%25", "/100%25/a", "/%E2%82%AC", "/a%22b",
    "/a%7Cb", "/%5B1%5D",
]  # fmt: skip


@pytest.mark.parametrize("path", TRICKS)
def test_deceptive_paths_are_refused(path: str) -> None:
    with pytest.raises(DeceptivePath):
        check_path(path.encode("latin-1"))


@pytest.mark.parametrize("path", MALFORMED)
def test_malformed_paths_are_refused(path: str) -> None:
    with pytest.raises(MalformedTarget):
        check_path(path.encode("latin-1"))


@pytest.mark.parametrize("path", GOOD)
def test_good_paths_are_left_as_they_are(path: str) -> None:
    assert check_path(path.encode()) == path


@given(st.binary(max_size=40).map(lambda tail: b"/" + tail))
def test_any_accepted_path_reads_the_same_to_everybody(raw: bytes) -> None:
    try:
        path = check_path(raw)
    except EdgeFault:
        return
    assert path.encode() == raw
    from urllib.parse import quote, unquote

    once = unquote(path, errors="strict")
    assert unquote(once) == once or "%" in once
    assert once.count("/") == path.count("/")
    assert not {".", ".."} & set(once.split("/"))
    assert "//" not in once
    assert not any(char in once for char in "\\;\x00\r\n")
    assert quote(once, safe="/!$&'()*+,=:@~").lower() == path.lower() or "%" in path


@pytest.mark.parametrize("path", TRICKS + MALFORMED)
async def test_tricks_never_reach_an_upstream(path: str) -> None:
    async with (
        scripted_upstream(answering(ANSWER)) as upstream,
        running_edge(upstream.url) as edge,
        raw_client(edge.port) as client,
    ):
        line = b"GET " + path.encode("latin-1") + b" HTTP/1.1\r\nHost: sluss.test\r\n\r\n"
        answer = await client.ask(line)
        assert answer.status == 400
        assert await client.ended()
        assert upstream.visits == 0


@pytest.mark.parametrize("path", GOOD)
async def test_routing_and_upstream_see_the_same_bytes(path: str) -> None:
    async with (
        scripted_upstream(answering(ANSWER)) as upstream,
        running_edge(upstream.url) as edge,
        raw_client(edge.port) as client,
    ):
        target = path.encode() + b"?a=1&a=2&b=%2F..%00;c|d"
        answer = await client.ask(b"GET " + target + b" HTTP/1.1\r\nHost: sluss.test\r\n\r\n")
        assert answer.status == 200
        assert edge.requests[0].path == path
        assert edge.requests[0].query == b"a=1&a=2&b=%2F..%00;c|d"
        assert upstream.arrived[0].line == b"GET " + target + b" HTTP/1.1"


@pytest.mark.parametrize("query", [b"a#b", b"a%", b"a%zz", b"\xc3\xa5", b"a b", b"a\x7f", b"a\x00"])
def test_bad_queries_are_refused(query: bytes) -> None:
    with pytest.raises(MalformedTarget):
        check_query(query)


@pytest.mark.parametrize(
    ("target", "parts"),
    [
        (b"http://a.test/b?c", (b"a.test", b"/b?c")),
        (b"HTTPS://a.test:8/b", (b"a.test:8", b"/b")),
        (b"http://a.test", (b"a.test", b"/")),
        (b"http://a.test?c", (b"a.test", b"/?c")),
        (b"http://a.test/b?http://c", (b"a.test", b"/b?http://c")),
    ],
)
def test_absolute_form(target: bytes, parts: tuple[bytes, bytes]) -> None:
    assert split_absolute(target) == parts


@pytest.mark.parametrize(
    ("value", "host"),
    [
        (b"a.test", "a.test"), (b"A.Test:80", "a.test"), (b"127.0.0.1:8080", "127.0.0.1"), (b"[::1]:80", "[::1]"),
        (b"[2001:DB8::1]", "[2001:db8::1]"), (b"my_service:1", "my_service"), (b"a", "a"),
    ],
)  # fmt: skip
def test_authorities(value: bytes, host: str) -> None:
    assert check_authority(value) == host


@pytest.mark.parametrize(
    "value", [b"", b":80", b"a:", b"a:0", b"a@b", b"[::1", b"::1", b"-a", b"a-", b"a" * 300]
)
def test_bad_authorities(value: bytes) -> None:
    with pytest.raises(MalformedHost):
        check_authority(value)


async def test_the_absolute_form_decides_the_host() -> None:
    async with (
        scripted_upstream(answering(ANSWER)) as upstream,
        running_edge(upstream.url, hosts=frozenset(["a.test"])) as edge,
    ):
        async with raw_client(edge.port) as client:
            answer = await client.ask(b"GET http://A.test:80/x HTTP/1.1\r\nHost: other.test\r\n\r\n")
            assert answer.status == 200
            assert edge.requests[0].host == "a.test"
            assert edge.requests[0].authority == b"A.test:80"
            assert upstream.arrived[0].line == b"GET /x HTTP/1.1"
        async with raw_client(edge.port) as client:
            answer = await client.ask(b"GET http://other.test/x HTTP/1.1\r\nHost: a.test\r\n\r\n")
            assert answer.status == 421
            assert len(upstream.arrived) == 1


async def test_unknown_hosts_are_refused() -> None:
    async with running_edge(hosts=frozenset(["a.test"])) as edge, raw_client(edge.port) as client:
        answer = await client.ask(b"GET / HTTP/1.1\r\nHost: b.test\r\n\r\n")
        assert answer.status == 421
        assert answer.body == b"unknown-host"
        assert edge.requests == []

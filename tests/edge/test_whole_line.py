"""The promises that need the real line behind the edge: each request judged, limited and metered by itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.edge.test_targets import MALFORMED, TRICKS
from tests.gateway.served import served


async def test_pipelined_requests_are_each_judged_and_metered(tmp_path: Path) -> None:
    """H36: answered in order; a token counts for its own request and for no other."""
    async with served(tmp_path) as line, line.client() as client:
        good, bad = line.head("/eko/v1/echo"), line.head("/eko/v1/echo", token=None)
        wrong = line.head("/eko/v1/echo", token="Bearer x.y.z")
        client.send(good + bad + good + wrong + line.head("/nowhere/v1/x") + good)
        statuses = [(await client.answer()).status for _ in range(6)]
        assert statuses == [200, 401, 200, 401, 404, 200]
        assert line.asked == 3
        records = await line.recorded(6)
        assert [record.status for record in records] == statuses
        assert [bool(record.outcome) for record in records] == [True, False, True, False, False, True]
        assert line.stand.counters.said.count("take 1") == 3
        assert line.stand.counters.said.count("keep") == 3


async def test_a_refusal_comes_before_the_body_is_sent(tmp_path: Path) -> None:
    """H26: with Expect, 401 instead of 100; with a token, 100 and then the answer."""
    body = {"Expect": "100-continue", "Content_Length": "5", "Content_Type": "text/plain"}
    async with served(tmp_path) as line:
        async with line.client() as client:
            answer = await client.ask(line.head("/eko/v1/echo", "POST", token=None, **body))
            assert (answer.status, answer.field("connection")) == (401, "close")
            assert line.asked == 0
        async with line.client() as client:
            assert (await client.ask(line.head("/eko/v1/echo", "POST", **body))).status == 100
            client.send(b"hello")
            assert (await client.answer()).status == 200
            assert line.upstream.arrived[0].body == b"hello"


@pytest.mark.parametrize("value", ["100-Continue, x", "200-ok", "", "100-continue;q=1"])
async def test_other_expectations(tmp_path: Path, value: str) -> None:
    """H26: 417, without a token being looked at."""
    async with served(tmp_path) as line:
        assert (await line.ask("/eko/v1/echo", Expect=value)).status == 417
        assert line.asked == 0


async def test_no_trick_leads_a_caller_past_the_published_paths(tmp_path: Path) -> None:
    """H21, H22: with a good token, 0 of these reach the upstream, below the API's base or beside it."""
    assert len(TRICKS) >= 34
    async with served(tmp_path) as line:
        for trick in [*TRICKS, *MALFORMED]:
            for path in (f"/eko/v1{trick}", f"/eko/v1/echo{trick}"):
                raw = line.head("/eko/v1/echo").replace(b"/eko/v1/echo", path.encode("latin-1"), 1)
                assert (await line.ask("", raw=raw)).status == 400, path
        for path in ("/eko/v1/_count", "/EKO/v1/echo", "/eko/V1/echo", "/eko/v1/Echo", "/eko/v1/echo/", "/eko/v1./echo",
                     "/eko/v1/echo.", "/eko/v2/echo", "/eko/v1/echo/a/b", "/eko/v1", "/eko/v1/"):  # fmt: skip
            assert (await line.ask(path)).status == 404, path
        assert line.asked == 0
        assert line.stand.counters.said == []


@pytest.mark.parametrize(
    "query", ["a=1&a=2", "a[]=1&a[]=2", "A=1&a=2", "a=1;a=2", "a=%31&a=1", "&&a=&=b", "a=1?b#".rstrip("#")]
)
async def test_the_query_reaches_the_upstream_as_it_was_sent(tmp_path: Path, query: str) -> None:
    """H24: nothing is decided on one of two values here, so nothing can be decided on the other there."""
    async with served(tmp_path) as line:
        assert (await line.ask(f"/eko/v1/echo?{query}")).status == 200
        assert line.upstream.arrived[0].line.split(b" ")[1].endswith(f"?{query}".encode())


async def test_identity_cannot_be_set_by_the_client(tmp_path: Path) -> None:
    """H19: whatever the spelling, the upstream sees one value of each name, ours."""
    spellings = [
        "Sluss-App",
        "sluss-app",
        "SLUSS-APP",
        "Sluss_App",
        "sluss_APP",
        "Sluss.App",
        "Sluss-Anything",
        "Sluss",
    ]
    async with served(tmp_path) as line:
        for name in spellings:
            raw = line.head("/eko/v1/echo")[:-2] + f"{name}: evil\r\n\r\n".encode()
            assert (await line.ask("", raw=raw)).status == 200
        for arrived in line.upstream.arrived:
            assert arrived.values("sluss-app") == ["app_1"]
            assert b"evil" not in arrived.head

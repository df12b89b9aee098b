"""The response cache over real sockets: RFC 9111 in a table, and who never gets whose answer."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from email.utils import formatdate
from typing import Any

import orjson
import pytest

from gateway.cache.store import Store
from gateway.catalog.answers.values import Answers, Caching, Cors, HeaderRules, Shared
from gateway.catalog.model import Judging, Validation
from storage.apps import App
from storage.subscriptions import Subscription
from tests.gateway.line_of_one import APP, SUBSCRIPTION, rows
from tests.gateway.served import Served
from tests.line_support.raw_client import RawAnswer
from tests.line_support.scripted_upstream import Visit

OPEN = Answers(cache=Caching(Shared.EVERYONE))
OURS = Answers(cache=Caching(Shared.ORGANISATION))
MINE = Answers(cache=Caching(Shared.SUBJECT))
HERE = "/eko/v1/echo"
FRESH = "public, max-age=600"
SECOND_APP = replace(APP, id="app_2", client_id="sluss_app_2")
OTHER_APP = App("app_3", "org_2", "Other", "sandbox", "sluss_app_3", "active", 0, 0)


def answer(said: str | None = FRESH, *lines: str, body: str = "ok", status: str = "200 OK") -> bytes:
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *lines]
    if said is not None:
        head.append(f"Cache-Control: {said}")
    return ("\r\n".join(head) + "\r\n\r\n" + body).encode()


def numbered(*lines: str) -> Any:
    """An upstream whose every answer is another."""

    async def script(visit: Visit) -> None:
        while True:
            await visit.request()
            await visit.send(answer(FRESH, *lines, body=f"answer {len(visit.upstream.arrived)}"))

    return script


def status(got: RawAnswer) -> str:
    values = got.values("cache-status")
    assert len(values) == 1
    return values[0]


def everybody(line: Served) -> None:
    """Two apps of one organisation and one of another may call."""
    subscriptions = [
        SUBSCRIPTION,
        replace(SUBSCRIPTION, id="sub_2", app_id="app_2"),
        Subscription("sub_3", "org_2", "app_3", "eko/v1", "prova", 1, "active", 0, 0),
    ]
    known = replace(rows(line.stand.mint), apps=[APP, SECOND_APP, OTHER_APP], subscriptions=subscriptions)
    line.stand.use(known, line.catalog)


def token_of(line: Served, app: App) -> str:
    return line.stand.token(sub=app.client_id, client_id=app.client_id, org=app.organisation_id, app=app.id)


@pytest.fixture
def cache(line: Served) -> Store:
    return line.stand.line.cache


async def test_a_kept_answer_is_given_again_with_its_age(line: Served, cache: Store) -> None:
    line.publish(OPEN)
    line.answer = answer(FRESH, "Content-Type: text/plain", 'ETag: "a"', "Server: secret", "Age: 7")
    first, second = await line.ask(HERE), await line.ask(HERE)
    assert (first.status, first.body, status(first)) == (200, b"ok", "sluss; fwd=uri-miss; stored")
    assert (second.status, second.body, second.whole) == (200, b"ok", True)
    assert status(second).startswith("sluss; hit; ttl=59")
    assert int(second.field("age") or -1) >= 7
    assert second.field("content-type") == "text/plain"
    assert second.field("server") is None
    assert second.values("date") == first.values("date") != []
    assert second.values("content-length") == ["2"]
    assert second.field("request-id") != first.field("request-id")
    assert second.field("ratelimit") is not None
    assert line.asked == 1
    assert (cache.hits, cache.misses, len(cache)) == (1, 1, 1)


async def test_a_hit_is_counted_like_any_answer(line: Served) -> None:
    """L16: cached answers are billed by the published table."""
    line.publish(OPEN)
    line.answer = answer()
    await line.ask(HERE)
    line.stand.counters.said.clear()
    await line.ask(HERE)
    assert line.stand.counters.said == ["take 1", "keep"]
    record = (await line.recorded(2))[1]
    assert (record.status, record.outcome, record.upstream_status, record.bytes_out) == (200, "served", 0, 2)


async def test_every_hit_is_authenticated_and_limited_anew(line: Served, cache: Store) -> None:
    line.publish(OPEN)
    line.answer = answer()
    await line.ask(HERE)
    assert (await line.ask(HERE, token=None)).status == 401
    assert (await line.ask(HERE, token=line.stand.token(scope="other"))).status == 403
    line.stand.use(rows(line.stand.mint, subscription=replace(SUBSCRIPTION, state="closed")), line.catalog)
    assert (await line.ask(HERE)).status == 403
    assert cache.hits == 0


async def test_nothing_is_kept_where_the_publication_does_not_say_so(line: Served, cache: Store) -> None:
    line.answer = answer()
    for _ in range(2):
        assert (await line.ask(HERE)).field("cache-status") is None
    assert (line.asked, len(cache)) == (2, 0)


async def test_only_the_named_operations_are_kept(line: Served, cache: Store) -> None:
    line.publish(Answers(cache=Caching(Shared.EVERYONE, frozenset({"getEcho"}))))
    line.answer = answer()
    await line.ask(HERE)
    await line.ask(HERE + "/word")
    assert len(cache) == 1


# Cache-Control and other lines of the answer, whose it is, and whether a second call is answered from the cache.
STORING: list[tuple[Answers, str | None, tuple[str, ...], bool]] = [
    (OPEN, "public, max-age=60", (), True),
    (OPEN, "s-maxage=60", (), True),
    (OPEN, "must-revalidate, max-age=60", (), True),
    (OPEN, 'PUBLIC ,Max-Age="60"', (), True),
    (OPEN, "max-age=60", (), False),  # RFC 9111, 3.5: Authorization, and nothing that allows it
    (OPEN, "public", (), False),  # says nothing of freshness, and nothing is guessed
    (OPEN, None, (), False),
    (OPEN, "public, max-age=0", (), False),
    (OPEN, "public, max-age=60, s-maxage=0", (), False),  # s-maxage is the shared cache's
    (OPEN, "public, max-age=0, s-maxage=60", (), True),
    (OPEN, "public, max-age=60, no-store", (), False),
    (OPEN, "public, max-age=60, private", (), False),
    (OPEN, 'public, max-age=60, private="X-A"', (), False),
    (OPEN, "public, max-age=60, no-cache", (), False),
    (OPEN, "public, max-age=60, max-age=0", (), False),
    (OPEN, "public, max-age=abc", (), False),
    (OPEN, "public, max-age=-1", (), False),
    (OPEN, 'public, max-age=60, "', (), False),
    (OPEN, FRESH, ("Set-Cookie: a=b",), False),
    (OPEN, FRESH, ("Vary: *",), False),
    (OPEN, FRESH, ("Vary: Authorization",), False),
    (OPEN, FRESH, ("Vary: Cookie",), False),
    (OPEN, FRESH, ("Vary: Forwarded",), False),
    (OPEN, FRESH, ("Vary: X-Forwarded-Prefix",), False),
    (OPEN, FRESH, ("Vary: Accept-Language", "Vary: accept-encoding"), True),
    (OPEN, FRESH, ("Content-Encoding: gzip",), False),  # a coding nobody was told to vary by
    (OPEN, FRESH, ("Content-Encoding: gzip", "Vary: Accept-Encoding"), True),
    (OPEN, FRESH, ("Content-Range: bytes 0-1/9",), False),
    (OPEN, "public", (f"Expires: {formatdate(time.time() + 600, usegmt=True)}",), True),
    (OPEN, "public", ("Expires: 0",), False),
    (OPEN, "public", (f"Expires: {formatdate(time.time() - 600, usegmt=True)}",), False),
    (OPEN, FRESH, ("Age: 601",), False),
    (OPEN, FRESH, (f"Date: {formatdate(time.time() - 3600, usegmt=True)}",), False),
    (OURS, "max-age=60", (), True),  # the publication has said whose it is
    (OURS, "private, max-age=60", (), False),
    (OURS, "no-store", (), False),
    (MINE, "max-age=60", (), True),
    (MINE, "private, max-age=60", (), False),
]  # fmt: skip


@pytest.mark.parametrize(("answers", "said", "lines", "kept"), STORING)
async def test_what_is_kept(
    line: Served, answers: Answers, said: str | None, lines: tuple[str, ...], kept: bool
) -> None:
    line.publish(answers)
    line.answer = answer(said, *lines)
    for _ in range(2):
        assert (await line.ask(HERE)).body == b"ok"
    assert line.asked == (1 if kept else 2)


@pytest.mark.parametrize(
    ("code", "kept"),
    [
        ("404 Not Found", True),
        ("410 Gone", True),
        ("301 Moved", True),
        ("500 Oops", False),
        ("206 Part", False),
    ],
)
async def test_which_statuses_are_kept(line: Served, code: str, kept: bool) -> None:
    line.publish(OPEN)
    line.answer = answer(status=code)
    answers = [await line.ask(HERE) for _ in range(2)]
    assert {str(each.status) for each in answers} == {code[:3]}
    assert line.asked == (1 if kept else 2)


# A request's own headers, and what becomes of it when a fresh answer is kept.
ASKING: list[tuple[dict[str, Any], str]] = [
    ({}, "hit"),
    ({"Cache_Control": "max-age=600"}, "hit"),
    ({"Cache_Control": "max-stale=5"}, "hit"),
    ({"Cache_Control": "only-if-cached"}, "hit"),
    ({"Cache_Control": "no-cache"}, "fwd=request"),
    ({"Cache_Control": "max-age=0"}, "fwd=request"),
    ({"Cache_Control": "min-fresh=700"}, "fwd=request"),
    ({"Pragma": "no-cache"}, "fwd=request"),
    ({"Pragma": "no-cache", "Cache_Control": "max-age=600"}, "hit"),
    ({"Cache_Control": "no-store"}, "fwd=bypass"),
    ({"Range": "bytes=0-1"}, "fwd=bypass"),
    ({"If_Match": '"a"'}, "fwd=bypass"),
    ({"Accept": "text/html"}, "fwd=uri-miss"),
    ({"Accept_Language": "en"}, "fwd=uri-miss"),
    ({"X_Unknown": "1"}, "hit"),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "how"), ASKING)
async def test_what_a_request_may_ask_of_the_cache(line: Served, fields: dict[str, Any], how: str) -> None:
    line.publish(OPEN)
    line.answer = answer()
    await line.ask(HERE)
    assert status(await line.ask(HERE, **fields)).removeprefix("sluss; ").startswith(how)
    assert line.asked == (1 if how == "hit" else 2)


async def test_only_if_cached_without_a_kept_answer_is_504_and_free(line: Served) -> None:
    line.publish(OPEN)
    got = await line.ask(HERE, Cache_Control="only-if-cached")
    assert (got.status, orjson.loads(got.body)["code"], line.asked) == (504, "not-cached", 0)
    assert line.stand.counters.said == ["take 1", "give back"]


@pytest.mark.parametrize("name", ["no-store", "no-cache"])
async def test_what_a_request_without_storing_gets_is_not_kept(line: Served, name: str) -> None:
    line.publish(OPEN)
    line.answer = answer()
    await line.ask(HERE, Cache_Control=name)
    again = await line.ask(HERE)
    assert status(again).startswith("sluss; fwd" if name == "no-store" else "sluss; hit")


async def test_host_query_and_path_are_in_the_key(line: Served) -> None:
    line.publish(OPEN)
    line.script = numbered()
    bodies = {
        (await line.ask("", raw=raw)).body
        for raw in (
            line.head(HERE),
            line.head(HERE + "?a=1"),
            line.head(HERE + "?a=1&a=2"),
            line.head(HERE + "?a=2&a=1"),
            line.head(HERE + "/a"),
            line.head(HERE).replace(b"localhost", b"localhost:1"),
        )
    }
    assert len(bodies) == 6


async def test_vary_keeps_one_answer_for_each_value(line: Served) -> None:
    line.publish(OPEN)
    line.script = numbered("Vary: Accept-Encoding, X-Colour")
    red = await line.ask(HERE, X_Colour="red")
    blue = await line.ask(HERE, X_Colour="blue")
    assert status(blue) == "sluss; fwd=vary-miss; stored"
    assert (await line.ask(HERE, X_Colour="red")).body == red.body
    assert (await line.ask(HERE, X_Colour="blue")).body == blue.body
    none = await line.ask(HERE)
    assert none.body not in (red.body, blue.body)


@pytest.mark.parametrize("fields", [{"X_Evil": "1"}, {"X_Unkeyed": "<script>"}, {"Cookie": "a=b"}])
async def test_a_header_outside_the_key_poisons_nothing(line: Served, fields: dict[str, Any]) -> None:
    """H38: what such a request gets is given to nobody else; a header that Vary names is in the key."""
    line.publish(OPEN)
    line.script = numbered()
    poisoned = await line.ask(HERE, **fields)
    assert "stored" not in status(poisoned)
    clean = await line.ask(HERE)
    assert clean.body != poisoned.body
    assert (await line.ask(HERE, **fields)).body == clean.body


async def test_what_the_gateway_tells_the_service_poisons_nothing(line: Served) -> None:
    """H38: an answer that varies by who calls is found again for the same caller only, also where all share."""
    line.publish(OPEN)
    everybody(line)
    line.script = numbered("Vary: Sluss-Organisation")
    one, other = token_of(line, APP), token_of(line, OTHER_APP)
    ours, theirs = await line.ask(HERE, token=one), await line.ask(HERE, token=other)
    assert ours.body != theirs.body
    assert (await line.ask(HERE, token=one)).body == ours.body
    assert (await line.ask(HERE, token=other)).body == theirs.body
    assert line.asked == 2


@pytest.mark.parametrize(
    ("answers", "asked"), [(OPEN, 1), (OURS, 2), (MINE, 3)], ids=["everyone", "organisation", "subject"]
)
async def test_who_shares_an_answer(line: Served, answers: Answers, asked: int) -> None:
    """Z12, H38: an organisation never sees what was fetched for another."""
    line.publish(answers)
    everybody(line)
    line.script = numbered()
    bodies: dict[str, bytes] = {}
    for _ in range(2):
        for app in (APP, SECOND_APP, OTHER_APP):
            got = await line.ask(HERE, token=token_of(line, app))
            assert bodies.setdefault(app.id, got.body) == got.body
    assert len(set(bodies.values())) == line.asked == asked


async def test_scopes_and_environments_share_nothing(line: Served) -> None:
    line.publish(OURS)
    line.script = numbered()
    narrow = await line.ask(HERE)
    wide = await line.ask(HERE, token=line.stand.token(scope="eko:call eko:more"))
    assert narrow.body != wide.body


async def test_head_is_answered_from_a_kept_get(line: Served) -> None:
    line.publish(OPEN)
    line.answer = answer()
    miss = await line.ask(HERE, "HEAD")
    assert (miss.status, status(miss)) == (200, "sluss; fwd=uri-miss")
    await line.ask(HERE)
    async with line.client() as client:
        got = await client.ask(line.head(HERE, "HEAD"), "HEAD")
        assert (got.status, got.field("content-length")) == (200, "2")
        assert status(got).startswith("sluss; hit")
        assert (await client.ask(line.head(HERE))).body == b"ok"  # H25: nothing was left on the connection
    assert line.asked == 2


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"If_None_Match": '"a"'}, 304),
        ({"If_None_Match": 'W/"a"'}, 304),
        ({"If_None_Match": '"b", "a"'}, 304),
        ({"If_None_Match": "*"}, 304),
        ({"If_None_Match": '"b"'}, 200),
        ({"If_None_Match": "a"}, 200),
        ({"If_Modified_Since": "Sat, 01 Aug 2026 00:00:00 GMT"}, 304),
        ({"If_Modified_Since": "Sat, 02 Aug 2025 00:00:00 GMT"}, 200),
        ({"If_Modified_Since": "yesterday"}, 200),
        ({"If_None_Match": '"b"', "If_Modified_Since": "Sat, 01 Aug 2026 00:00:00 GMT"}, 200),
    ],
)  # fmt: skip
async def test_a_conditional_request_is_answered_from_the_cache(
    line: Served, fields: dict[str, Any], code: int
) -> None:
    line.publish(OPEN)
    line.answer = answer(FRESH, 'ETag: "a"', "Last-Modified: Sat, 01 Aug 2026 00:00:00 GMT", "X-A: 1")
    await line.ask(HERE)
    async with line.client() as client:
        got = await client.ask(line.head(HERE, **fields))
        assert (got.status, got.body) == (code, b"" if code == 304 else b"ok")
        assert got.field("etag") == '"a"'
        assert got.field("cache-control") == FRESH
        if code == 304:
            assert got.field("content-length") is None
            assert got.field("x-a") is None
        assert (await client.ask(line.head(HERE))).body == b"ok"
    assert line.asked == 1


def revalidating(*answers_: bytes) -> Any:
    async def script(visit: Visit) -> None:
        while True:
            await visit.request()
            at = min(len(visit.upstream.arrived), len(answers_)) - 1
            await visit.send(answers_[at])

    return script


async def test_a_stale_answer_is_asked_about_and_kept_on(line: Served, cache: Store) -> None:
    """RFC 9111, 4.3: If-None-Match upstream; a 304 refreshes what is kept and the client gets the whole."""
    line.publish(OPEN)
    line.script = revalidating(
        answer("public, max-age=0", 'ETag: "a"', "X-A: old", "Last-Modified: Sat, 01 Aug 2026 00:00:00 GMT",
               body="whole"),
        b'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\nX-A: new\r\nCache-Control: public, max-age=600\r\n\r\n',
    )  # fmt: skip
    await line.ask(HERE)
    second = await line.ask(HERE)
    assert (second.status, second.body, second.whole) == (200, b"whole", True)
    assert status(second) == "sluss; fwd=stale; fwd-status=304; stored"
    assert second.values("x-a") == ["new"]
    asked = line.upstream.arrived[1]
    assert asked.values("if-none-match") == ['"a"']
    assert asked.values("if-modified-since") == ["Sat, 01 Aug 2026 00:00:00 GMT"]
    third = await line.ask(HERE)
    assert (third.body, third.values("x-a"), line.asked) == (b"whole", ["new"], 2)
    assert status(third).startswith("sluss; hit; ttl=59")
    assert (cache.revalidations, len(cache)) == (1, 1)


async def test_an_answer_that_is_judged_is_kept_and_revalidated_all_the_same(line: Served) -> None:
    """The 304 to the gateway's own question is for the gateway, also when the answers are held to the document."""
    line.publish(OPEN, validation=Validation(response=Judging.LOG))
    line.script = revalidating(
        answer("public, max-age=0", 'ETag: "a"', body="whole"),
        b'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\n\r\n',
    )
    await line.ask(HERE)
    second = await line.ask(HERE)
    assert (second.status, second.body, second.whole) == (200, b"whole", True)


async def test_a_client_s_own_condition_is_answered_after_the_revalidation(line: Served) -> None:
    line.publish(OPEN)
    not_modified = b'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\n\r\n'
    line.script = revalidating(answer("public, max-age=0", 'ETag: "a"'), not_modified)
    await line.ask(HERE)
    same = await line.ask(HERE, If_None_Match='"a"')
    other = await line.ask(HERE, If_None_Match='"b"')
    head = await line.ask(HERE, "HEAD")
    assert (same.status, same.body) == (304, b"")
    assert (other.status, other.body) == (200, b"ok")
    assert (head.status, head.field("content-length")) == (200, "2")
    assert [each.values("if-none-match") for each in line.upstream.arrived[1:]] == [['"a"']] * 3


async def test_a_changed_answer_takes_the_place_of_the_stale_one(line: Served, cache: Store) -> None:
    line.publish(OPEN)
    line.script = revalidating(
        answer("public, max-age=0", 'ETag: "a"', body="old"), answer(FRESH, 'ETag: "b"', body="newer")
    )
    await line.ask(HERE)
    assert (await line.ask(HERE)).body == b"newer"
    assert (await line.ask(HERE)).body == b"newer"
    assert (line.asked, len(cache)) == (2, 1)


async def test_a_304_that_nobody_asked_for_goes_on_as_it_is(line: Served, cache: Store) -> None:
    line.publish(OPEN)
    line.answer = b"HTTP/1.1 304 Not Modified\r\nCache-Control: public, max-age=60\r\n\r\n"
    assert (await line.ask(HERE, If_None_Match='"z"')).status == 304
    assert len(cache) == 0


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_a_change_makes_what_is_kept_void_for_everybody(
    line: Served, cache: Store, method: str
) -> None:
    """RFC 9111, 4.4, over the boundary of organisations; every query of the path, and no other path."""
    line.publish(OURS)
    everybody(line)
    line.answer = answer()
    for path in (HERE, HERE + "?a=1", HERE + "/other"):
        for app in (APP, OTHER_APP):
            await line.ask(path, token=token_of(line, app))
    assert len(cache) == 6
    assert (await line.ask(HERE, method, token=token_of(line, APP))).status == 200
    assert len(cache) == 2
    await line.ask(HERE, token=token_of(line, OTHER_APP))
    assert line.asked == 8


async def test_a_change_that_failed_makes_nothing_void(line: Served, cache: Store) -> None:
    line.publish(OPEN)
    line.answer = answer()
    await line.ask(HERE)
    line.answer = answer(status="409 Conflict")
    await line.ask(HERE, "PUT")
    assert len(cache) == 1


async def test_an_answer_under_way_while_a_change_is_made_is_not_kept(line: Served, cache: Store) -> None:
    line.publish(OPEN)
    arrived, go = asyncio.Event(), asyncio.Event()

    async def script(visit: Visit) -> None:
        got = await visit.request()
        if got.line.startswith(b"GET"):
            arrived.set()
            await go.wait()
        await visit.send(answer(body="old" if got.line.startswith(b"GET") else "ok"))

    line.script = script
    slow = asyncio.create_task(line.ask(HERE))
    await arrived.wait()
    assert (await line.ask(HERE, "PUT")).status == 200
    go.set()
    assert (await slow).body == b"old"
    assert len(cache) == 0


@pytest.mark.parametrize("framing", ["length", "chunked"])
async def test_a_cut_answer_is_never_kept(line: Served, cache: Store, framing: str) -> None:
    """H31."""
    line.publish(OPEN)
    head = f"HTTP/1.1 200 OK\r\nCache-Control: {FRESH}\r\n"
    whole = {
        "length": "Content-Length: 9\r\n\r\nabc",
        "chunked": "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
    }

    async def cut(visit: Visit) -> None:
        await visit.request()
        await visit.send((head + whole[framing]).encode())

    line.script = cut
    got = await line.ask(HERE)
    assert (got.body, got.whole) == (b"abc", False)
    assert (len(cache), cache.filling_bytes) == (0, 0)
    assert cache._filling == {}


async def test_an_answer_is_kept_when_its_client_has_gone_only_if_it_is_whole(
    line: Served, cache: Store
) -> None:
    line.publish(OPEN)
    sent, left = asyncio.Event(), asyncio.Event()

    async def half(visit: Visit) -> None:
        await visit.request()
        await visit.send(
            f"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nCache-Control: {FRESH}\r\n\r\nabc".encode()
        )
        sent.set()
        await left.wait()
        await visit.send(b"def")

    line.script = half
    async with line.client() as client:
        client.send(line.head(HERE))
        await sent.wait()
        client.reset()
    await line.recorded()
    left.set()
    await line.upstream.ended.wait()
    assert (len(cache), cache.filling_bytes) == (0, 0)


async def test_a_chunked_answer_is_kept_with_its_length(line: Served) -> None:
    line.publish(OPEN)
    line.answer = (
        f"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nCache-Control: {FRESH}\r\n\r\n"
        "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    ).encode()
    await line.ask(HERE)
    got = await line.ask(HERE)
    assert (got.body, got.field("content-length"), line.asked) == (b"abcde", "5", 1)


async def test_a_changed_publication_takes_its_kept_answers_with_it(line: Served, cache: Store) -> None:
    line.publish(OPEN)
    line.answer = answer()
    await line.ask(HERE)
    line.use(line.catalog)  # the same publication: what is kept stays
    assert len(cache) == 1
    line.publish(OPEN, version="1.0.1")
    assert len(cache) == 0


async def test_an_answer_under_way_while_the_publication_changes_is_not_kept(
    line: Served, cache: Store
) -> None:
    line.publish(OPEN)
    arrived, go = asyncio.Event(), asyncio.Event()

    async def script(visit: Visit) -> None:
        await visit.request()
        arrived.set()
        await go.wait()
        await visit.send(answer())

    line.script = script
    slow = asyncio.create_task(line.ask(HERE))
    await arrived.wait()
    line.publish(OPEN, version="1.0.1")
    go.set()
    assert (await slow).status == 200
    assert len(cache) == 0


async def test_what_is_larger_than_its_share_is_not_kept(line: Served, cache: Store) -> None:
    line.publish(OPEN)
    line.answer = answer(body="x" * (cache.entry_limit + 1))
    assert len((await line.ask(HERE)).body) == cache.entry_limit + 1
    await line.ask(HERE)
    assert (line.asked, len(cache), cache.filling_bytes) == (2, 0, 0)


async def test_memory_is_bounded_and_the_least_used_leave_first(line: Served, cache: Store) -> None:
    line.publish(OPEN)
    line.answer = answer(body="x" * (cache.entry_limit - 2000))
    for number in range(22):  # the plan's burst allows no more
        await line.ask(f"{HERE}?n={number}")
        assert cache.bytes <= cache.limit
        assert status(await line.ask(f"{HERE}?n=0")).startswith("sluss; hit")
    assert cache.evictions >= 5


async def test_header_rules_decide_what_is_kept_and_are_on_every_answer(line: Served) -> None:
    rules = HeaderRules(response_set=(("Cache-Control", "public, max-age=60"),), response_remove=("X-Debug",))
    line.publish(replace(OPEN, headers=rules))
    line.answer = answer("no-store", "X-Debug: 1")
    for _ in range(2):
        got = await line.ask(HERE)
        assert (got.values("cache-control"), got.values("x-debug")) == (["public, max-age=60"], [])
        assert got.values("x-content-type-options") == ["nosniff"]
    assert line.asked == 1


async def test_a_page_s_origin_is_told_on_a_hit_too(line: Served) -> None:
    line.publish(replace(OPEN, cors=Cors(("https://a.example", "https://b.example"))))
    line.answer = answer(FRESH, "Access-Control-Allow-Origin: https://evil.test")
    for origin in ("https://a.example", "https://b.example", "https://evil.test"):
        got = await line.ask(HERE, Origin=origin)
        allowed = [] if "evil" in origin else [origin]
        assert got.values("access-control-allow-origin") == allowed
        assert "Origin" in got.values("vary")
    assert line.asked == 1


async def test_a_stale_answer_stands_in_for_a_failed_service_when_it_may(line: Served) -> None:
    """RFC 5861, 4; the unit is given back, as for every call that the service did not answer."""
    line.publish(OPEN)

    async def once(visit: Visit) -> None:
        await visit.request()
        if len(visit.upstream.arrived) == 1:
            await visit.send(answer("public, max-age=0, stale-if-error=60", 'ETag: "a"'))

    line.script = once
    await line.ask(HERE)
    line.stand.counters.said.clear()
    got = await line.ask(HERE)
    assert (got.status, got.body) == (200, b"ok")
    assert "detail=stale-if-error" in status(got)
    assert got.field("request-id") is not None
    assert line.stand.counters.said[-1] == "give back"
    record = (await line.recorded(2))[1]
    assert (record.status, record.outcome, record.code) == (200, "upstream_failed", "upstream-unreachable")


@pytest.mark.parametrize(
    "said", ["public, max-age=0", "public, max-age=0, must-revalidate, stale-if-error=60"]
)
async def test_a_stale_answer_stands_in_for_nobody_when_it_may_not(line: Served, said: str) -> None:
    line.publish(OPEN)

    async def once(visit: Visit) -> None:
        await visit.request()
        if len(visit.upstream.arrived) == 1:
            await visit.send(answer(said, 'ETag: "a"'))

    line.script = once
    await line.ask(HERE)
    assert (await line.ask(HERE)).status == 502


@pytest.mark.parametrize(
    ("code", "framing", "stands_in"),
    [
        (500, "length", True),
        (502, "chunked", True),
        (503, "no content yet", True),
        (504, "length", True),
        (501, "length", False),
        (404, "chunked", False),
    ],
)
async def test_a_stale_answer_stands_in_for_an_error_of_the_service(
    line: Served, framing: str, code: int, stands_in: bool
) -> None:
    """RFC 5861, 4 names these four. What the service said instead is not mixed into anybody's answer."""
    line.publish(OPEN)

    async def failing(visit: Visit) -> None:
        while True:
            await visit.request()
            if len(visit.upstream.arrived) == 1:
                await visit.send(answer("public, max-age=0, stale-if-error=60", 'ETag: "a"'))
            elif framing == "chunked":
                await visit.send(
                    b"HTTP/1.1 %d No\r\nTransfer-Encoding: chunked\r\n\r\n4\r\noops\r\n0\r\n\r\n" % code
                )
            elif framing == "length" or not stands_in:
                await visit.send(b"HTTP/1.1 %d No\r\nContent-Length: 4\r\n\r\noops" % code)
            else:
                await visit.send(b"HTTP/1.1 %d No\r\nContent-Length: 400\r\n\r\n" % code)

    line.script = failing
    await line.ask(HERE)
    line.stand.counters.said.clear()
    async with line.client() as client:
        for _ in range(2):  # on one connection: nothing is left over for the next
            got = await client.ask(line.head(HERE))
            assert (got.status, got.body) == ((200, b"ok") if stands_in else (code, b"oops"))
            assert ("detail=stale-if-error" in status(got)) == stands_in
    record = (await line.recorded(3))[2]
    if stands_in:
        assert line.stand.counters.said[-1] == "give back"
        assert (record.status, record.outcome, record.code) == (200, "upstream_failed", "upstream-failing")
        assert record.upstream_status == code


async def test_an_error_of_the_service_passes_where_the_answer_may_not_stand_in(line: Served) -> None:
    line.publish(OPEN)
    line.answer = answer("public, max-age=0", 'ETag: "a"')
    await line.ask(HERE)
    line.answer = answer(body="oops", status="503 No")
    assert (await line.ask(HERE)).status == 503
    line.answer = answer("public, max-age=0, stale-if-error=60", 'ETag: "b"')
    await line.ask(HERE)
    line.answer = answer(body="oops", status="503 No")
    assert (await line.ask(HERE, Cache_Control="no-cache")).status == 503
    assert (await line.ask(HERE)).status == 200


async def test_hits_share_a_connection_with_all_else(line: Served) -> None:
    line.publish(OPEN)
    line.answer = answer()
    async with line.client() as client:
        for _ in range(3):
            client.send(
                line.head(HERE) + line.head(HERE, "HEAD") + line.head(HERE, "POST", Content_Length="0")
            )
            assert (await client.answer()).body == b"ok"
            assert (await client.answer("HEAD")).body == b""
            assert (await client.answer()).body == b"ok"
        client.send(line.head(HERE, Connection="close"))
        last = await client.answer()
        assert (last.body, last.field("connection")) == (b"ok", "close")
        assert await client.ended()

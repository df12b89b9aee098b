"""CORS over real sockets: preflights, the headers of every answer, and origins that only look right."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.answers.cors import ALWAYS_READ, ALWAYS_SENT
from gateway.catalog.answers.values import Answers, Cors
from gateway.catalog.model import Status
from tests.gateway.line_of_one import SUBSCRIPTION, rows
from tests.gateway.served import Served
from tests.line_support.raw_client import RawAnswer

PAGE = "https://app.example"
OWN = Answers(
    cors=Cors((PAGE, "http://localhost:3000"), headers=("X-Trace",), expose=("X-Total",), max_age=900)
)
EVERYONE = Answers(cors=Cors(("*",)))
HOSTILE = (
    "null", "https://app.example.evil.test", "https://evil-app.example", "https://app.example:8443",
    "http://app.example", "https://APP.example", "https://app.example/", "https://app.example, https://evil.test",
    "*", "", "https://app.example\tx", "https://user@app.example", "https://xn--app.example", "https://app.example.",
)  # fmt: skip


def preflight(line: Served, path: str, method: str = "PUT", origin: str = PAGE, **fields: str) -> bytes:
    asked = {"Access_Control_Request_Method": method, **fields}
    return line.head(path, "OPTIONS", None, Origin=origin, **asked)


def names(answer: RawAnswer, field: str) -> set[str]:
    return set((answer.field(field) or "").split(", "))


async def test_a_preflight_is_answered_before_anybody_is_known(line: Served) -> None:
    line.publish(OWN)
    answer = await line.ask("", raw=preflight(line, "/eko/v1/echo/a"))
    assert (answer.status, answer.body) == (204, b"")
    assert answer.field("access-control-allow-origin") == PAGE
    assert answer.field("access-control-allow-methods") == "PUT"
    assert names(answer, "access-control-allow-headers") == {*ALWAYS_SENT, "X-Trace"}
    assert answer.field("access-control-max-age") == "900"
    assert answer.values("vary") == ["Origin"]
    assert answer.field("access-control-allow-credentials") is None
    assert line.asked == 0
    (record,) = await line.recorded()
    assert (record.method, record.status, record.outcome, record.place.operation) == (
        "OPTIONS",
        204,
        "",
        "putEchoWord",
    )
    assert line.stand.counters.said == []  # a preflight costs nothing


@pytest.mark.parametrize(
    ("path", "method", "status", "code"),
    [
        ("/eko/v1/echo", "PROPFIND", 405, b"method-not-allowed"),
        ("/eko/v1/bytes/1", "DELETE", 405, b"method-not-allowed"),
        ("/eko/v1/nowhere", "GET", 404, b"no-such-operation"),
    ],
)
async def test_a_preflight_for_what_is_not_there_says_so_readably(
    line: Served, path: str, method: str, status: int, code: bytes
) -> None:
    line.publish(OWN)
    answer = await line.ask("", raw=preflight(line, path, method))
    assert answer.status == status
    assert code in answer.body
    assert answer.field("access-control-allow-origin") == PAGE


@pytest.mark.parametrize("origin", HOSTILE)
async def test_an_origin_that_is_not_the_very_one_is_not_allowed(line: Served, origin: str) -> None:
    """Z13: no origin is reflected; comparison is exact."""
    line.publish(OWN)
    asked = await line.ask("", raw=preflight(line, "/eko/v1/echo", "GET", origin))
    assert (asked.status, asked.field("access-control-allow-origin")) == (403, None)
    assert b"origin-not-allowed" in asked.body
    got = await line.ask("/eko/v1/echo", Origin=origin)
    assert (got.status, got.field("access-control-allow-origin")) == (200, None)
    assert "Origin" in got.values("vary")


async def test_two_origins_are_none(line: Served) -> None:
    line.publish(OWN)
    raw = line.head("/eko/v1/echo", Origin=PAGE)[:-2] + f"Origin: {PAGE}\r\n\r\n".encode()
    assert (await line.ask("", raw=raw)).field("access-control-allow-origin") is None


async def test_every_origin_is_allowed_as_a_star_and_never_by_name(line: Served) -> None:
    """Z13: `*` and no credentials; a browser then sends no cookie."""
    line.publish(EVERYONE)
    for origin in (PAGE, "null", "https://evil.test"):
        asked = await line.ask("", raw=preflight(line, "/eko/v1/echo", "GET", origin))
        got = await line.ask("/eko/v1/echo", Origin=origin)
        for answer in (asked, got):
            assert answer.field("access-control-allow-origin") == "*"
            assert answer.field("access-control-allow-credentials") is None


async def test_an_answer_tells_the_page_what_it_may_read(line: Served) -> None:
    line.publish(OWN)
    line.answer = (
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nAccess-Control-Allow-Origin: https://evil.test\r\n"
        b"ACCESS-CONTROL-ALLOW-CREDENTIALS: true\r\nVary: Accept\r\n\r\nok"
    )
    answer = await line.ask("/eko/v1/echo", Origin=PAGE)
    assert answer.values("access-control-allow-origin") == [PAGE]
    assert answer.values("access-control-allow-credentials") == []
    assert names(answer, "access-control-expose-headers") == {*ALWAYS_READ, "X-Total"}
    assert answer.values("vary") == ["Accept", "Origin"]
    assert answer.field("ratelimit") is not None


async def test_without_a_rule_no_page_reads_anything_whatever_the_service_says(line: Served) -> None:
    line.answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nAccess-Control-Allow-Origin: *\r\n\r\nok"
    answer = await line.ask("/eko/v1/echo", Origin=PAGE)
    assert [name for name, _ in answer.fields if name.startswith("access-control")] == []
    asked = await line.ask("", raw=preflight(line, "/eko/v1/echo", "GET"))
    assert (asked.status, asked.field("access-control-allow-origin")) == (405, None)


async def test_refusals_of_our_own_can_be_read_by_the_page(line: Served) -> None:
    line.publish(OWN)
    unknown = await line.ask("/eko/v1/echo", token=None, Origin=PAGE)
    nowhere = await line.ask("/eko/v1/nowhere", Origin=PAGE)
    wrong = await line.ask("/eko/v1/echo", "OPTIONS", Origin=PAGE)
    for answer, status in ((unknown, 401), (nowhere, 404), (wrong, 405)):
        assert (answer.status, answer.field("access-control-allow-origin")) == (status, PAGE)
        assert "Request-Id" in names(answer, "access-control-expose-headers")
    line.stand.use(rows(line.stand.mint, subscription=replace(SUBSCRIPTION, plan="none")), line.catalog)
    missing = await line.ask("/eko/v1/echo", Origin=PAGE)
    assert (missing.status, missing.field("access-control-allow-origin")) == (503, PAGE)


async def test_a_page_of_another_api_gets_nothing_from_this_one_s_rule(line: Served) -> None:
    line.publish(OWN)
    answer = await line.ask("/behov/v1/needs", token=None, Origin=PAGE)
    assert (answer.status, answer.field("access-control-allow-origin")) == (401, None)


async def test_a_retired_version_answers_the_preflight_and_then_410(line: Served) -> None:
    line.publish(OWN, status=Status.RETIRED)
    assert (await line.ask("", raw=preflight(line, "/eko/v1/echo", "GET"))).status == 204
    gone = await line.ask("/eko/v1/echo", Origin=PAGE)
    assert (gone.status, gone.field("access-control-allow-origin")) == (410, PAGE)


async def test_options_that_the_document_declares_is_an_operation(line: Served) -> None:
    api = line.publish(OWN)
    own = replace(api.operations[0], id="optionsEcho", method="OPTIONS")
    line.publish(OWN, operations=(*api.operations, own))
    line.answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nAllow: GET, OPTIONS\r\n\r\nok"
    answer = await line.ask("/eko/v1/echo", "OPTIONS", Origin=PAGE)
    assert (answer.status, answer.field("allow"), line.asked) == (200, "GET, OPTIONS", 1)
    assert (await line.ask("", raw=preflight(line, "/eko/v1/echo", "GET"))).status == 204
    assert line.asked == 1


async def test_preflight_and_call_share_a_connection(line: Served) -> None:
    line.publish(OWN)
    async with line.client() as client:
        assert (await client.ask(preflight(line, "/eko/v1/echo"), "OPTIONS")).status == 204
        assert (await client.ask(line.head("/eko/v1/echo", Origin=PAGE))).status == 200

"""Requests held against their document, through a real socket."""

from __future__ import annotations

import asyncio
import json
import logging
import os
from pathlib import Path

import pytest

from quota.counters.protocol import Outcome
from tests.line_support.raw_client import raw_client
from tests.line_support.scripted_upstream import answering, echo
from tests.validation.judged_line import judged

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
GOOD = {"name": "Ett", "count": 3, "day": "2026-02-28", "shape": {"kind": "Round", "radius": 1.5}}


async def test_a_good_call_goes_on_byte_for_byte(tmp_path: Path) -> None:
    async with judged(tmp_path, echo) as line:
        body = json.dumps(GOOD, indent=3).encode()
        answer = await line.post(body)
        assert (answer.status, answer.body) == (200, body)
        assert (await line.ask("GET /sample/v1/things?page=2&tag=1&tag=2", None, "X-Wish: b")).status == 200
        assert (await line.ask("GET /sample/v1/things/7")).status == 200
        assert [each.line for each in line.upstream.arrived][1:] == [
            b"GET /things?page=2&tag=1&tag=2 HTTP/1.1",
            b"GET /things/7 HTTP/1.1",
        ]
        assert line.counted() == {}
        assert [record.outcome for record in line.stand.records] == ["served"] * 3


async def test_every_fault_is_named_at_once_and_the_unit_goes_back(tmp_path: Path) -> None:
    async with judged(tmp_path, echo) as line:
        answer = await line.ask(
            "GET /sample/v1/things?page=0&tag=1&tag=x&pagee=2", None, "X-Wish: c", "Accept-Language: en"
        )
        assert answer.status == 400
        problem = json.loads(answer.body)
        assert (problem["code"], problem["status"], problem["errorsCut"]) == ("invalid-request", 400, False)
        assert problem["errors"] == [
            {"in": "query", "name": "page", "code": "minimum", "detail": "Must not be less than 1."},
            {"in": "query", "name": "tag", "pointer": "/1", "code": "type", "detail": "Must be an integer."},
            {
                "in": "query",
                "name": "pagee",
                "code": "unknown-parameter",
                "detail": "This parameter is not known here.",
            },
            {"in": "header", "name": "X-Wish", "code": "enum", "detail": "Must be one of a, b."},
        ]
        assert answer.field("content-type") == "application/problem+json"
        assert line.upstream.arrived == []
        assert line.stand.counters.said == ["take 1", "give back"]
        [record] = line.stand.records
        assert (record.status, record.code, record.outcome) == (400, "invalid-request", "refused")
        assert line.counted() == {"query": 3, "header": 1}


async def test_the_language_asked_for(tmp_path: Path) -> None:
    async with judged(tmp_path, echo) as line:
        answer = await line.post({"name": 1}, "Accept-Language: sv")
        assert (answer.field("content-language"), json.loads(answer.body)["errors"][0]["detail"]) == (
            "sv",
            "Ska vara text.",
        )


async def test_no_value_comes_back(tmp_path: Path) -> None:
    """P1: what was sent may be a person's; the answer and the record speak of the document only."""
    secret = "191212121212"
    async with judged(tmp_path, echo) as line:
        answer = await line.post({"name": [secret], secret: secret, "day": secret, "code": secret})
        assert answer.status == 400
        assert secret not in answer.body.decode()
        answer = await line.ask(f"GET /sample/v1/things?page={secret}a&{secret}=1", None, f"X-Wish: {secret}")
        assert secret not in answer.body.decode()
        assert ("query", "…", "unknown-parameter") in line.faults(answer)


async def test_faults_of_a_body(tmp_path: Path) -> None:
    async with judged(tmp_path, echo) as line:
        answer = await line.post(
            {
                "id": "mine",
                "count": 2**31,
                "day": "2026-02-30",
                "tags": list("abcdef"),
                "children": [{"name": "x"}],
                "shape": {"kind": "Square", "side": "wide"},
                "tittle": 1,
            }
        )
        assert answer.status == 400
        assert set(line.faults(answer)) == {
            ("body", "/id", "not-allowed"),
            ("body", "/name", "required"),
            ("body", "/count", "maximum"),
            ("body", "/day", "format"),
            ("body", "/tags", "max-items"),
            ("body", "/children/0/name", "min-length"),
            ("body", "/shape/side", "type"),
            ("body", "/tittle", "unknown-name"),
        }


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"name": "Ett", "name": "Tv\xc3\xa5"}', "repeated-name"),
        (b'{"name": "Ett", "\\u006eame": "Tva"}', "repeated-name"),
        (b'{"name": "Ett", "count": NaN}', "not-a-number"),
        (b'{"name": "Ett", "count": -Infinity}', "not-a-number"),
        (b'{"name": "Ett", "count": 1e999}', "number-too-large"),
        (b'{"name": "Ett", "count": ' + b"9" * 5000 + b"}", "number-too-large"),
        (b'{"name": "\xff\xfe"}', "not-utf8"),
        (b'{"name": "\xc0\xae"}', "not-utf8"),
        (b'\xef\xbb\xbf{"name": "Ett"}', "byte-order-mark"),
        ('{"name": "Ett"}'.encode("utf-16"), "not-utf8"),
        (b'{"name": "\\ud800 x"}', "half-character"),
        (b'{"name": "Ett",}', "not-json"),
        (b"{'name': 'Ett'}", "not-json"),
        (b'{"name": "Ett"} {"name": "Tva"}', "not-json"),
        (b'{"name": "a\nb"}', "not-json"),
        (b'// c\n{"name": "Ett"}', "not-json"),
        (b'{"name": 01}', "not-json"),
        (b" ", "not-json"),
        (b"[" * 5000 + b"]" * 5000, "too-deep"),
        (b'{"children":[' * 40 + b"]}" * 40, "too-deep"),
        (b"[" + b"1," * 100_000 + b"1]", "too-many-values"),
        (b"", "body-missing"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_what_two_readers_would_take_differently_is_refused(
    tmp_path: Path, body: bytes, code: str
) -> None:
    """H39: deep, huge and ambiguous JSON is 4xx, whatever the schema says."""
    async with judged(tmp_path, echo) as line:
        answer = await line.post(body)
        assert (answer.status, line.faults(answer)) == (400, [("body", "", code)])
        assert line.upstream.arrived == []
        assert (await line.post(GOOD)).status == 200  # and the connection goes on


async def test_numbers_that_every_reader_holds_pass(tmp_path: Path) -> None:
    async with judged(tmp_path, echo) as line:
        answer = await line.post(
            b'{"name": "\\ud83d\\ude00 x", "count": -2147483648, "shape": {"kind": "Round", "radius": 1e300}}'
        )
        assert answer.status == 200


async def test_a_pattern_cannot_be_made_to_work_for_long(tmp_path: Path) -> None:
    """A pattern that backtracks stops after so many steps; the text counts as not matching."""
    async with judged(tmp_path, echo) as line:
        before = asyncio.get_running_loop().time()
        answer = await line.post({"name": "Ett", "code": "a" * 100_000 + "b"})
        assert asyncio.get_running_loop().time() - before < 5
        assert answer.status == 400
        assert line.faults(answer)[0][:2] == ("body", "/code")


async def test_many_faults_are_cut_and_said_so(tmp_path: Path) -> None:
    async with judged(tmp_path, echo) as line:
        answer = await line.post({"name": "Ett", "children": [{"name": 1}] * 90})
        assert (len(line.faults(answer)), json.loads(answer.body)["errorsCut"]) == (50, True)
        answer = await line.post({"name": "Ett", "children": [{"name": 1}] * 9000})
        assert (len(line.faults(answer)), json.loads(answer.body)["errorsCut"]) == (1, True)


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("application/json", 200),
        ("application/json; charset=utf-8", 200),
        ('Application/JSON;charset="UTF-8"', 200),
        ("application/json; charset=utf-16", 415),
        ("application/vnd.x+json", 415),
        ("text/plain", 415),
        ("json", 415),
        ("application/json, text/plain", 415),
    ],
)
async def test_content_types(tmp_path: Path, kind: str, status: int) -> None:
    async with judged(tmp_path, echo) as line:
        answer = await line.post(GOOD, f"Content-Type: {kind}")
        assert answer.status == status
        if status == 415:
            assert answer.field("accept") == "application/json, application/octet-stream"


async def test_bodies_where_none_or_one_belongs(tmp_path: Path) -> None:
    async with judged(tmp_path, echo) as line:
        answer = await line.ask("GET /sample/v1/things/7", b"{}")
        assert line.faults(answer) == [("body", "", "body-unexpected")]
        answer = await line.ask("POST /sample/v1/things")
        assert line.faults(answer) == [("body", "", "body-missing")]
        answer = await line.client.ask(line.head("POST /sample/v1/things", "Content-Length: 2") + b"{}")
        assert (answer.status, line.faults(answer)) == (
            415,
            [("header", "Content-Type", "content-type-missing")],
        )
        big = b"x" * 500_000  # another kind of body streams past, whatever its size
        answer = await line.post(big, "Content-Type: application/octet-stream")
        assert (answer.status, answer.body) == (200, big)


async def test_an_accept_that_rules_everything_out(tmp_path: Path) -> None:
    async with judged(tmp_path, echo) as line:
        answer = await line.ask("GET /sample/v1/things", None, "Accept: text/html, */*;q=0")
        assert (answer.status, line.faults(answer)) == (406, [("header", "Accept", "accept")])
        assert (await line.ask("GET /sample/v1/things", None, "Accept: text/html, */*;q=0.1")).status == 200


async def test_larger_than_what_is_judged(tmp_path: Path) -> None:
    async with judged(tmp_path, echo, "{request: enforce, body: 1024}") as line:
        answer = await line.post({"name": "Ett", "tags": ["x" * 2000]})
        assert (answer.status, json.loads(answer.body)["code"]) == (413, "body-too-large")
        assert line.stand.counters.said == ["take 1", "give back"]


@pytest.mark.parametrize("chunked", [True, False])
async def test_a_body_in_pieces_and_the_next_call_behind_it(tmp_path: Path, chunked: bool) -> None:
    body = json.dumps(GOOD).encode()
    async with judged(tmp_path, echo) as line:
        kind = "Content-Type: application/json"
        if chunked:
            head = line.head("POST /sample/v1/things", kind, "Transfer-Encoding: chunked")
            sent = head + b"".join(b"1\r\n%c\r\n" % octet for octet in body) + b"0\r\n\r\n"
        else:
            sent = line.head("POST /sample/v1/things", kind, f"Content-Length: {len(body)}") + body
        bad = line.head("GET /sample/v1/things?page=0")
        sent += bad + sent
        for at in range(0, len(sent), 97):
            line.client.send(sent[at : at + 97])
            await line.client.drain()
        assert [(await line.client.answer()).status for _ in range(3)] == [200, 400, 200]
        assert [each.body for each in line.upstream.arrived] == [body, body]


async def test_a_client_that_waits_hears_of_its_faults_before_it_sends(tmp_path: Path) -> None:
    """H26: 100-continue is answered by what is known from the head."""
    async with judged(tmp_path, echo) as line:
        fields = ("Content-Type: application/json", "Content-Length: 20", "Expect: 100-continue")
        answer = await line.client.ask(line.head("POST /sample/v1/things?x=1", *fields))
        assert (answer.status, answer.field("connection")) == (400, "close")
    async with judged(tmp_path / "again", echo) as line:
        answer = await line.client.ask(line.head("POST /sample/v1/things", *fields))
        assert answer.status == 100
        line.client.send(b'{"name": "Ett"     }')
        assert (await line.client.answer()).status == 200


async def test_a_client_that_leaves_in_its_body_gets_its_unit_back(tmp_path: Path) -> None:
    async with judged(tmp_path, echo) as line, raw_client(line.port) as other:
        fields = ("Content-Type: application/json", "Content-Length: 20", "Expect: 100-continue")
        other.send(line.head("POST /sample/v1/things", *fields))
        assert (await other.answer()).status == 100
        other.reset()
        while not line.stand.records:
            await asyncio.sleep(0.01)
        assert line.stand.records[0].status == 499
        assert line.stand.counters.said == ["take 1", "give back"]
        assert line.upstream.arrived == []


async def test_log_lets_everything_through_and_counts_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "sluss.validation")
    async with judged(tmp_path, echo, "{request: log, body: 1024}") as line:
        assert (await line.post({"name": 1})).status == 200
        assert (await line.ask("GET /sample/v1/things?page=0")).status == 200
        assert (await line.ask("GET /sample/v1/things/x")).status == 200
        assert (await line.post(b"}")).status == 200
        assert line.counted() == {"body": 2, "query": 1, "path": 1}
        large = json.dumps({"name": "x" * 2000}).encode()
        assert (await line.post(large)).body == large
        line.client.send(
            line.head(
                "POST /sample/v1/things", "Content-Type: application/json", "Transfer-Encoding: chunked"
            )
            + b"%x\r\n%b\r\n0\r\n\r\n" % (len(large), large)
        )
        assert (await line.client.answer()).body == large
        assert line.counted()["unjudged"] == 2
        assert "request breaks the document of sample/v1 createThing: body /name type" in caplog.text
        assert [record.outcome for record in line.stand.records] == ["served"] * 6


async def test_off_asks_nothing(tmp_path: Path) -> None:
    async with judged(tmp_path, answering(OK), "{}") as line:
        assert (await line.post(b"}")).status == 200
        assert (await line.ask("GET /sample/v1/things?page=0")).status == 200
        assert line.counted() == {}


async def test_unknown_parameters_may_be_let_through(tmp_path: Path) -> None:
    async with judged(tmp_path, echo, "{request: enforce, unknownQuery: pass}") as line:
        assert (await line.ask("GET /sample/v1/things?utm=1")).status == 200
        assert (await line.ask("GET /sample/v1/things?page=x")).status == 400


async def test_a_second_value_is_refused_where_one_belongs(tmp_path: Path) -> None:
    """H24: the gateway never judges one value while the service reads another."""
    async with judged(tmp_path, echo) as line:
        for query in ("page=1&page=2", "page=1&p%61ge=2"):
            answer = await line.ask(f"GET /sample/v1/things?{query}")
            assert line.faults(answer) == [("query", "page", "repeated-parameter")]
        answer = await line.ask("GET /sample/v1/things", None, "X-Wish: a", "X-Wish: b")
        assert line.faults(answer) == [("header", "X-Wish", "repeated-parameter")]


async def test_fhir_gets_one_issue_for_each_fault(tmp_path: Path) -> None:
    async with judged(tmp_path, echo, extra="{family: fhir}") as line:
        answer = await line.ask("GET /sample/v1/things?page=0&x=1", None, "Accept-Language: en")
        outcome = json.loads(answer.body)
        assert (answer.field("content-type"), outcome["resourceType"]) == (
            "application/fhir+json",
            "OperationOutcome",
        )
        assert [(each["details"]["coding"][0]["code"], each["diagnostics"]) for each in outcome["issue"]] == [
            ("minimum", "query page"),
            ("unknown-parameter", "query x"),
        ]


async def test_refused_calls_are_no_way_around_the_rate(tmp_path: Path) -> None:
    """The units go back, the rate does not."""
    async with judged(tmp_path, echo) as line:
        first = await line.ask("GET /sample/v1/things?page=0")
        second = await line.ask("GET /sample/v1/things?page=0")
        left = [str(answer.field("ratelimit")) for answer in (first, second)]
        assert [each.split(";")[1] for each in left] == ["r=499", "r=498"]
        [total] = line.stand.counters.totals()
        assert (total.outcome, total.calls, total.units) == (Outcome.REFUSED, 2, 0)


async def test_decision_mode_judges_path_and_query(tmp_path: Path) -> None:
    async with judged(tmp_path, echo) as line:
        for target, status in (("/things?page=0", 400), ("/things?page=1", 200), ("/things/x", 400)):
            answer = await line.ask(
                "GET /decide", None, "X-Original-Method: GET", f"X-Original-URI: /sample/v1{target}"
            )
            assert answer.status == status, target
        answer = await line.ask(
            "GET /decide", None, "X-Original-Method: POST", "X-Original-URI: /sample/v1/things"
        )
        assert answer.status == 200


def resident() -> int:
    """Bytes of memory that this process has in use."""
    with Path("/proc/self/statm").open() as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def test_hostile_bodies_cost_little_time_and_memory(tmp_path: Path) -> None:
    """H39: each is 4xx at once, and thirty of them leave the process as it was, give or take 50 MiB."""
    deep, wide, commas = b"[" * 250_000, b"[" + b"{}," * 80_000 + b"{}]", b'"' + b"," * 250_000 + b'"'
    names = b"{" + b",".join(b'"n%d":1' % number for number in range(20_000)) + b"}"
    async with judged(tmp_path, echo) as line:
        await line.post(deep)
        before = resident()
        for body in (deep, wide, commas, names) * 8:
            answer = await line.post(body)
            assert answer.status == 400
            assert len(answer.body) < 20_000
        assert resident() - before < 50 * 1024 * 1024
        assert line.server.collected.bytes == 0
        assert line.upstream.arrived == []

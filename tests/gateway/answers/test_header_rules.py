"""Header rules and times of an operation, over real sockets."""

from __future__ import annotations

from dataclasses import replace

from gateway.catalog.answers.values import Answers, HeaderRules
from gateway.catalog.model import Timeouts
from gateway.snapshot.published import NO_LIMIT
from tests.gateway.line_of_one import reference
from tests.gateway.served import Served
from tests.line_support.scripted_upstream import Visit

RULES = HeaderRules(
    request_set=(("X-Channel", "sluss"),),
    request_remove=("X-Internal", "User-Agent"),
    response_set=(("Cache-Control", "no-store"), ("X-Region", "malarsund")),
    response_remove=("X-Debug",),
)


async def test_the_service_sees_what_is_set_and_not_what_is_removed(line: Served) -> None:
    line.publish(Answers(headers=RULES))
    sent = {"X_Channel": "mine", "x_INTERNAL": "1", "User_Agent": "curl", "X_Other": "stays"}
    raw = line.head("/eko/v1/echo", **sent)
    assert (await line.ask("", raw=raw)).status == 200
    (arrived,) = line.upstream.arrived
    assert arrived.values("x-channel") == ["sluss"]
    assert arrived.values("x-internal") == arrived.values("user-agent") == []
    assert arrived.values("x-other") == ["stays"]
    assert arrived.values("x-forwarded-prefix") == ["/eko/v1"]


async def test_the_client_sees_what_is_set_and_not_what_is_removed(line: Served) -> None:
    line.publish(Answers(headers=RULES))
    line.answer = (
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nCACHE-control: public\r\nX-Debug: x\r\nX-Other: 1\r\n\r\nok"
    )
    answer = await line.ask("/eko/v1/echo")
    assert answer.values("cache-control") == ["no-store"]
    assert answer.values("x-region") == ["malarsund"]
    assert answer.values("x-debug") == []
    assert answer.values("x-other") == ["1"]
    refusal = await line.ask("/eko/v1/echo", token=None)
    assert refusal.values("x-region") == []  # the rule is about the service's answers


async def test_every_answer_says_nosniff_once(line: Served) -> None:
    line.answer = (
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Content-Type-Options: sniff-all-you-want\r\n\r\nok"
    )
    for answer in (
        await line.ask("/eko/v1/echo"),
        await line.ask("/eko/v1/echo", token=None),
        await line.ask("/eko/v1/openapi.json", token=None),
    ):
        assert answer.values("x-content-type-options") == ["nosniff"], answer.status


def test_nothing_is_on_the_line_where_nothing_is_asked_for(line: Served) -> None:
    snapshot = line.stand.snapshot
    assert snapshot is not None
    published = snapshot.routes.find("GET", "/eko/v1/echo")
    assert published.shaping is None
    assert published.terms.replaced == frozenset()


async def test_an_operation_s_times_are_its_own(line: Served) -> None:
    api = reference().apis["eko/v1"]
    slow = replace(api.operations[0], timeouts=Timeouts(1.0, 0.2, 3.0, 0.0))
    line.publish(operations=(slow, *api.operations[1:]))
    assert line.stand.snapshot is not None
    routes = line.stand.snapshot.routes
    own, other = routes.find("GET", "/eko/v1/echo").terms, routes.find("POST", "/eko/v1/echo").terms
    assert (own.connect_timeout, own.first_byte_timeout, own.idle_timeout, own.total_timeout) == (
        1.0,
        0.2,
        3.0,
        NO_LIMIT,
    )
    assert other.first_byte_timeout == api.timeouts.first_byte

    async def silent(visit: Visit) -> None:
        await visit.request()
        await visit.reader.read()  # until the gateway leaves

    line.script = silent
    answer = await line.ask("/eko/v1/echo")
    assert (answer.status, b"upstream-timeout" in answer.body) == (504, True)


async def test_an_operation_s_body_limit_is_its_own(line: Served) -> None:
    api = reference().apis["eko/v1"]
    small = tuple(replace(each, body_limit=3) if each.id == "postEcho" else each for each in api.operations)
    line.publish(operations=small)
    for method, status in (("POST", 413), ("PUT", 200)):
        raw = line.head("/eko/v1/echo", method, Content_Length="4") + b"four"
        assert (await line.ask("", method, raw=raw)).status == status

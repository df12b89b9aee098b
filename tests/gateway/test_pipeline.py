"""The line: each refusal, the order of the stages, what is kept and given back, what is recorded."""

from __future__ import annotations

import gc
import json
from dataclasses import replace

import pytest

from gateway.catalog.model import Family, Status
from gateway.edge.errors import (
    AnswerCut,
    BodyTooLarge,
    ClientGone,
    EdgeFault,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from gateway.edge.order import Ending
from tests.auth.mint import Mint
from tests.gateway.line_of_one import APP, SUBSCRIPTION, Remembered, Stand, reference, rows


def code_of(answer: Remembered) -> tuple[int, str]:
    return answer.status, json.loads(answer.body)["code"]


def orders(answer: Remembered) -> bool:
    return hasattr(answer, "order")


async def test_a_call_in_order_takes_every_stage(stand: Stand) -> None:
    answer = stand.call(stand.request("/eko/v1/echo?a=1"))
    order = answer.order
    assert order.upstream.url == "http://127.0.0.1:9103"
    assert order.target == b"/echo?a=1"
    assert b"Sluss-Organisation: org_1\r\n" in order.injected
    assert b"X-Forwarded-Prefix: /eko/v1\r\n" in order.injected
    assert b'Forwarded: for=127.0.0.1;host="localhost:8080";proto=http\r\n' in order.injected
    assert b"RateLimit-Policy: " in order.response_lines
    assert order.host is None
    assert not order.terms.pass_cookies
    assert stand.counters.said == ["take 1", "sent", "keep"]
    assert stand.counters.keys[0].operation == "getEcho"


async def test_an_operation_weighs_what_the_publication_says(stand: Stand) -> None:
    stand.call(stand.request("/eko/v1/bytes/5"))
    assert stand.counters.said[0] == "take 2"


class TestRefusedBeforeTheCounters:
    """None of these reaches the counters or the upstream."""

    @pytest.fixture(autouse=True)
    def _untouched(self, stand: Stand) -> None:
        self.stand = stand

    def refused(self, request_path: str, status: int, code: str, **given: str | None) -> Remembered:
        answer = self.stand.call(self.stand.request(request_path, **given))  # type: ignore[arg-type]
        assert code_of(answer) == (status, code)
        assert self.stand.counters.said == []
        assert not orders(answer)
        (record,) = self.stand.records
        assert (record.status, record.code) == (status, code)
        return answer

    async def test_starting(self) -> None:
        self.stand.snapshot = None
        self.refused("/eko/v1/echo", 503, "starting")

    async def test_no_such_api(self) -> None:
        self.refused("/nej/v1/echo", 404, "no-such-api", token=None)

    async def test_no_such_operation(self) -> None:
        self.refused("/eko/v1/nej", 404, "no-such-operation", token=None)

    async def test_method(self) -> None:
        answer = self.refused("/eko/v1/stream", 405, "method-not-allowed", method="POST", token=None)
        assert answer.fields["allow"] == "GET, HEAD"

    async def test_a_fhir_api_says_so_in_its_own_form_where_nothing_was_found(self) -> None:
        catalog = reference()
        api = replace(catalog.apis["eko/v1"], family=Family.FHIR)
        self.stand.use(rows(self.stand.mint), replace(catalog, apis={**catalog.apis, "eko/v1": api}))
        for path, status in (("/eko/v1/nej", 404), ("/eko/v1/echo", 401)):
            answer = self.stand.call(self.stand.request(path, token=None))
            assert answer.status == status
            assert json.loads(answer.body)["resourceType"] == "OperationOutcome"

    async def test_a_token_in_the_address(self) -> None:
        self.refused("/eko/v1/echo?access_token=x", 400, "token-in-query")

    async def test_no_token(self) -> None:
        self.refused("/eko/v1/echo", 401, "missing-token", token=None)

    async def test_no_scope(self) -> None:
        self.refused("/eko/v1/echo", 403, "missing-scope", token=self.stand.token(scope=""))

    async def test_no_subscription(self) -> None:
        self.stand.use(rows(self.stand.mint, subscription=replace(SUBSCRIPTION, api="behov/v1")))
        self.refused("/eko/v1/echo", 403, "no-subscription")

    async def test_suspended_app(self) -> None:
        self.stand.use(rows(self.stand.mint, app=replace(APP, state="suspended")))
        self.refused("/eko/v1/echo", 401, "app-suspended")

    async def test_a_plan_that_is_gone_is_not_no_limit(self) -> None:
        self.stand.use(rows(self.stand.mint, subscription=replace(SUBSCRIPTION, plan_version=99)))
        self.refused("/eko/v1/echo", 503, "plan-missing")

    async def test_no_upstream(self) -> None:
        catalog = reference()
        api = replace(catalog.apis["eko/v1"], upstreams={})
        self.stand.use(rows(self.stand.mint), replace(catalog, apis={**catalog.apis, "eko/v1": api}))
        self.refused("/eko/v1/echo", 503, "upstream-missing")

    async def test_retired_says_so_to_everybody(self) -> None:
        catalog = reference()
        api = replace(catalog.apis["eko/v1"], status=Status.RETIRED, sunset="2026-12-31")
        self.stand.use(rows(self.stand.mint), replace(catalog, apis={**catalog.apis, "eko/v1": api}))
        answer = self.refused("/eko/v1/echo", 410, "api-retired", token=None)
        assert answer.fields["sunset"] == "Thu, 31 Dec 2026 22:59:59 GMT"


async def test_revocation_reaches_a_remembered_token(stand: Stand) -> None:
    token = stand.token(jti="t-1")
    assert orders(stand.call(stand.request("/eko/v1/echo", token=token)))
    stand.use(rows(stand.mint, revoked=frozenset({"t-1"})))
    assert code_of(stand.call(stand.request("/eko/v1/echo", token=token))) == (401, "revoked-token")


async def test_two_tokens_with_one_id_are_two_callers(stand: Stand) -> None:
    stand.call(stand.request("/eko/v1/echo", token=stand.token(jti="one", sub="first")))
    other = stand.call(stand.request("/eko/v1/echo", token=stand.token(jti="one", sub="second")))
    assert b"Sluss-Subject: second\r\n" in other.order.injected


async def test_the_rate_refuses_with_its_figures(stand: Stand) -> None:
    request = stand.request("/eko/v1/echo")
    answers = [stand.call(request) for _ in range(60)]
    refused = next(answer for answer in answers if not orders(answer))
    assert code_of(refused) == (429, "rate-exceeded")
    assert int(refused.fields["retry-after"]) >= 1
    assert '"rate";r=0' in refused.fields["ratelimit"]
    assert stand.records[answers.index(refused)].outcome == "refused_rate"


@pytest.mark.parametrize(
    ("ending", "said", "status"),
    [
        (Ending(404, 0, 5, True, True, None), "keep", 404),
        (Ending(503, 0, 5, True, True, None), "give back", 503),
        (Ending(0, 0, 0, False, True, UpstreamTimeout()), "give back", 504),
        (Ending(0, 0, 0, False, False, UpstreamUnreachable()), "give back", 502),
        (Ending(200, 0, 3, True, True, AnswerCut()), "give back", 200),
        (Ending(0, 9, 0, False, False, BodyTooLarge()), "give back", 413),
        (Ending(0, 0, 0, False, True, ClientGone()), "keep", 499),
        (Ending(200, 0, 3, True, True, ClientGone()), "keep", 200),
    ],
)
async def test_an_ending_keeps_or_gives_back(stand: Stand, ending: Ending, said: str, status: int) -> None:
    answer = stand.call(stand.request("/eko/v1/echo"), ending)
    assert stand.counters.said[-1] == said
    (record,) = stand.records
    assert record.status == status
    assert record.code == (ending.fault.code if ending.fault else "")
    answers_itself = isinstance(ending.fault, EdgeFault) and not ending.answered
    assert hasattr(answer, "status") == (answers_itself and not isinstance(ending.fault, ClientGone))


async def test_a_client_gone_before_the_decision_pays_nothing(stand: Stand) -> None:
    stand.counters.hold = True
    exchange = stand.call(stand.request("/eko/v1/echo"))
    exchange.gone = True
    stand.counters.release()
    assert stand.counters.said == ["take 1", "give back"]
    assert stand.records[0].code == "client-gone"


async def test_documents_are_open_and_only_read(stand: Stand) -> None:
    for name, media in (("openapi.json", "application/json"), ("openapi.yaml", "application/yaml")):
        answer = stand.call(stand.request(f"/eko/v1/{name}", token=None))
        assert (answer.status, answer.fields["content-type"]) == (200, media)
        assert answer.body
    answer = stand.call(stand.request("/eko/v1/api-info", method="POST", token=None))
    assert code_of(answer) == (405, "method-not-allowed")
    assert stand.counters.said == []


async def test_the_control_plane_sees_the_host_outside(stand: Stand) -> None:
    answer = stand.call(stand.request("/console/apps?x=1", Cookie="a=b"))
    assert answer.order.upstream is stand.line.upstreams.control
    assert answer.order.target == b"/console/apps?x=1"
    assert answer.order.host == b"localhost:8080"
    assert answer.order.terms.pass_cookies
    assert b"Sluss-" not in answer.order.injected
    assert stand.records[0].place.template == "/console/"


async def test_a_record_tells_what_happened_and_no_path(stand: Stand) -> None:
    stand.call(stand.request("/eko/v1/echo/19121212-1212?pnr=1"), Ending(201, 7, 5, True, True, None))
    (record,) = stand.records
    read = json.loads(record.line())
    expected = {
        "method": "GET", "template": "/eko/v1/echo/{word}", "api": "eko/v1", "operation": "getEchoWord",
        "status": 201, "code": "", "outcome": "served", "organisation": "org_1", "app": "app_1",
        "environment": "sandbox", "peer": "127.0.0.1", "bytes_in": 7, "bytes_out": 5, "upstream_status": 201,
    }  # fmt: skip
    assert {name: read[name] for name in expected} == expected
    assert b"19121212" not in record.line()


async def test_an_unknown_path_is_not_recorded(stand: Stand) -> None:
    stand.call(stand.request("/19121212-1212/v1/x"))
    assert stand.records[0].place.template == "(unknown)"


async def test_a_version_on_its_way_out_says_so(stand: Stand) -> None:
    catalog = reference()
    api = replace(
        catalog.apis["eko/v1"], status=Status.DEPRECATED, deprecated="2026-06-01", sunset="2026-12-31"
    )
    stand.use(rows(stand.mint), replace(catalog, apis={**catalog.apis, "eko/v1": api}))
    order = stand.call(stand.request("/eko/v1/echo")).order
    assert (
        b"Deprecation: @1780272000\r\nSunset: Thu, 31 Dec 2026 22:59:59 GMT\r\nLink: <"
        in order.response_lines
    )
    assert order.terms.replaced == {b"deprecation", b"sunset"}


async def test_a_call_leaves_nothing_for_the_collector(stand: Stand) -> None:
    """A cycle per call would make the collector run all the time."""
    request = stand.request("/eko/v1/echo")
    stand.call(request)
    gc.collect()
    gc.disable()
    try:
        for _ in range(10):
            stand.call(request)
        assert gc.collect() == 0
    finally:
        gc.enable()


async def test_a_key_of_another_issuer_is_foreign(stand: Stand) -> None:
    token = Stand.token(replace(stand, mint=Mint("key-1"), records=[]))
    assert code_of(stand.call(stand.request("/eko/v1/echo", token=token))) == (401, "foreign-token")

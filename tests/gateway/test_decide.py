"""Decision mode: who may ask, how a question is read, what the answers are."""

from __future__ import annotations

import json

import pytest

from tests.gateway.line_of_one import Remembered, Stand

NGINX = {"X_Original_Method": "GET", "X_Original_URI": "/eko/v1/echo?a=1"}
TRAEFIK = {"X_Forwarded_Method": "GET", "X_Forwarded_Uri": "/eko/v1/echo?a=1"}


def code_of(answer: Remembered) -> tuple[int, str]:
    return answer.status, json.loads(answer.body)["code"]


@pytest.mark.parametrize(
    ("path", "fields"), [("/decide", NGINX), ("/decide", TRAEFIK), ("/decide/eko/v1/echo?a=1", {})]
)
async def test_yes(asked_stand: Stand, path: str, fields: dict[str, str]) -> None:
    answer = asked_stand.call(asked_stand.request(path, **fields))
    assert (answer.status, answer.body) == (200, b"")
    assert not hasattr(answer, "order")
    assert answer.fields["sluss-organisation"] == "org_1"
    assert answer.fields["sluss-scope"] == "eko:call"
    assert {
        "sluss-app", "sluss-subject", "sluss-environment", "traceparent", "request-id", "ratelimit",
        "ratelimit-policy",
    } <= set(answer.fields)  # fmt: skip
    assert asked_stand.counters.said == ["take 1", "keep"]
    (record,) = asked_stand.records
    assert (record.place.operation, record.outcome) == ("getEcho", "served")


async def test_others_find_nothing_there(stand: Stand) -> None:
    for path, fields in (("/decide", NGINX), ("/decide/eko/v1/echo", {})):
        assert code_of(stand.call(stand.request(path, **fields))) == (404, "no-such-api")
    assert stand.counters.said == []


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({}, 400, "malformed-header"),
        (NGINX | TRAEFIK, 400, "malformed-header"),
        ({"X_Original_Method": "GET", "X_Forwarded_Uri": "/eko/v1/echo"}, 400, "malformed-header"),
        ({"X_Original_URI": "/eko/v1/echo"}, 400, "malformed-header"),
        (NGINX | {"x_original_uri": "/eko/v1/stream"}, 400, "malformed-header"),
        (NGINX | {"X_Original_URI": "/eko/v1/../v1/echo"}, 400, "deceptive-path"),
        (NGINX | {"X_Original_URI": "/eko/v1/%65cho"}, 400, "deceptive-path"),
        (NGINX | {"X_Original_URI": "/eko/v1/echo?a=%"}, 400, "malformed-target"),
        (NGINX | {"X_Original_URI": "http://localhost/eko/v1/echo"}, 400, "malformed-target"),
        (NGINX | {"X_Original_URI": ""}, 400, "malformed-target"),
        (NGINX | {"X_Original_URI": "/eko/v1/echo?access_token=a"}, 400, "token-in-query"),
        (NGINX | {"X_Original_Method": "TRACE"}, 405, "refused-method"),
        (NGINX | {"X_Original_Method": "BREW"}, 501, "unknown-method"),
        (
            NGINX | {"X_Original_Method": "DELETE", "X_Original_URI": "/eko/v1/stream"},
            405,
            "method-not-allowed",
        ),
        (NGINX | {"X_Original_URI": "/decide"}, 404, "no-such-api"),
        (NGINX | {"X_Original_URI": "/console/"}, 404, "no-such-api"),
        (NGINX | {"X_Original_URI": "/eko/v1/openapi.json"}, 404, "no-such-operation"),
    ],
)
async def test_no(asked_stand: Stand, fields: dict[str, str], status: int, code: str) -> None:
    answer = asked_stand.call(asked_stand.request("/decide", **fields))
    assert code_of(answer) == (status, code)
    assert not hasattr(answer, "order")
    assert asked_stand.counters.said == []


async def test_the_refusals_are_the_line_s(asked_stand: Stand) -> None:
    for token, status, code in (
        (None, 401, "missing-token"),
        (asked_stand.token(scope=""), 403, "missing-scope"),
    ):
        asked = asked_stand.call(asked_stand.request("/decide", token=token, **NGINX))
        called = asked_stand.call(asked_stand.request("/eko/v1/echo", token=token))
        assert code_of(asked) == code_of(called) == (status, code)
        assert asked.fields["www-authenticate"] == called.fields["www-authenticate"]


async def test_limits_are_one_for_both_ways(asked_stand: Stand) -> None:
    question = asked_stand.request("/decide", **NGINX)
    call = asked_stand.request("/eko/v1/echo")
    answers = [asked_stand.call(each) for _ in range(40) for each in (question, call)]
    last = [answer for answer in answers if getattr(answer, "status", 200) == 429]
    assert last
    assert code_of(last[-1]) == (429, "rate-exceeded")
    assert "retry-after" in last[-1].fields


async def test_an_asker_that_left_pays_nothing(asked_stand: Stand) -> None:
    asked_stand.counters.hold = True
    exchange = asked_stand.call(asked_stand.request("/decide", **NGINX))
    exchange.gone = True
    asked_stand.counters.release()
    assert asked_stand.counters.said == ["take 1", "give back"]
    assert asked_stand.records[0].status == 499


async def test_nginx_gets_the_problem_in_a_header_too(asked_stand: Stand) -> None:
    """It throws the body away; what the header carries is the same document, in ASCII."""
    answer = asked_stand.call(asked_stand.request("/decide", token=None, **NGINX))
    assert answer.fields["sluss-problem"].isascii()
    assert json.loads(answer.fields["sluss-problem"]) == json.loads(answer.body)


async def test_no_other_proxy_does(asked_stand: Stand) -> None:
    for answer in (
        asked_stand.call(asked_stand.request("/decide", token=None, **TRAEFIK)),
        asked_stand.call(asked_stand.request("/decide/eko/v1/echo", token=None)),
        asked_stand.call(asked_stand.request("/eko/v1/echo", token=None, **NGINX)),
    ):
        assert "sluss-problem" not in answer.fields


async def test_who_may_not_ask_gets_no_such_header(stand: Stand) -> None:
    assert "sluss-problem" not in stand.call(stand.request("/decide", **NGINX)).fields

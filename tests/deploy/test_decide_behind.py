"""Decision mode behind the real nginx, Traefik, Caddy and Envoy, each with its file in deploy/.

The proxy asks Sluss and passes the call on itself; a service that remembers every byte stands behind.
"""

from __future__ import annotations

import json
import re

import pytest

from tests.deploy.conftest import Front
from tests.deploy.recorder import ask, ask_many, head
from tests.line_support.raw_client import RawAnswer

IDENTITY = ("sluss-organisation", "sluss-app", "sluss-subject", "sluss-scope", "sluss-environment")
# Traefik passes nothing of a yes on to the client; the page for operators says so.
SILENT_ON_YES = ("traefik",)


def problem(answer: RawAnswer) -> str:
    """The code of the document that says why."""
    assert answer.field("content-type") == "application/problem+json", answer.head
    document = json.loads(answer.body)
    assert document["status"] == answer.status
    code: str = document["code"]
    return code


def test_an_allowed_call_arrives_with_who_is_calling(front: Front) -> None:
    answer = ask(
        front.port, head("GET /eko/v1/echo?b=2&a=1&a=%20", front.bearer, "Cookie: sluss=1", "X-Own: 1")
    )
    assert (answer.status, answer.body) == (200, b"ok")
    (arrived,) = front.service.taken()
    assert arrived.line == b"GET /eko/v1/echo?b=2&a=1&a=%20 HTTP/1.1"
    assert {name: arrived.values(name) for name in IDENTITY} == {
        "sluss-organisation": [front.client.organisation_id],
        "sluss-app": [front.client.app_id],
        "sluss-subject": [front.client.client_id],
        "sluss-scope": ["eko:call"],
        "sluss-environment": ["sandbox"],
    }
    assert arrived.values("x-own") == ["1"]
    assert arrived.values("authorization") == arrived.values("cookie") == []
    assert len(arrived.values("traceparent")) == len(arrived.values("request-id")) == 1


def test_the_client_learns_its_limits(front: Front) -> None:
    answer = ask(front.port, head("GET /eko/v1/echo", front.bearer))
    (arrived,) = front.service.taken()
    if front.name in SILENT_ON_YES:
        assert answer.values("ratelimit") == ["theirs"]
        return
    (limit,) = answer.values("ratelimit")
    assert re.fullmatch(r'"[a-z-]+";r=\d+;t=\d+(, "[a-z-]+";r=\d+;t=\d+)*', limit), limit
    assert len(answer.values("ratelimit-policy")) == 1
    assert answer.values("request-id") == arrived.values("request-id")


@pytest.mark.parametrize("size", [0, 11, 300_000])
def test_a_body_goes_to_the_service_alone(front: Front, size: int) -> None:
    body = b"x" * size
    request = head("POST /eko/v1/echo", front.bearer, f"Content-Length: {size}") + body
    assert ask(front.port, request).status == 200
    (arrived,) = front.service.taken()
    assert arrived.line == b"POST /eko/v1/echo HTTP/1.1"
    assert arrived.body == body


def test_a_chunked_body_too(front: Front) -> None:
    chunks = b"5\r\nhello\r\n0\r\n\r\n"
    request = head("PUT /eko/v1/echo", front.bearer, "Transfer-Encoding: chunked") + chunks
    assert ask(front.port, request).status == 200
    (arrived,) = front.service.taken()
    assert arrived.body == b"hello"


def test_head_is_decided_as_head(front: Front) -> None:
    allowed = ask(front.port, head("HEAD /eko/v1/echo", front.bearer))
    refused = ask(front.port, head("HEAD /eko/v1/echo"))
    (arrived,) = front.service.taken()
    assert arrived.line == b"HEAD /eko/v1/echo HTTP/1.1"
    assert (allowed.status, refused.status) == (200, 401)
    assert refused.field("www-authenticate") == 'Bearer realm="sluss"'


def test_refusals_arrive_with_status_reason_and_headers(front: Front) -> None:
    """401, 403, 404, 405, 400: the status, the problem document and the challenge that the line would give."""
    no_scope = front.platform.token(front.client, scopes="")
    bearer, empty = front.bearer, f"Authorization: Bearer {no_scope}"
    cases = (
        (head("GET /eko/v1/echo"), 401, "missing-token"),
        (head("GET /eko/v1/echo", "Authorization: Bearer no.such.token"), 401, "malformed-token"),
        (head("GET /eko/v1/echo", empty), 403, "missing-scope"),
        (head("GET /eko/v1/nowhere", bearer), 404, "no-such-operation"),
        (head("GET /nowhere", bearer), 404, "no-such-api"),
        (head("GET /console/", bearer), 404, "no-such-api"),
        (head("GET /decide", bearer), 404, "no-such-api"),
        (head("DELETE /eko/v1/stream", bearer), 405, "method-not-allowed"),
        (head("GET /eko/v1/echo?access_token=a", bearer), 400, "token-in-query"),
    )
    for request, status, code in cases:
        answer = ask(front.port, request)
        assert (answer.status, problem(answer)) == (status, code), request
        assert len(answer.values("www-authenticate")) == (1 if status < 404 else 0), request
        assert len(answer.values("request-id")) == 1
        assert answer.values("sluss-problem") == []
    assert ask(front.port, cases[2][0]).field("www-authenticate") == (
        'Bearer realm="sluss", error="insufficient_scope", scope="eko:call"'
    )
    assert ask(front.port, cases[-2][0]).field("allow") == "GET, HEAD"
    assert front.service.taken() == []


def test_the_language_is_the_client_s(front: Front) -> None:
    details = {
        json.loads(ask(front.port, head("GET /eko/v1/echo", f"Accept-Language: {language}")).body)["detail"]
        for language in ("sv", "en")
    }
    assert len(details) == 2


def test_of_many_at_once_exactly_the_quota_passes(front: Front) -> None:
    """N of M: the plan has 50 calls a day; 80 come at once, 50 reach the service, 50 stand in the ledger."""
    client = front.platform.client(plan="innovation")
    token = front.platform.token(client)
    answers = ask_many(front.port, head("GET /eko/v1/echo", f"Authorization: Bearer {token}"), 80)
    statuses = sorted(answer.status for answer in answers)
    assert statuses == [200] * 50 + [429] * 30
    assert len(front.service.taken()) == 50
    refused = next(answer for answer in answers if answer.status == 429)
    assert problem(refused) == "quota-exceeded"
    assert int(refused.field("retry-after") or 0) >= 1
    assert len(refused.values("ratelimit")) == len(refused.values("ratelimit-policy")) == 1
    front.platform.wait(lambda: front.platform.ledger(client).get("served") == 50)

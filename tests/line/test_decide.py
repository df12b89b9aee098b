"""Decision mode over real processes: the asker is a proxy we trust, and the unit it takes is in the ledger."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from tests.line.platform import Platform

QUESTION = {"X-Original-Method": "GET", "X-Original-URI": "/eko/v1/echo?a=1"}


@pytest.fixture
def asked(own_platform: Callable[..., Platform]) -> Platform:
    platform = own_platform()
    platform.environment["SLUSS_TRUSTED_PROXIES"] = "127.0.0.0/8,::1/128"
    return platform.start()


def test_a_question_takes_one_unit_and_reaches_no_upstream(asked: Platform) -> None:
    client = asked.client()
    token = asked.token(client)
    before = asked.seen()
    yes = asked.get("/decide", token, QUESTION)
    assert (yes.status_code, yes.content) == (200, b"")
    assert yes.headers["sluss-organisation"] == client.organisation_id
    assert yes.headers["sluss-app"] == client.app_id
    assert yes.headers["sluss-environment"] == "sandbox"
    assert {"sluss-subject", "sluss-scope", "traceparent", "request-id", "ratelimit"} <= set(yes.headers)
    envoy = httpx.post(
        asked.url("/decide/eko/v1/echo"), headers={"Authorization": f"Bearer {token}"}, trust_env=False
    )
    assert envoy.status_code == 200
    assert asked.seen() == before
    asked.wait(lambda: asked.ledger(client) == {"served": 2})


def test_the_quota_is_one_for_questions_and_calls(asked: Platform) -> None:
    client = asked.client(plan="innovation")
    token = asked.token(client)
    with httpx.Client(headers={"Authorization": f"Bearer {token}"}, trust_env=False) as http:
        statuses = [
            http.get(asked.url(path), headers=QUESTION if path == "/decide" else None).status_code
            for path in ["/decide", "/eko/v1/echo"] * 26
        ]
        last = http.get(asked.url("/decide"), headers=QUESTION)
    assert statuses == [200] * 50 + [429] * 2
    assert last.json()["code"] == "quota-exceeded"
    assert int(last.headers["retry-after"]) >= 1


def test_no_token_is_the_line_s_own_refusal(asked: Platform) -> None:
    answer = asked.get("/decide", headers=QUESTION)
    assert (answer.status_code, answer.json()["code"]) == (401, "missing-token")
    assert answer.headers["www-authenticate"] == 'Bearer realm="sluss"'


def test_who_is_not_trusted_finds_nothing(platform: Platform) -> None:
    answer = platform.get("/decide", platform.token(platform.client()), QUESTION)
    assert (answer.status_code, answer.json()["code"]) == (404, "no-such-api")

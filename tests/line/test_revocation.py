"""What was taken back stops everywhere within two seconds, measured over two edge processes (T13, T14, F15)."""

from __future__ import annotations

import time
from collections.abc import Callable

import httpx
import pytest

from tests.line.platform import Platform
from tests.line.taking_back import claims_of, disable, give, revoke, take_back, withdraw

BOUND_S = 2.0


@pytest.fixture
def platform(own_platform: Callable[..., Platform], redis_url: str) -> Platform:
    return own_platform(redis_url, edges=2).start()


def stops(platform: Platform, token: str, status: int, code: str) -> None:
    """Within the bound every edge refuses the token, for good."""
    until = time.monotonic() + BOUND_S
    for edge in (0, 1):
        # A call that waits for its answer when the news comes is itself refused, with access-ended.
        while (answer := platform.get("/eko/v1/echo", token, edge=edge)).status_code == 200 or (
            answer.json()["code"] == "access-ended"
        ):
            assert time.monotonic() < until, f"edge {edge} still lets it through"
        assert answer.status_code == status, answer.text
        assert answer.json()["code"] == code


@pytest.mark.redis
def test_everything_that_can_be_taken_back(platform: Platform) -> None:
    clients = [platform.client() for _ in range(4)]
    tokens = [platform.token(client) for client in clients]
    for token in tokens:
        assert {platform.get("/eko/v1/echo", token, edge=edge).status_code for edge in (0, 1)} == {200}

    jti = httpx.Response(200, content=claims_of(tokens[0])).json()["jti"]
    platform.run(revoke(platform, clients[0], jti))
    stops(platform, tokens[0], 401, "revoked-token")
    assert platform.get("/eko/v1/echo", platform.token(clients[0])).status_code == 200, (
        "another token of the app"
    )

    platform.run(take_back(platform, "close", clients[1]))
    stops(platform, tokens[1], 403, "no-subscription")

    platform.run(take_back(platform, "suspend", clients[2]))
    stops(platform, tokens[2], 401, "app-suspended")

    platform.run(take_back(platform, "rotate", clients[3]))
    stops(platform, tokens[3], 401, "revoked-token")

    given, disabled = (platform.run(give(platform, clients[0])) for _ in range(2))
    platform.settled()
    seen = platform.get("/eko/v1/echo", given.token)
    assert seen.status_code == 200, seen.text
    assert {"name": "sluss-subject", "value": given.person_id} in seen.json()["headers"], seen.text
    platform.run(withdraw(platform, given))
    stops(platform, given.token, 401, "revoked-token")
    assert platform.get("/eko/v1/echo", disabled.token).status_code == 200, "another person's consent"
    platform.run(disable(platform, disabled))
    stops(platform, disabled.token, 401, "revoked-token")

    for edge in (0, 1):
        assert 0 < platform.metric("sluss_change_delay_longest_seconds", edge) < BOUND_S


@pytest.mark.redis
def test_a_withdrawn_key_takes_its_tokens_with_it(platform: Platform) -> None:
    client = platform.client()
    old = platform.token(client)
    assert platform.get("/eko/v1/echo", old).status_code == 200
    platform.run(take_back(platform, "rotate keys", client))
    platform.settled()
    assert platform.get("/eko/v1/echo", old).status_code == 200, "a rotated key still verifies"
    assert platform.get("/eko/v1/echo", platform.token(client)).status_code == 200
    platform.run(take_back(platform, "withdraw keys", client))
    stops(platform, old, 401, "foreign-token")

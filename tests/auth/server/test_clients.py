"""Failed client authentication: limited, the same to look at, and recorded (promises T23, P5)."""

from __future__ import annotations

import httpx
import pytest

from auth.server.clients import PER_ADDRESS, PER_CLIENT, presented
from auth.server.faults import InvalidClient
from tests.auth.mint import NOW
from tests.auth.platform import Client, Platform, basic, from_address

GRANT = {"grant_type": "client_credentials"}


async def attempt(platform: Platform, client_id: str, secret: str, ip: str) -> httpx.Response:
    headers = {"Authorization": basic(client_id, secret), **from_address(ip)}
    return await platform.http.post("/oauth2/token", data=GRANT, headers=headers)


def looks(answer: httpx.Response) -> tuple[int, bytes, list[tuple[str, str]]]:
    return answer.status_code, answer.content, sorted(answer.headers.items())


async def test_after_the_limit_even_the_right_secret_is_refused(platform: Platform) -> None:
    client = await platform.client("behov/v1")
    wrong = [
        await attempt(platform, client.client_id, f"wrong-{n}", "192.0.2.1") for n in range(PER_CLIENT.tries)
    ]
    limited = await attempt(platform, client.client_id, client.secret, "192.0.2.1")
    assert looks(limited) == looks(wrong[0])
    platform.now += PER_CLIENT.seconds
    assert (await attempt(platform, client.client_id, client.secret, "192.0.2.1")).status_code == 200


async def test_nobody_locks_another_out(platform: Platform) -> None:
    """The window is of client and address: from its own address the client goes on."""
    client, other = await platform.client("behov/v1"), await platform.client("behov/v1")
    for number in range(PER_CLIENT.tries + 5):
        await attempt(platform, client.client_id, f"wrong-{number}", "192.0.2.1")
    assert (await attempt(platform, client.client_id, client.secret, "192.0.2.2")).status_code == 200
    assert (await attempt(platform, other.client_id, other.secret, "192.0.2.1")).status_code == 200


@pytest.mark.parametrize("addresses", [["192.0.2.1"], [f"2001:db8:0:1::{n:x}" for n in range(1, 9)]])
async def test_an_address_is_limited_over_all_clients(platform: Platform, addresses: list[str]) -> None:
    client = await platform.client("behov/v1")
    for number in range(PER_ADDRESS.tries):
        await attempt(platform, f"unknown-{number}", "x", addresses[number % len(addresses)])
    assert (await attempt(platform, client.client_id, client.secret, addresses[0])).status_code == 401
    assert (await attempt(platform, client.client_id, client.secret, "198.51.100.1")).status_code == 200


async def test_success_counts_for_nothing(platform: Platform) -> None:
    client = await platform.client("behov/v1")
    for _ in range(PER_CLIENT.tries + 5):
        assert (await platform.ask(client)).status_code == 200


async def refusals(platform: Platform) -> list[tuple[str, str]]:
    return [(one.object_id, one.after or "") for one in await platform.audit() if one.act == "client.refused"]


async def test_a_failure_is_recorded_although_the_answer_is_an_error(any_platform: Platform) -> None:
    client = await any_platform.client("behov/v1")
    await attempt(any_platform, client.client_id, "wrong", "192.0.2.1")
    entry = (await any_platform.audit())[0]
    assert (entry.act, entry.object_id, entry.ip) == ("client.refused", client.app_id, "192.0.2.1")
    assert entry.organisation_id == client.organisation_id
    assert entry.at == NOW


async def test_an_attacker_does_not_fill_the_audit_log(platform: Platform) -> None:
    client = await platform.client("behov/v1")
    for number in range(PER_CLIENT.tries * 2):
        await attempt(platform, client.client_id, f"wrong-{number}", "192.0.2.1")
    assert len(await refusals(platform)) == 2  # the first, and the one that met the limit


async def test_what_was_sent_is_not_recorded(platform: Platform) -> None:
    """P1: a secret in the place of the name stays out of the log."""
    client = await platform.client("behov/v1")
    await attempt(platform, client.secret, client.client_id, "192.0.2.1")
    assert client.secret not in repr(await platform.audit())
    assert (await refusals(platform))[0][0] == ""


def test_a_repr_shows_no_secret() -> None:
    shown = presented([basic("c", "topsecret")], {})
    assert "topsecret" not in repr(shown)
    assert "topsecret" not in repr(Client("o", "a", "c", "topsecret", "cre"))


def test_form_encoding_inside_basic_is_undone() -> None:
    """RFC 6749, 2.3.1."""
    shown = presented([basic("a%3Ab+c", "d%2Be%3a")], {})
    assert (shown.client_id, shown.secret) == ("a:b c", "d+e:")
    with pytest.raises(InvalidClient):
        presented([basic("a%ff", "b")], {})

"""WebSockets through real processes: who may open one, what is counted, and what ends them."""

from __future__ import annotations

import asyncio
import json
import signal
import time
from collections.abc import Callable

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.frames import Close
from websockets.typing import Subprotocol

from auth.authenticate import LEEWAY
from tests.line.platform import Client, Platform
from tests.line.taking_back import claims_of, revoke, take_back

PATIENCE = 20.0
LEEWAY_LEFT = 8 - LEEWAY  # of a token's life, in seconds
PATH = "/eko/v1/socket"


def opened(platform: Platform, token: str | None, path: str = PATH) -> connect:
    headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
    address = platform.url(path).replace("http:", "ws:")
    return connect(address, additional_headers=headers, proxy=None)


async def closing(connection: ClientConnection) -> Close | None:
    """The close frame that ends the connection."""
    try:
        while True:
            await asyncio.wait_for(connection.recv(), PATIENCE)
    except ConnectionClosed as closed:
        return closed.rcvd


async def settled_ledger(platform: Platform, client: Client, wanted: dict[str, int]) -> None:
    async with asyncio.timeout(PATIENCE):
        while (found := await platform._ledger(client)) != wanted:
            await asyncio.sleep(0.1)
            assert sum(found.values()) <= sum(wanted.values()), found


async def settled_records(platform: Platform, clients: list[Client], count: int) -> list[dict[str, object]]:
    """The access records of these clients' WebSockets, when there are so many."""
    path, whose = platform.folder / "access-0.log", {client.app_id for client in clients}
    async with asyncio.timeout(PATIENCE):
        while True:
            lines = map(json.loads, path.read_text().splitlines())
            found = [line for line in lines if line["operation"] == "echoSocket" and line["app"] in whose]
            if len(found) >= count:
                return found
            await asyncio.sleep(0.05)


async def refused(attempt: connect) -> int:
    with pytest.raises(InvalidStatus) as caught:
        async with attempt:
            pass
    return caught.value.response.status_code


def test_who_may_open_one(platform: Platform) -> None:
    """H27: authenticated first, on operations that say so; everywhere else the upgrade is stripped."""
    client = platform.client(plan="intern")
    token = platform.token(client)
    plain = platform.get(PATH, token)
    assert plain.status_code == 426
    assert plain.json()["code"] == "upgrade-required"
    assert plain.headers["upgrade"] == "websocket"
    assert plain.headers["sec-websocket-version"] == "13"

    async def others() -> None:
        assert await refused(opened(platform, None)) == 401
        assert await refused(opened(platform, platform_token_without_scope)) == 403
        assert await refused(opened(platform, token, "/eko/v1/echo")) == 200
        address = platform.url(f"{PATH}?access_token={token}").replace("http:", "ws:")
        assert await refused(connect(address, proxy=None)) == 400
        protocols = [Subprotocol("bearer"), Subprotocol(token)]
        bearer = connect(platform.url(PATH).replace("http:", "ws:"), subprotocols=protocols, proxy=None)
        assert await refused(bearer) == 401

    platform_token_without_scope = platform.token(client, scopes="")
    asyncio.run(others())


def test_the_ledger_agrees_to_the_unit_with_what_the_service_saw(platform: Platform) -> None:
    """L7: connections and messages, several clients at once, text, bytes and fragments."""
    client = platform.client(plan="intern")
    token = platform.token(client)
    before = platform.seen()

    async def talk(number: int) -> None:
        async with opened(platform, token) as connection:
            for size in range(20):
                await connection.send("å" * size if size % 2 else b"x" * size * 1000)
                await connection.recv()
            await connection.send(["in ", "three ", "pieces"])
            assert await connection.recv() == "in three pieces"
            for burst in range(10):
                await connection.send(f"{number} {burst}")
            assert [await connection.recv() for _ in range(10)] == [
                f"{number} {burst}" for burst in range(10)
            ]

    async def all_of_them() -> None:
        await asyncio.gather(*(talk(number) for number in range(8)))
        await settled_ledger(platform, client, {"served": 8 * 32})

    asyncio.run(all_of_them())
    assert platform.seen() - before == 8 * 32
    assert platform.metric("sluss_tunnels_open") == 0


def test_a_quota_ends_it_at_the_very_message(platform: Platform) -> None:
    """Fifty a day: the connection and 49 messages; the message after them never reaches the service."""
    client = platform.client(plan="innovation")
    token = platform.token(client)
    before = platform.seen()

    async def use_up() -> None:
        async with opened(platform, token) as connection:
            for number in range(49):
                await connection.send(str(number))
                assert await connection.recv() == str(number)
            await connection.send("one too many")
            end = await closing(connection)
            assert end is not None
            assert end.code == 1008
            assert end.reason.startswith("quota-exceeded retry-after=")
        assert await refused(opened(platform, token)) == 429
        await settled_ledger(platform, client, {"served": 50, "refused_quota": 2})

    asyncio.run(use_up())
    assert platform.seen() - before == 50


ENDS = {
    "revoke": "revoked-token",
    "suspend": "app-suspended",
    "close": "no-subscription",
    "disable": "organisation-disabled",
    "rotate": "revoked-token",
    "expire": "expired-token",
}


def test_what_ends_the_right_to_call_ends_the_tunnels(platform: Platform) -> None:
    """Z10: within the bound of every change, told to both sides; the token's time as for a new call."""
    clients = platform.clients(len(ENDS), plan="intern")
    # This one has run out, but within the leeway of clocks it is good for some seconds more.
    lives = [LEEWAY_LEFT if act == "expire" else 300 for act in ENDS]
    tokens = [platform.token(client, life=life) for client, life in zip(clients, lives, strict=True)]
    other = platform.token(clients[0])

    async def all_of_them() -> None:
        tunnels = [await opened(platform, token) for token in tokens]
        bystander = await opened(platform, other)
        for tunnel in tunnels:
            await tunnel.send("hej")
            assert await tunnel.recv() == "hej"
        for act, client, token in zip(ENDS, clients, tokens, strict=True):
            if act == "revoke":
                await revoke(platform, client, json.loads(claims_of(token))["jti"])
            elif act != "expire":
                await take_back(platform, act, client)
        began = time.monotonic()
        ends = await asyncio.gather(*(closing(tunnel) for tunnel in tunnels))
        assert ends == [Close(1008, code) for code in ENDS.values()]
        assert time.monotonic() - began < PATIENCE
        await bystander.send("still here")
        assert await bystander.recv() == "still here"
        await bystander.close()
        records = await settled_records(platform, clients, len(ENDS) + 1)
        assert sorted(str(record["code"]) for record in records) == ["", *["access-ended"] * len(ENDS)]
        told = {
            (each["status"], each["outcome"], each["messages_in"], each["messages_out"]) for each in records
        }
        assert told == {(101, "served", 1, 1)}

    asyncio.run(all_of_them())


def test_a_stream_of_events_ends_with_the_right_to_it(platform: Platform) -> None:
    """Z10: events arrive one by one; then the app is suspended and the stream is cut, with no clean end."""
    client = platform.client(plan="intern")
    token = platform.token(client)
    address = platform.url("/eko/v1/stream?events=1000&interval=50")
    with (
        httpx.Client(trust_env=False, timeout=PATIENCE) as calls,
        calls.stream("GET", address, headers={"Authorization": f"Bearer {token}"}) as answer,
    ):
        assert answer.status_code == 200
        lines = answer.iter_lines()
        assert next(lines) == "id: 1"
        asyncio.run(take_back(platform, "suspend", client))
        with pytest.raises(httpx.RemoteProtocolError):  # a clean end would raise nothing
            list(lines)
    asyncio.run(settled_ledger(platform, client, {"served": 1}))


def test_sigterm_says_going_away_to_both_sides(own_platform: Callable[..., Platform]) -> None:
    """F11: readiness falls, tunnels are closed with 1001, the process ends by itself and the ledger is whole."""
    platform = own_platform().start()
    client = platform.client()
    token = platform.token(client)

    async def all_of_them() -> None:
        tunnels = [await opened(platform, token) for _ in range(5)]
        for tunnel in tunnels:
            await tunnel.send("hej")
            assert await tunnel.recv() == "hej"
        platform.processes["edge-0"].send_signal(signal.SIGTERM)
        ends = await asyncio.gather(*(closing(tunnel) for tunnel in tunnels))
        assert ends == [Close(1001, "draining")] * 5

    asyncio.run(all_of_them())
    assert platform.processes["edge-0"].wait(PATIENCE) == 0, platform.log("edge-0")
    assert platform.ledger(client) == {"served": 10}
    assert platform.seen() == 10
    assert not platform.log("edge-0"), "a clean end says nothing"

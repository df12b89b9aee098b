"""T15: key sets at an address: one call per cooldown, rotation seen soon, known keys go on when it is away."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence

import httpx

from auth.errors import RefusedAddress
from auth.proofs.key_sets import Key
from auth.proofs.remote_keys import COOLDOWN, FRESH, STALE, RemoteKeys
from auth.server.methods import Methods
from storage.database import Database
from tests.auth.holder import Holder
from tests.auth.mint import ISSUER, NOW
from tests.auth.platform import platform_over

URI = "https://keys.example/jwks"


class Publisher:
    """What stands at the address, and how often it was asked for."""

    def __init__(self, *holders: Holder) -> None:
        self.holders = list(holders)
        self.calls = 0
        self.away = False

    async def text(self, url: str) -> str:
        self.calls += 1
        await asyncio.sleep(0)
        if self.away:
            raise RefusedAddress("away")
        return json.dumps({"keys": [holder.public for holder in self.holders]})


def has(kid: str) -> Callable[[Sequence[Key]], bool]:
    return lambda keys: any(key.kid == kid for key in keys)


def kids(keys: Sequence[Key]) -> list[str]:
    return [key.kid for key in keys]


async def test_a_set_is_fetched_once_while_it_is_fresh() -> None:
    publisher = Publisher(Holder(kid="a"))
    remote = RemoteKeys(publisher)
    for at in (0, 1, FRESH - 1):
        assert kids(await remote.keys(URI, has("a"), at)) == ["a"]
    assert publisher.calls == 1
    await remote.keys(URI, has("a"), FRESH)
    assert publisher.calls == 2


async def test_a_storm_of_unknown_keys_costs_one_call_per_cooldown() -> None:
    publisher = Publisher(Holder(kid="a"))
    remote = RemoteKeys(publisher)
    await asyncio.gather(*(remote.keys(URI, has(str(n)), 100) for n in range(200)))
    assert publisher.calls == 1
    await asyncio.gather(*(remote.keys(URI, has(str(n)), 100 + COOLDOWN) for n in range(200)))
    assert publisher.calls == 2


async def test_a_new_key_is_known_within_the_cooldown() -> None:
    publisher = Publisher(Holder(kid="a"))
    remote = RemoteKeys(publisher)
    await remote.keys(URI, has("a"), 0)
    publisher.holders.append(Holder(kid="b"))
    assert kids(await remote.keys(URI, has("b"), COOLDOWN)) == ["a", "b"]


async def test_known_keys_go_on_when_the_address_is_away_but_not_for_ever() -> None:
    publisher = Publisher(Holder(kid="a"))
    remote = RemoteKeys(publisher)
    await remote.keys(URI, has("a"), 0)
    publisher.away = True
    assert kids(await remote.keys(URI, has("a"), FRESH)) == ["a"]
    assert kids(await remote.keys(URI, has("a"), STALE - 1)) == ["a"]
    assert kids(await remote.keys(URI, has("a"), STALE)) == []


async def test_what_is_no_key_set_leaves_the_known_one() -> None:
    publisher = Publisher(Holder(kid="a"))
    remote = RemoteKeys(publisher)
    await remote.keys(URI, has("a"), 0)
    publisher.holders.clear()  # an empty set is refused
    assert kids(await remote.keys(URI, has("a"), FRESH)) == ["a"]


async def test_memory_is_bounded() -> None:
    remote = RemoteKeys(Publisher(Holder(kid="a")))
    for number in range(600):
        await remote.keys(f"{URI}/{number}", has("a"), 0)
    assert len(remote._known) == 500


async def test_a_client_whose_keys_stand_at_an_address(sqlite_url: str) -> None:
    """From the address to the token; a rotated key without a failed request, and an address that was changed."""
    holder, later = Holder(kid="a"), Holder(kid="b")
    publisher = Publisher(holder)
    database = Database(sqlite_url)
    async with platform_over(database, Methods(ISSUER, RemoteKeys(publisher))) as platform:
        client = await platform.client("behov/v1")
        await platform.register(client, auth_method="private_key_jwt", jwks_uri=URI)

        async def ask(by: Holder) -> httpx.Response:
            form = by.asserting(client.client_id, exp=platform.now + 60)
            return await platform.http.post("/oauth2/token", data=form)

        assert (await ask(holder)).status_code == 200
        publisher.holders.append(later)
        platform.now = NOW + COOLDOWN
        assert (await ask(later)).status_code == 200
        assert (await ask(Holder(kid="c"))).status_code == 401
        assert publisher.calls == 2
        await platform.register(client, auth_method="private_key_jwt", jwks=Holder().jwks)
        assert (await ask(holder)).status_code == 401  # the keys at the old address are nobody's now
    await database.close()

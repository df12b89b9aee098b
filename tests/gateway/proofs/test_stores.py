"""Both stores of used proofs answer alike; Redis over several processes, and when it is away or emptied (T30, F3)."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from gateway.proofs.memory import MemoryProofs
from gateway.proofs.protocol import Use, UsedProofs
from gateway.proofs.redis import RedisProofs
from tests.parts.process import free_port

SOON = 8  # seconds: proofs may be dated so far ahead, and are then newer than any store


@pytest.fixture(params=["memory", pytest.param("redis", marks=pytest.mark.redis)])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[UsedProofs]:
    made: UsedProofs
    if request.param == "memory":
        made = MemoryProofs(time.time())
    else:
        made = RedisProofs(request.getfixturevalue("redis_url"), timeout=60)
    await made.start()
    yield made
    await made.close()


async def used(store: UsedProofs, name: bytes, issued_at: float) -> Use:
    answer: asyncio.Future[Use] = asyncio.get_running_loop().create_future()
    store.use(name, issued_at, time.time(), answer.set_result)
    return await answer


def fresh() -> bytes:
    return secrets.token_bytes(32)


async def test_the_first_use_and_every_other(store: UsedProofs) -> None:
    name, at = fresh(), time.time() + SOON
    assert [await used(store, name, at) for _ in range(3)] == [Use.FIRST, Use.AGAIN, Use.AGAIN]
    assert await used(store, fresh(), at) is Use.FIRST


async def test_a_proof_from_before_the_store_began_is_unknown(store: UsedProofs) -> None:
    assert await used(store, fresh(), time.time() - 60) is Use.UNKNOWN


async def test_of_many_at_once_one_is_first(store: UsedProofs) -> None:
    name, at = fresh(), time.time() + SOON
    uses = await asyncio.gather(*(used(store, name, at) for _ in range(700)))
    assert uses.count(Use.FIRST) == 1
    assert uses.count(Use.AGAIN) == 699


@pytest.mark.redis
async def test_t30_of_two_processes_one_is_first(redis_url: str) -> None:
    stores = [RedisProofs(redis_url, timeout=60) for _ in range(2)]
    for each in stores:
        await each.start()
    for _ in range(20):
        name, at = fresh(), time.time() + SOON
        uses = await asyncio.gather(*(used(each, name, at) for each in stores * 4))
        assert sorted(uses) == [Use.AGAIN] * 7 + [Use.FIRST]
    for each in stores:
        await each.close()


@pytest.mark.redis
async def test_f3_an_emptied_redis_takes_no_proof_from_before(redis_url: str) -> None:
    store = RedisProofs(redis_url, timeout=60)
    await store.start()
    name, at = fresh(), time.time() - 1
    admin = Redis.from_url(redis_url)
    await admin.flushdb()
    assert await used(store, name, at) is Use.UNKNOWN
    assert await used(store, name, time.time() + SOON) is Use.FIRST
    await admin.aclose()
    await store.close()


async def test_f3_without_redis_every_proof_is_unknown() -> None:
    store = RedisProofs(f"redis://127.0.0.1:{free_port()}/0", timeout=60)
    await store.start()
    assert await used(store, fresh(), time.time() + SOON) is Use.UNKNOWN
    await store.close()


@pytest.mark.redis
async def test_nobody_waits_for_ever_when_the_store_is_closed(redis_url: str) -> None:
    store = RedisProofs(redis_url, timeout=60)
    await store.start()
    waiting = [asyncio.ensure_future(used(store, fresh(), time.time())) for _ in range(3)]
    await asyncio.sleep(0)
    await store.close()
    assert len(await asyncio.gather(*waiting)) == 3


async def test_memory_forgets_what_is_refused_for_its_age() -> None:
    store, now, said = MemoryProofs(0.0), 1000.0, list[Use]()
    store.use(b"a", now, now, said.append)
    store.use(b"a", now, now + 69, said.append)
    store.use(b"b", now + 140, now + 140, said.append)
    store.use(b"c", now + 280, now + 280, said.append)
    store.use(b"a", now + 280, now + 280, said.append)  # its proof is long out of time; only the name is free
    assert said == [Use.FIRST, Use.AGAIN, Use.FIRST, Use.FIRST, Use.FIRST]

"""Used proofs of any number of processes, in Redis: all that wait are asked about in one script.

A key per proof, with an end. `sluss:{proofs}:since` says since when Redis remembers; where it is missing, an emptied
Redis begins anew, and proofs made before that are unknown. The braces put all keys in one Cluster slot. Nothing is
asked again by itself: after a failure the callers are told, and each comes back with a new proof.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Final, NamedTuple

from auth.proofs.dpop import KEPT
from gateway.proofs.protocol import Answered, Use
from quota.counters.breaker import Breaker, Sign
from quota.counters.link import Link, Script
from quota.counters.patience import within
from quota.errors import CountersUnreachable

SINCE: Final = b"sluss:{proofs}:since"
PREFIX: Final = b"sluss:{proofs}:"
_AT_ONCE: Final = 500
_USE: Final = """
local time = redis.call('TIME')
local since = tonumber(redis.call('GET', KEYS[1]))
if not since then
  since = time[1] * 1000 + math.floor(time[2] / 1000)
  redis.call('SET', KEYS[1], since)
end
local said = {}
for i = 2, #KEYS do
  if tonumber(ARGV[i]) < since then said[i - 1] = '2'
  elseif redis.call('SET', KEYS[i], '1', 'NX', 'EX', ARGV[1]) then said[i - 1] = '1'
  else said[i - 1] = '0' end
end
return table.concat(said)
"""
_log = logging.getLogger("sluss.edge")


class _Waiting(NamedTuple):
    name: bytes
    issued_ms: int
    answered: Answered


class RedisProofs:
    def __init__(self, url: str, *, timeout: float = 0.08) -> None:
        """`timeout`: seconds for one exchange; while Redis is away nobody waits for it."""
        self._link = Link(url)
        self._script = Script(_USE)
        self._timeout = timeout
        self._breaker = Breaker()
        self._wanted = asyncio.Event()
        self._waiting: list[_Waiting] = []
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Reach Redis if it is there, so that it remembers from now on; go on trying if it is not."""
        await self._exchange([])
        self._task = asyncio.create_task(self._run(), name="used proofs")

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        self._drop()
        await self._link.close()

    def use(self, name: bytes, issued_at: float, now: float, answered: Answered) -> None:
        """See `UsedProofs.use`."""
        if not self._breaker.closed:
            return answered(Use.UNKNOWN)
        self._waiting.append(_Waiting(name, int(issued_at * 1000), answered))
        return self._wanted.set()

    async def _run(self) -> None:
        while True:
            if not self._breaker.closed:
                await asyncio.sleep(self._breaker.rest)
                self._breaker.see(Sign.RESTED)
                await self._exchange([])
                continue
            await self._wanted.wait()
            batch, self._waiting = self._waiting[:_AT_ONCE], self._waiting[_AT_ONCE:]
            if not self._waiting:
                self._wanted.clear()
            await self._exchange(batch)

    async def _exchange(self, batch: list[_Waiting]) -> None:
        keys = [SINCE, *(PREFIX + each.name.hex().encode() for each in batch)]
        arguments = [b"%d" % KEPT, *(b"%d" % each.issued_ms for each in batch)]
        uses = [Use.UNKNOWN] * len(batch)
        try:
            said = await within(
                self._timeout, self._link.script(self._script, keys, arguments), self._link.answer_is_here
            )
            uses = [Use(each - 48) for each in said]  # the digits 0, 1 and 2
            self._breaker.see(Sign.ANSWERED)
        except (CountersUnreachable, TimeoutError) as fault:
            if self._breaker.closed:
                _log.warning("used proofs: Redis does not answer; bound calls are refused (%s)", fault)
            self._breaker.see(Sign.FAILED)
            self._drop()
        finally:  # cancelled or failed, nobody waits for ever
            for each, use in zip(batch, uses, strict=True):
                each.answered(use)

    def _drop(self) -> None:
        waiting, self._waiting = self._waiting, []
        self._wanted.clear()
        for each in waiting:
            each.answered(Use.UNKNOWN)

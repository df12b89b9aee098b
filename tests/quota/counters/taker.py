"""A process that takes calls for ever and acknowledges each on its standard output, until it is killed.

One byte each: `k` after a call was kept, `b` after one was given back. Started by test_kill.py.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from quota.counters.memory import MemoryCounters
from quota.counters.protocol import Decision
from tests.quota.stage import key, limits

UNITS = 3


async def main(folder: Path) -> None:
    """Take, send, end, acknowledge; every third call fails at the upstream."""
    counters = MemoryCounters(folder)
    await counters.start()
    which = limits(requests=0, per_day=None, per_month=None)
    number = 0

    def decided(answer: Decision) -> None:
        assert answer.taken is not None
        counters.sent(answer.taken)
        if number % 3:
            counters.keep(answer.taken)
            os.write(1, b"k")
        else:
            counters.give_back(answer.taken)
            os.write(1, b"b")

    while True:
        number += 1
        counters.take(which, key(), UNITS, decided)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))

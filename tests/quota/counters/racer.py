"""A process that, at each line on its standard input, asks for 100 calls at once and says how many passed.

Started twice by test_race.py, over one Redis. A line is the subscription of the round.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from quota.counters.redis import RedisCounters
from tests.quota.stage import ask_many, limits

CALLS = 100
LIMIT = 50


def say(*words: str) -> None:
    """One line."""
    sys.stdout.write(" ".join(words) + "\n")
    sys.stdout.flush()


async def main(url: str, folder: Path) -> None:
    """Answer each line with one line: how many passed, and what was left after each, sorted."""
    counters = RedisCounters(url, folder, timeout=5)
    await counters.start()
    loop = asyncio.get_running_loop()
    say("ready")
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        which = limits(line.strip(), requests=0, per_day=LIMIT)
        passed = [answer for answer in await ask_many(counters, which, CALLS) if answer.allowed]
        say(*(str(number) for number in (len(passed), *(answer.day_left for answer in passed))))
    await counters.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2])))

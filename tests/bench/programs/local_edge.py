"""One of two edge processes that share a port and nothing else: each has its own limits, in memory.

`python -m tests.bench.programs.local_edge NUMBER`, with the settings in the environment. No platform should run
so, since a caller would get each limit twice; it is what exact shared limits are measured against.
"""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace

import uvloop

from gateway import app
from gateway.settings import load

if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(app.serve(replace(load(), edge_processes=2), int(sys.argv[1])))

"""An edge in a process of its own: `python -m tests.line_support.edge_process UPSTREAM_URL FILES BODY_LIMIT`.

FILES is how many more it may open than it has, 0 for what the machine permits; negative: the same, but the edge is not
told. Prints its port, serves until its standard input ends.
"""

from __future__ import annotations

import asyncio
import os
import resource
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import uvloop

from gateway.edge.kernel import affordable_connections
from gateway.edge.limits import EdgeLimits
from tests.line_support.running_edge import running_edge


async def main(url: str, files: int, body_limit: int) -> None:
    if files:
        most = len(os.listdir("/proc/self/fd")) + abs(files)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    connections = 10_000 if files < 0 else affordable_connections(10_000)
    async with running_edge(url, EdgeLimits(connections=connections), body_limit=body_limit) as edge:
        sys.stdout.write(f"{edge.port} {connections}\n")
        sys.stdout.flush()
        ended = asyncio.Event()
        asyncio.get_running_loop().add_reader(sys.stdin.fileno(), ended.set)
        await ended.wait()


@dataclass
class EdgeProcess:
    process: asyncio.subprocess.Process
    port: int
    connections: int

    @property
    def alive(self) -> bool:
        return self.process.returncode is None

    def resident(self) -> int:
        """Bytes of memory it holds."""
        pages = Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]
        return int(pages) * resource.getpagesize()

    def processor_seconds(self) -> float:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@asynccontextmanager
async def edge_process(url: str, files: int = 0, body_limit: int = 1024 * 1024) -> AsyncIterator[EdgeProcess]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", __name__, url, str(files), str(body_limit),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        line = await asyncio.wait_for(process.stdout.readline(), 60)
        port, connections = map(int, line.split())
        yield EdgeProcess(process, port, connections)
    finally:
        process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), 30)
        except TimeoutError:
            process.kill()
            await process.wait()


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))

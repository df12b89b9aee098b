"""The whole line over real sockets in one process: raw client, EdgeServer, the line, a scripted upstream.

`line_of_one` gives the parts; here the exchange is real, and the publication is the reference one with changes.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from gateway.access_log import Record
from gateway.catalog.answers.values import Answers
from gateway.catalog.model import Api, Catalog, Environment, Upstream
from gateway.edge.door.unread import Unread
from gateway.edge.errors import EdgeFault
from gateway.edge.server import EdgeServer, RenderedFault
from tests.gateway.line_of_one import Stand, reference, rows, standing
from tests.line_support.raw_client import RawAnswer, RawClient, raw_client
from tests.line_support.scripted_upstream import OK, ScriptedUpstream, Visit, scripted_upstream

KEY = "eko/v1"
Answering = Callable[[Visit, bytes], Awaitable[None]]


@dataclass
class Served:
    """`answer` is what the upstream sends to every request, unless a test sets `script`."""

    stand: Stand
    port: int = 0
    upstream: ScriptedUpstream = field(init=False)
    answer: bytes = OK
    script: Callable[[Visit], Awaitable[None]] | None = None

    async def visited(self, visit: Visit) -> None:
        if self.script is not None:
            return await self.script(visit)
        while True:
            arrived = await visit.request()
            head_only = arrived.head.startswith(b"HEAD ")
            await visit.send(self.answer[: self.answer.index(b"\r\n\r\n") + 4] if head_only else self.answer)

    def publish(self, answers: Answers | None = None, **changes: Any) -> Api:
        """The reference `eko` with these changes, answered by the scripted upstream."""
        known = reference()
        api = replace(known.apis[KEY], **changes)
        places = (Upstream(self.upstream.url),)
        api = replace(
            api,
            answers=answers or Answers(),
            upstreams={Environment.SANDBOX: places, Environment.PRODUCTION: places},
        )
        self.use(replace(known, apis={**known.apis, KEY: api}))
        return api

    @property
    def catalog(self) -> Catalog:
        assert self.stand.snapshot is not None
        return self.stand.snapshot.catalog

    def use(self, catalog: Catalog) -> None:
        self.stand.use(rows(self.stand.mint), catalog)

    def head(self, path: str, method: str = "GET", token: str | None = "", **fields: str) -> bytes:
        lines = [f"{method} {path} HTTP/1.1", "Host: localhost"]
        if token is not None:
            lines.append(f"Authorization: {token or self.stand.token()}")
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in fields.items()]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()

    async def ask(
        self, path: str, method: str = "GET", token: str | None = "", raw: bytes | None = None, **fields: str
    ) -> RawAnswer:
        """One call on a connection of its own."""
        async with raw_client(self.port) as client:
            return await client.ask(raw or self.head(path, method, token, **fields), method)

    def client(self) -> Any:
        return raw_client(self.port)

    @property
    def asked(self) -> int:
        """Requests that reached the upstream."""
        return len(self.upstream.arrived)

    async def recorded(self, count: int = 1) -> list[Record]:
        """The records, once there are so many: one is written after its answer has left."""
        async with asyncio.timeout(10):
            while len(self.stand.records) < count:
                await asyncio.sleep(0)
        return self.stand.records


@asynccontextmanager
async def served(folder: Path) -> AsyncIterator[Served]:
    async with AsyncExitStack() as stack:
        stand = await stack.enter_async_context(standing(folder))
        made = Served(stand)
        made.upstream = await stack.enter_async_context(scripted_upstream(made.visited))

        def rendered(fault: EdgeFault, unread: Unread) -> RenderedFault:
            answer = stand.line.renderer.render(fault)
            return answer.status, answer.headers, answer.body

        server = EdgeServer(stand.line, rendered)
        made.port = await server.start("127.0.0.1", 0)
        made.publish()
        try:
            yield made
        finally:
            stand.line.upstreams.close()
            await server.drain(0.0)
            await asyncio.sleep(0)


__all__ = ["KEY", "RawClient", "Served", "served"]

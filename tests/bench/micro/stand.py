"""A whole edge in this process whose transports are lists: what is timed is our own code and nothing else.

The catalogue, the plan, the token's claims and both heads are those of the bench (`tests.bench.ours`), so the
figures add up to what `make bench` shows as time in Python. The kernel's share is not here.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from auth.authenticate import Authenticator
from auth.tokens.issue import Subject, access_token_claims, new_token_id, sign
from auth.tokens.signing import generate, unlock
from gateway.access_log import AccessLog, Record
from gateway.cache.store import Store
from gateway.catalog import load
from gateway.edge.clock import Clock
from gateway.edge.connection import ClientConnection
from gateway.edge.server import EdgeServer
from gateway.errors import Renderer
from gateway.metrics import LineMetrics
from gateway.pipeline import Line
from gateway.proofs.memory import MemoryProofs
from gateway.proofs.possession import Bound
from gateway.proxy.connection import UpstreamConnection
from gateway.proxy.response import AnswerReader
from gateway.proxy.upstreams import Pools, Upstreams
from gateway.snapshot.accounts import Accounts
from gateway.snapshot.build import Snapshot, build
from gateway.trace import Tracer
from gateway.tunnels.registry import Tunnels
from quota.counters.memory import MemoryCounters
from storage.access import AccessRows, Rest
from storage.apps import App
from storage.signing_keys import SigningKey
from storage.subscriptions import Subscription
from tests.bench.candidate import API
from tests.bench.ours import publications
from tests.bench.upstream import body

PEER = "127.0.0.1"
ISSUER = "http://localhost:8080"
UPSTREAM = "http://127.0.0.1:9"
SIZE = publications.Size()
PATH = f"/{API}/v1/units/42"
ANSWER = (
    b"HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: Sun, 22 Nov 2026 00:00:00 GMT\r\n"
    b"Content-Type: application/json\r\nContent-Length: 1024\r\nConnection: keep-alive\r\n\r\n"
) + body().encode()


class Wire(asyncio.Transport):
    """A transport that keeps what was last written. Its socket is a real one: the pool asks the kernel about it."""

    def __init__(self) -> None:
        super().__init__()
        self.socket, self._other = socket.socketpair()
        self.written = b""

    def get_extra_info(self, name: str, default: object = None) -> object:
        return {"peername": (PEER, 1), "socket": self.socket}.get(name, default)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written = cast(bytes, data)

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def get_write_buffer_size(self) -> int:
        return 0

    def is_closing(self) -> bool:
        return False

    def close(self) -> None:
        self.socket.close()
        self._other.close()

    abort = close


@dataclass(frozen=True, slots=True)
class Stand:
    """One client connection and one to the upstream, with every stage between them."""

    head: bytes
    server: EdgeServer
    line: Line
    snapshot: Snapshot
    counters: MemoryCounters
    authenticator: Authenticator
    metrics: LineMetrics
    log: AccessLog
    record: Callable[[Record], None]
    client: ClientConnection
    upstream: UpstreamConnection
    to_client: Wire
    to_upstream: Wire

    def call(self) -> None:
        """One whole call: the client's bytes in, the upstream's bytes in, the answer out."""
        self.client.data_received(self.head)
        self.upstream.data_received(ANSWER)


def _rows(now: int) -> tuple[AccessRows, str]:
    master_key = secrets.token_bytes(32)
    key = generate(master_key)
    row = SigningKey(key.kid, key.algorithm, key.public_jwk, key.private_encrypted, "active", now, now)
    app = App("app_1", "org_1", "Bench", "sandbox", "sluss_app_1", "active", 0, now)
    granted = [
        Subscription(
            f"sub_{api}", "org_1", "app_1", publications.api_key(api), publications.PLAN,
            publications.PLAN_VERSION, "active", now, now,
        )
        for api in SIZE.ids
    ]  # fmt: skip
    claims = access_token_claims(
        Subject(app.client_id, app.client_id, "org_1", app.id, app.environment),
        [publications.scope(API)],
        issuer=ISSUER,
        audience=ISSUER,
        token_id=new_token_id(),
        now=now,
        life=36_000,
    )
    rows = AccessRows(1, 0, [app], granted, frozenset(), frozenset(), [row])
    return rows, sign(claims, unlock(row, master_key))


def head_of(token: str, *further: str) -> bytes:
    lines = [
        f"GET {PATH} HTTP/1.1",
        "Host: 127.0.0.1:8080",
        *further,
        f"Authorization: Bearer {token}",
    ]
    return "\r\n".join([*lines, "", ""]).encode()


@contextmanager
def standing(folder: Path, *further: str) -> Iterator[Stand]:
    """`further` header lines of the request."""
    publications.write(folder / "catalogue", SIZE)
    catalog = load.load([folder / "catalogue"], {publications.UPSTREAM_VARIABLE: UPSTREAM})
    rows, token = _rows(int(time.time()))
    accounts = Accounts()
    accounts.put_apps(rows.apps)
    accounts.put_grants(rows.subscriptions)
    few = Rest(1, 0, rows.organisations_disabled, rows.revoked, rows.keys)
    snapshot = build(catalog, accounts, few, ISSUER, 0.0)
    counters = MemoryCounters(folder / "counters")
    asyncio.run(counters.start())
    clock = Clock()
    authenticator = Authenticator(ISSUER, frozenset((ISSUER,)))
    metrics, log = LineMetrics(lambda: ()), AccessLog(str(folder / "access.log"))

    def record(record: Record) -> None:
        metrics.observe(record)
        log.write(record)

    upstreams = Upstreams(UPSTREAM, Pools(clock, AnswerReader()), clock)
    line = Line(
        lambda: snapshot, authenticator, counters, upstreams, Renderer(ISSUER), Tracer(), record, Tunnels(counters),
        Store(0), Bound(ISSUER, MemoryProofs(0)),
    )  # fmt: skip
    server = EdgeServer(line, lambda fault, unread: (500, (), b""), clock=clock)
    to_client, to_upstream = Wire(), Wire()
    client = ClientConnection(server)
    client.connection_made(to_client)
    published = snapshot.routes.find("GET", PATH)
    upstream = UpstreamConnection(upstreams.of(published.upstreams["sandbox"]).pick())
    upstream.connection_made(to_upstream)
    try:
        yield Stand(
            head_of(token, *further), server, line, snapshot, counters, authenticator, metrics, log, record,
            client, upstream, to_client, to_upstream,
        )  # fmt: skip
    finally:
        to_client.close()
        to_upstream.close()
        log.close()
        asyncio.run(counters.close())

"""The line with everything real but the sockets: reference catalogue, memory counters, an exchange that remembers."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

from auth.authenticate import Authenticator
from gateway.access_log import Record
from gateway.cache.store import Store
from gateway.catalog import load
from gateway.catalog.model import Catalog
from gateway.edge.clock import Clock
from gateway.edge.errors import ClientGone
from gateway.edge.exchange import Ending, Exchange, Order
from gateway.edge.limits import EdgeLimits
from gateway.edge.peer import TrustedProxies
from gateway.edge.reader import RequestReader
from gateway.edge.request import Request
from gateway.errors import Renderer
from gateway.pipeline import Line
from gateway.proofs.memory import MemoryProofs
from gateway.proofs.possession import Bound
from gateway.proxy.response import AnswerReader
from gateway.proxy.upstreams import Pools, Upstreams
from gateway.snapshot.accounts import Accounts
from gateway.snapshot.build import Snapshot, build
from gateway.trace import Tracer
from gateway.tunnels.registry import Tunnels
from gateway.validation.tally import Tally
from quota.clock import SteadyClock
from quota.counters.memory import MemoryCounters
from quota.counters.protocol import Decided, Outcome, Taken, UsageKey
from quota.plans import Limits
from storage.access import AccessRows, Rest
from storage.apps import App
from storage.signing_keys import SigningKey
from storage.subscriptions import Subscription
from tests.auth.mint import ISSUER, Mint, bearer

BACKENDS = Path(__file__).resolve().parents[2] / "backends"
CLIENT = "sluss_app_1"
APP = App("app_1", "org_1", "App", "sandbox", CLIENT, "active", 0, 0)
SUBSCRIPTION = Subscription("sub_1", "org_1", "app_1", "eko/v1", "prova", 1, "active", 0, 0)
ANSWERED = Ending(200, 0, 5, True, True, None)


@cache
def reference() -> Catalog:
    return load.load([BACKENDS], {})


def rows(
    mint: Mint, app: App = APP, subscription: Subscription = SUBSCRIPTION, **changes: frozenset[str]
) -> AccessRows:
    key = SigningKey(mint.kid, "ES256", mint.row.public_jwk, b"", "active", 0, 0)
    known = AccessRows(1, 0, [app], [subscription], frozenset(), frozenset(), [key])
    return replace(known, **changes)  # type: ignore[arg-type]  # only the sets are changed


def built(
    known: AccessRows, catalog: Catalog | None = None, now: float = 0.0, before: Snapshot | None = None
) -> Snapshot:
    """The snapshot of these rows."""
    accounts = Accounts()
    accounts.put_apps(known.apps)
    accounts.put_grants(known.subscriptions)
    few = Rest(known.version, known.changed_ms, known.organisations_disabled, known.revoked, known.keys)
    if catalog is None and before is None:
        before = compiled()
    return build(catalog or reference(), accounts, few, ISSUER, now, before)


@cache
def compiled() -> Snapshot:
    """Whose checks are taken over: to compile the documents takes longer than most tests. Its catalogue is a copy, so
    that nothing else of it is.
    """
    few = Rest(1, 0, frozenset(), frozenset(), [])
    return build(replace(reference()), Accounts(), few, ISSUER, 0.0)


class Watched(MemoryCounters):
    """Counters that remember in which order they were asked; with `hold`, a take waits for `release`."""

    def __init__(self, folder: Path, clock: SteadyClock | None = None) -> None:
        super().__init__(folder, clock=clock)
        self.said: list[str] = []
        self.keys: list[UsageKey] = []
        self.hold = False
        self.release: Callable[[], None] = lambda: None

    def take(self, limits: Limits, key: UsageKey, units: int, decided: Decided) -> None:
        self.said.append(f"take {units}")
        self.keys.append(key)
        if self.hold:
            self.release = lambda: MemoryCounters.take(self, limits, key, units, decided)
        else:
            super().take(limits, key, units, decided)

    def sent(self, taken: Taken) -> None:
        self.said.append("sent")
        super().sent(taken)

    def keep(self, taken: Taken) -> None:
        self.said.append("keep")
        super().keep(taken)

    def give_back(self, taken: Taken, outcome: Outcome = Outcome.UPSTREAM_FAILED) -> None:
        self.said.append("give back")
        super().give_back(taken, outcome)


class Remembered(Exchange):
    """Answers and orders are kept, nothing moves. An order ends with `ending`, unless that is None."""

    def __init__(self, request: Request, ending: Ending | None) -> None:
        self.request = request
        self.gone = False
        self._ending = ending

    __slots__ = ("_ending", "body", "fields", "order", "status")

    order: Order
    status: int
    fields: dict[str, str]
    body: bytes

    def reply(self, status: int, headers: object, body: bytes, *, close: bool = False) -> None:
        assert isinstance(headers, list)
        self.status, self.body = status, body
        self.fields = {name.decode().lower(): value.decode() for name, value in headers}

    def forward(self, order: Order, done: Callable[[Ending], None]) -> None:
        self.order = order
        if self.gone:
            done(Ending(0, 0, 0, False, False, ClientGone("before the decision")))
        elif self._ending is not None:
            if self._ending.upstream_reached and order.sending is not None:
                order.sending()
            done(self._ending)


@dataclass
class Stand:
    mint: Mint
    counters: Watched
    snapshot: Snapshot | None
    records: list[Record] = field(default_factory=list)
    trusted: tuple[str, ...] = ()
    tally: Tally = field(default_factory=Tally)

    def __post_init__(self) -> None:
        clock = Clock()
        self.line = Line(
            lambda: self.snapshot,
            Authenticator(ISSUER, frozenset({ISSUER})),
            self.counters,
            Upstreams("http://127.0.0.1:1", Pools(clock, AnswerReader()), clock),
            Renderer(ISSUER),
            Tracer(),
            self.records.append,
            Tunnels(self.counters),
            Store(1024 * 1024),
            Bound(ISSUER, MemoryProofs(0)),
            tally=self.tally,
        )

    def close(self) -> None:
        self.line.upstreams.close()

    def use(self, known: AccessRows, catalog: Catalog | None = None) -> None:
        self.snapshot = built(known, catalog)
        self.line.cache.follow(self.snapshot.catalog)

    def token(self, **claims: object) -> str:
        now = int(time.time())
        ours: Mapping[str, object] = {
            "sub": CLIENT, "client_id": CLIENT, "org": "org_1", "app": "app_1", "scope": "eko:call",
            "iat": now, "exp": now + 300,
        }  # fmt: skip
        return bearer(self.mint.token(None, **{**ours, **claims})).decode()

    def request(self, path: str, method: str = "GET", token: str | None = "", **fields: str) -> Request:
        """`token`: the Authorization, "" for a good one, None for none."""
        head = [f"{method} {path} HTTP/1.1", "Host: localhost:8080"]
        if token is not None:
            head.append(f"Authorization: {token or self.token()}")
        head += [f"{name.replace('_', '-')}: {value}" for name, value in fields.items()]
        reader = RequestReader(EdgeLimits(), TrustedProxies(self.trusted))
        return reader.read("\r\n".join(head).encode(), "127.0.0.1", False)

    def call(self, request: Request, ending: Ending | None = ANSWERED) -> Remembered:
        exchange = Remembered(request, ending)
        self.line(exchange)
        return exchange


@asynccontextmanager
async def standing(folder: Path, trusted: tuple[str, ...] = ()) -> AsyncIterator[Stand]:
    mint, counters = Mint(), Watched(folder)
    await counters.start()
    try:
        stand = Stand(mint, counters, None, trusted=trusted)
        stand.use(rows(mint))
        yield stand
    finally:
        await counters.close()

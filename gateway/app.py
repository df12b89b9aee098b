"""Composition root of the edge: settings in, every object built once, served until SIGTERM.

Order of starting: database, snapshot, counters, upstreams, line, sockets. Order of stopping: readiness falls,
no new connections, calls in flight finish, counters are flushed to the ledger, then the rest.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
import socket
import time
from collections.abc import AsyncIterator, Iterable
from functools import partial

from prometheus_client.core import Metric

from auth.authenticate import Authenticator
from gateway.access_log import AccessLog, Record, unread_record
from gateway.admin import AdminPages
from gateway.cache.store import Store
from gateway.catalog.errors import CatalogFaults
from gateway.edge.clock import Clock
from gateway.edge.door.certificates import CertificateFault, Certificates
from gateway.edge.door.unread import Unread
from gateway.edge.errors import EdgeFault
from gateway.edge.exchange import Exchange
from gateway.edge.kernel import affordable_connections
from gateway.edge.limits import EdgeLimits
from gateway.edge.server import EdgeServer, RenderedFault
from gateway.errors import Renderer
from gateway.health import Vitals
from gateway.metrics import LineMetrics
from gateway.pipeline import Line
from gateway.proofs.memory import MemoryProofs
from gateway.proofs.possession import Bound
from gateway.proofs.protocol import UsedProofs
from gateway.proofs.redis import RedisProofs
from gateway.proxy.figures import families
from gateway.proxy.response import AnswerReader
from gateway.proxy.upstreams import Pools, Upstreams
from gateway.settings import Settings
from gateway.snapshot.keeper import SnapshotKeeper
from gateway.trace import Tracer
from gateway.tunnels.access import Review
from gateway.tunnels.registry import Tunnels
from quota.counters.memory import MemoryCounters
from quota.counters.protocol import Counters
from quota.counters.redis import RedisCounters
from quota.errors import QuotaError
from quota.ledger import Flusher, rebuild
from storage.database import Database
from storage.errors import StorageError

ADMIN_SECONDS = 1.0  # for the last questions on the admin port, when all calls have ended
LOG_SECONDS = 0.5  # how long an access record may wait to be written


class CannotStart(Exception):
    """The process cannot serve; the sentence says why and how to mend it."""


class Edge:
    """One edge process with its parts."""

    def __init__(self, settings: Settings, process: int) -> None:
        self.settings = settings
        self.process = process
        door = settings.door
        try:
            self.certificates = Certificates(door.tls, settings.hosts.__contains__) if door.tls else None
        except CertificateFault as fault:
            raise CannotStart(str(fault)) from fault
        self.database = Database(settings.database_url)
        self.keeper = SnapshotKeeper(
            self.database, settings.catalog, settings.upstream_variables, settings.issuer
        )
        self.counters = make_counters(settings, self.database, process)
        self.proofs: UsedProofs = (
            MemoryProofs(time.time())
            if settings.redis_url is None
            else RedisProofs(settings.redis_url, timeout=settings.redis_wait)
        )
        self.flusher = make_flusher(settings, self.database, self.counters, process)
        clock = Clock()
        pools = Pools(clock, AnswerReader(), settings.own_ports)
        self.upstreams = Upstreams(settings.control_url, pools, clock)
        self.log = AccessLog(settings.access_log)
        self.metrics = LineMetrics(
            self._gauges, lambda: self.server.turned_away, self._families, self.keeper.deprecated
        )
        self.renderer = Renderer(settings.issuer)
        self.tracer = Tracer()
        self.keeper.listeners.append(lambda snapshot: self.upstreams.follow(snapshot.catalog))
        self.tunnels = Tunnels(self.counters)
        self.cache = Store(settings.cache_bytes)
        self.keeper.listeners.append(lambda snapshot: self.cache.follow(snapshot.catalog, snapshot.purged))
        review = Review(lambda: self.keeper.current, self._exchanges)
        self.keeper.listeners.append(review.begin)
        self.server = EdgeServer(
            self._line(),
            self._rendered,
            EdgeLimits(connections=affordable_connections(EdgeLimits().connections)),
            settings.trusted_proxies,
            settings.hosts,
            clock=clock,
            sweeps=[self.upstreams.sweep, review.sweep],
            certificates=self.certificates,
            proxy_protocol=door.proxy_protocol,
            notation=door.notation,
            client_cert_header=door.client_cert_header,
            hsts_seconds=door.hsts_seconds,
        )
        self.vitals = Vitals(
            self.keeper,
            self.flusher,
            self.counters if isinstance(self.counters, RedisCounters) else None,
            self.server,
            self.upstreams,
            self.tunnels,
            self.log,
            self.certificates,
        )

    def _line(self) -> Line:
        issuer = self.settings.issuer
        return Line(
            snapshot=lambda: self.keeper.current,
            authenticator=Authenticator(issuer, frozenset((issuer,))),
            counters=self.counters,
            upstreams=self.upstreams,
            renderer=self.renderer,
            tracer=self.tracer,
            record=self._record,
            tunnels=self.tunnels,
            tally=self.metrics.tally,
            cache=self.cache,
            bound=Bound(issuer, self.proofs),
        )

    def _gauges(self) -> Iterable[tuple[str, str, float]]:
        return (*self.vitals.gauges(), *self.cache.gauges())

    def _families(self) -> Iterable[Metric]:
        return families(self.upstreams)

    def _exchanges(self) -> list[Exchange]:
        return self.server.exchanges()

    def _rendered(self, fault: EdgeFault, unread: Unread) -> RenderedFault:
        """An answer to what was refused before the line, and its record. It is no call: no figure of calls has it."""
        trace = self.tracer.of(None)
        status, headers, body = self._unread(fault, unread, trace.instance)
        self.metrics.refused(fault.code)
        self.log.write(unread_record(trace, unread, status, fault.code, len(body)))
        return status, [*headers, (b"Request-Id", trace.request_id)], body

    def _unread(self, fault: EdgeFault, unread: Unread, instance: str = "") -> RenderedFault:
        answer = self.renderer.render(fault, accept_language=unread.accept_language, instance=instance)
        return answer.status, answer.headers, answer.body

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Started on entry, drained and closed on exit."""
        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(self.database.close)
            stack.callback(self.log.close)
            await self._load(stack)
            stack.callback(self.upstreams.close)
            admin = await self._listen(stack)
            gc.collect()
            gc.freeze()  # what is built now lives as long as the process: the collector need not look at it
            try:
                yield
            finally:
                self.vitals.draining = True
                await self.server.drain(self.settings.drain_seconds)
                await admin.drain(ADMIN_SECONDS)

    async def _load(self, stack: contextlib.AsyncExitStack) -> None:
        try:
            await self.keeper.start()
            stack.push_async_callback(self.keeper.stop)
            await self.counters.start()
            stack.push_async_callback(self.counters.close)
            await self.proofs.start()
            stack.push_async_callback(self.proofs.close)
            self.flusher.start()
            stack.push_async_callback(self.flusher.close)
        except CatalogFaults as faults:
            raise CannotStart(f"the catalogue is faulty:\n{faults}") from faults
        except (StorageError, QuotaError) as error:
            raise CannotStart(f"{error}; `sluss doctor` tells more") from error

    async def _listen(self, stack: contextlib.AsyncExitStack) -> EdgeServer:
        """Both ports; the public one first, since the admin port says that it is ready. The admin port's server."""
        settings = self.settings
        flush = asyncio.create_task(self._flush_log(), name="access log")
        stack.callback(flush.cancel)
        if self.certificates is not None:
            watch = asyncio.create_task(self.certificates.watch(), name="certificates")
            stack.callback(watch.cancel)
        admin = EdgeServer(
            AdminPages(self.vitals.readiness, self.vitals.snapshot_page, self.metrics.page, self.renderer),
            self._unread,
            EdgeLimits(drain_idle_seconds=0.0),
        )
        port = settings.port
        try:
            await self.server.start(settings.listen, port, reuse_port=settings.edge_processes > 1)
            port = settings.admin_port + self.process
            await admin.start(settings.admin_listen, port)
        except OSError as error:
            await self.server.drain(0.0)
            raise CannotStart(f"port {port} cannot be used: {error.strerror}") from error
        return admin

    async def _flush_log(self) -> None:
        while True:
            await asyncio.sleep(LOG_SECONDS)
            self.log.flush()

    def _record(self, record: Record) -> None:
        self.metrics.observe(record)
        self.log.write(record)


def make_counters(settings: Settings, database: Database, process: int) -> Counters:
    """In-process counters in the data directory, or shared ones in Redis."""
    folder = settings.data_dir / "counters" / str(process)
    if settings.redis_url is None:
        return MemoryCounters(folder, rebuild=partial(rebuild, database))
    return RedisCounters(
        settings.redis_url,
        folder,
        rebuild=partial(rebuild, database),
        processes=settings.edge_processes,
        timeout=settings.redis_wait,
    )


def make_flusher(settings: Settings, database: Database, counters: Counters, process: int) -> Flusher:
    """Writes usage, and says under a name of its own that this process lives."""
    name = f"{socket.gethostname()}:{settings.port}:{process}"
    if isinstance(counters, RedisCounters):
        return Flusher(database, counters, name=name, living=counters.shared_by)
    return Flusher(database, counters, name=name)


async def serve(settings: Settings, process: int) -> None:
    """Run one edge process until SIGTERM or SIGINT. Raises CannotStart."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    edge = Edge(settings, process)
    async with edge.running():
        await stop.wait()

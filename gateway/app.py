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
from collections.abc import AsyncIterator, Iterable, Iterator
from functools import partial

import uvicorn

from auth.authenticate import Authenticator
from gateway.access_log import AccessLog, Record, unread_record
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
from gateway.health import Readiness, admin_app
from gateway.metrics import LineMetrics
from gateway.pipeline import Line
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

LOG_SECONDS = 0.5  # how long an access record may wait to be written


class AdminServer(uvicorn.Server):
    """uvicorn beside the edge in one loop: signals are the edge's."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class CannotStart(Exception):
    """The process cannot serve; the sentence says why and how to mend it."""


class Edge:
    """One edge process with its parts."""

    def __init__(self, settings: Settings, process: int) -> None:
        self.settings = settings
        self.process = process
        self.draining = False
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
        self.flusher = Flusher(
            self.database,
            self.counters,
            name=f"{socket.gethostname()}:{settings.port}:{process}",
            living=self.counters.shared_by
            if isinstance(self.counters, RedisCounters)
            else lambda count: None,
        )
        clock = Clock()
        admin_ports = range(settings.admin_port, settings.admin_port + settings.edge_processes)
        own_ports = frozenset((settings.port, settings.control_port, *admin_ports))
        self.upstreams = Upstreams(settings.control_url, Pools(clock, AnswerReader(), own_ports), clock)
        self.log = AccessLog(settings.access_log)
        self.metrics = LineMetrics(self._gauges, lambda: self.server.turned_away)
        self.renderer = Renderer(settings.issuer)
        self.tracer = Tracer()
        self.keeper.listeners.append(lambda snapshot: self.upstreams.follow(snapshot.catalog))
        self.tunnels = Tunnels(self.counters)
        line = Line(
            snapshot=lambda: self.keeper.current,
            authenticator=Authenticator(settings.issuer, frozenset((settings.issuer,))),
            counters=self.counters,
            upstreams=self.upstreams,
            renderer=self.renderer,
            tracer=self.tracer,
            record=self._record,
            tunnels=self.tunnels,
        )
        review = Review(lambda: self.keeper.current, self._exchanges)
        self.keeper.listeners.append(review.begin)
        self.server = EdgeServer(
            line,
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

    def _exchanges(self) -> list[Exchange]:
        return self.server.exchanges()

    def _rendered(self, fault: EdgeFault, unread: Unread) -> RenderedFault:
        """An answer to what was refused before the line, and its record. It is no call: no figure of calls has it."""
        trace = self.tracer.of(None)
        answer = self.renderer.render(fault, accept_language=unread.accept_language, instance=trace.instance)
        self.metrics.refused(fault.code)
        self.log.write(unread_record(trace, unread, answer.status, fault.code, len(answer.body)))
        return answer.status, [*answer.headers, (b"Request-Id", trace.request_id)], answer.body

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
                self.draining = True
                await self.server.drain(self.settings.drain_seconds)
                admin.should_exit = True

    async def _load(self, stack: contextlib.AsyncExitStack) -> None:
        try:
            await self.keeper.start()
            stack.push_async_callback(self.keeper.stop)
            await self.counters.start()
            stack.push_async_callback(self.counters.close)
            self.flusher.start()
            stack.push_async_callback(self.flusher.close)
        except CatalogFaults as faults:
            raise CannotStart(f"the catalogue is faulty:\n{faults}") from faults
        except (StorageError, QuotaError) as error:
            raise CannotStart(f"{error}; `sluss doctor` tells more") from error

    async def _listen(self, stack: contextlib.AsyncExitStack) -> uvicorn.Server:
        settings = self.settings
        flush = asyncio.create_task(self._flush_log(), name="access log")
        stack.callback(flush.cancel)
        if self.certificates is not None:
            watch = asyncio.create_task(self.certificates.watch(), name="certificates")
            stack.callback(watch.cancel)
        config = uvicorn.Config(
            admin_app(self.readiness, self.snapshot_page, self.metrics.page),
            host=settings.admin_listen,
            port=settings.admin_port + self.process,
            access_log=False,
            log_level="warning",
            lifespan="off",
            server_header=False,
            ws="none",
        )
        admin = AdminServer(config)
        serving = asyncio.create_task(admin.serve(), name="admin port")
        stack.push_async_callback(asyncio.wait, [serving])
        try:
            await self.server.start(settings.listen, settings.port, reuse_port=settings.edge_processes > 1)
        except OSError as error:
            raise CannotStart(f"port {settings.port} cannot be used: {error.strerror}") from error
        return admin

    async def _flush_log(self) -> None:
        while True:
            await asyncio.sleep(LOG_SECONDS)
            self.log.flush()

    def _record(self, record: Record) -> None:
        self.metrics.observe(record)
        self.log.write(record)

    def _gauges(self) -> Iterable[tuple[str, str, float]]:
        state, snapshot = self.keeper.state, self.keeper.current
        yield (
            "sluss_snapshot_version",
            "Change number of the running snapshot",
            snapshot.version if snapshot else 0,
        )
        yield (
            "sluss_snapshot_checked_seconds",
            "Seconds since it was found current",
            time.time() - state.checked_at,
        )
        yield "sluss_snapshot_swaps", "Snapshots taken into use", state.swaps
        yield "sluss_change_delay_seconds", "From the last committed change to its use", state.last_delay
        yield "sluss_change_delay_longest_seconds", "The longest of these", state.longest_delay
        yield "sluss_catalog_faults", "Faults in the publication files on disk", state.catalog_faults
        yield "sluss_database_up", "Whether the database answered last", state.database_ok
        yield "sluss_access_log_lost", "Access records the disk would not take", self.log.lost
        yield "sluss_connections", "Open client connections", self.server.open_connections
        yield "sluss_tunnels_open", "Open WebSockets, and those that are being opened", self.tunnels.open
        yield "sluss_requests_read", "Requests read since the start", self.server.requests
        yield (
            "sluss_tls_expires_seconds",
            "When the TLS certificate ends, epoch",
            self.certificates.expires if self.certificates else 0,
        )
        yield (
            "sluss_tls_reload_failures",
            "Changed TLS files that could not be used",
            self.certificates.failures if self.certificates else 0,
        )
        pools = self.upstreams.all()
        yield (
            "sluss_upstream_connections",
            "Open connections to upstreams",
            sum(p.open_connections for p in pools),
        )
        yield (
            "sluss_upstream_waiting",
            "Calls that wait for a connection",
            sum(p.waiting_callers for p in pools),
        )

    def readiness(self) -> Readiness:
        now = Readiness()
        state = self.keeper.state
        if self.draining:
            now.faults.append("draining")
        if self.keeper.current is None:
            now.faults.append("no snapshot yet")
        if not state.database_ok:
            now.warnings.append(
                "the database does not answer; the last snapshot is used and usage is kept back"
            )
        if self.flusher.failures:
            now.warnings.append(
                f"the database takes no writes, usage is kept in the counters' files: {self.flusher.fault}"
            )
        if isinstance(self.counters, RedisCounters) and self.counters.fault:
            now.warnings.append("Redis does not answer; each plan says whether calls pass without it")
        if state.catalog_faults:
            now.warnings.append(
                f"the publication files on disk have {state.catalog_faults} faults; see the log"
            )
        return now

    def snapshot_page(self) -> dict[str, object]:
        snapshot, state = self.keeper.current, self.keeper.state
        if snapshot is None:
            return {"version": None}
        return {
            "version": snapshot.version,
            "age": round(time.time() - snapshot.built_at, 3),
            "checked": round(time.time() - state.checked_at, 3),
            "catalog": snapshot.catalog.digest,
            "apis": sorted(snapshot.catalog.apis),
            "apps": len(snapshot.access.apps),
            "subscriptions": len(snapshot.access.grants),
            "revoked": len(snapshot.access.revoked),
            "catalogFaults": state.catalog_message.splitlines(),
        }


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


async def serve(settings: Settings, process: int) -> None:
    """Run one edge process until SIGTERM or SIGINT. Raises CannotStart."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    edge = Edge(settings, process)
    async with edge.running():
        await stop.wait()

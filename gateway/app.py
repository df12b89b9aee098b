"""Composition root of the edge: settings in, every object built once, served until SIGTERM.

Order of starting: database, snapshot, counters, upstreams, line, sockets. Order of stopping: readiness falls,
no new connections, calls in flight finish, counters are flushed to the ledger, then the rest.
"""

from __future__ import annotations

import time
from collections.abc import Iterable

from quota.ledger import Flusher

from auth.authenticate import Authenticator
from gateway.access_log import AccessLog, Record
from gateway.edge.limits import EdgeLimits
from gateway.edge.server import EdgeServer
from gateway.errors import Renderer
from gateway.health import Readiness
from gateway.metrics import LineMetrics
from gateway.pipeline import Line
from gateway.settings import Settings
from gateway.snapshot import SnapshotKeeper
from gateway.trace import Tracer
from gateway.upstreams import Upstreams
from quota.counters.protocol import Counters
from storage.database import Database

LOG_SECONDS = 0.5  # how long an access record may wait to be written
STALE_SECONDS = 10.0  # a snapshot not checked for so long is reported


class CannotStart(Exception):
    """The process cannot serve; the sentence says why and how to mend it."""


class Edge:
    """One edge process with its parts."""

    def __init__(self, settings: Settings, process: int) -> None:
        self.settings = settings
        self.process = process
        self.began = time.time()
        self.draining = False
        self.database = Database(settings.database_url)
        self.keeper = SnapshotKeeper(
            self.database, settings.catalog, settings.upstream_variables, settings.issuer
        )
        self.counters = make_counters(settings, self.database, process)
        self.flusher = Flusher(self.database, self.counters)
        self.upstreams = Upstreams(settings.control_url)
        self.log = AccessLog(settings.access_log)
        self.metrics = LineMetrics(self._gauges)
        self.renderer = Renderer(settings.issuer)
        line = Line(
            snapshot=lambda: self.keeper.current,
            authenticator=Authenticator(settings.issuer, frozenset((settings.issuer,))),
            counters=self.counters,
            upstreams=self.upstreams,
            renderer=self.renderer,
            tracer=Tracer(),
            record=self._record,
        )
        self.server = EdgeServer(
            line,
            self.renderer.render,
            limits=EdgeLimits(),
            trusted_proxies=settings.trusted_proxies,
            hosts=settings.hosts,
        )

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
        yield from self.server.gauges()

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

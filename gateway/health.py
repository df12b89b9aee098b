"""What one edge process says of itself: is it ready, what does it run, what has it counted. `admin` shows it.

Ready means that calls are answered rightly. A database that is away makes it *degraded*, not unready: the
snapshot goes on working (promise F4). Draining makes it unready first of all (F11).
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from gateway.access_log import AccessLog
from gateway.edge.door.certificates import Certificates
from gateway.edge.server import EdgeServer
from gateway.proxy.upstreams import Upstreams
from gateway.snapshot.keeper import SnapshotKeeper
from gateway.tunnels.registry import Tunnels
from quota.counters.redis import RedisCounters
from quota.ledger import Flusher


@dataclass(frozen=True, slots=True)
class Readiness:
    """`faults` make it unready, `warnings` degraded."""

    faults: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def status(self) -> str:
        return "unready" if self.faults else "degraded" if self.warnings else "ready"


@dataclass(slots=True)
class Vitals:
    """What one edge process says of itself: gauges, readiness, and the snapshot it runs."""

    keeper: SnapshotKeeper
    flusher: Flusher
    redis: RedisCounters | None
    server: EdgeServer
    upstreams: Upstreams
    tunnels: Tunnels
    log: AccessLog
    certificates: Certificates | None
    draining: bool = False

    def gauges(self) -> Iterable[tuple[str, str, float]]:
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
        yield (
            "sluss_redis_up",
            "Whether Redis is asked; 1 when there is none",
            self.redis is None or not self.redis.fault,
        )
        yield "sluss_ledger_failures", "Failed attempts in a row to write usage", self.flusher.failures
        yield "sluss_ledger_waiting", "Usage totals that the ledger does not have", self.flusher.waiting
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
        if self.redis is not None and self.redis.fault:
            now.warnings.append("Redis does not answer; each plan says whether calls pass without it")
        ill = sorted(pool.url for pool in self.upstreams.all() if not pool.healthy)
        if ill:
            now.warnings.append(f"health checks fail at {', '.join(ill)}")
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

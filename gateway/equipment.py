"""What the stages of the line work with: built once in `app`, never changed, shared by all calls."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from auth.authenticate import Authenticator
from gateway.access_log import Record
from gateway.cache.store import Store
from gateway.errors import Renderer
from gateway.headers import Callers
from gateway.proofs.possession import Bound
from gateway.proxy.upstreams import Upstreams
from gateway.snapshot.build import Snapshot
from gateway.trace import Tracer
from gateway.tunnels.registry import Tunnels
from gateway.validation.tally import Tally
from quota.counters.protocol import Counters


@dataclass(slots=True)
class Equipment:
    """`snapshot` is None until the first has been built; `record` gets one record for each call."""

    snapshot: Callable[[], Snapshot | None]
    authenticator: Authenticator
    counters: Counters
    upstreams: Upstreams
    renderer: Renderer
    tracer: Tracer
    record: Callable[[Record], None]
    tunnels: Tunnels
    cache: Store
    bound: Bound
    callers: Callers = field(default_factory=Callers)
    tally: Tally = field(default_factory=Tally)

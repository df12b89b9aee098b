"""The comparison, case by case: who takes part, what is asked, and what is beside it.

The ids are stable: they are the names in the JSON, and the portal's page on speed has words for each.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.bench.candidate import MIB, Call, Candidate
from tests.bench.measure import MANY, ONE, Plan
from tests.bench.ours.publications import Size
from tests.bench.ours.sluss import Sluss, SlussTls
from tests.bench.peers.asking import asking
from tests.bench.peers.servers import Direct, Haproxy, Nginx
from tests.bench.peers.services import Caddy, StarletteHttpx, Traefik
from tests.bench.stage import START_ESTIMATE
from tests.bench.tokens import Signed

PLAIN = Call()
FEW = 8  # connections for bodies of 10 MiB
MANY_SUBSCRIPTIONS = 100_000


@dataclass(frozen=True, slots=True)
class Kit:
    """What candidates are made of: tokens with their keys, and whether all is to be small."""

    elliptic: Signed
    rsa: Signed
    small: bool = False


@dataclass(frozen=True, slots=True)
class Case:
    """`base`: the candidate that ratios are to. `spread`: candidates of several processes, on all cores."""

    id: str
    title: str
    base: str
    candidates: Callable[[Kit], Sequence[Candidate]]
    connections: Sequence[int] = (MANY,)
    call: Call = PLAIN
    sink: bool = False
    tls: bool = False
    spread: bool = False
    snapshot: bool = False  # measure what a change costs, too

    def seconds(self, kit: Kit, plan: Plan, only: str = "") -> float:
        """About how long it takes, for the estimate."""
        wanted = [candidate for candidate in self.candidates(kit) if re.search(only, candidate.id)]
        loads = len(self.connections) * plan.rounds * plan.seconds + 1
        return len(wanted) * (loads + START_ESTIMATE) + (SNAPSHOT_ESTIMATE if self.snapshot else 0)


SNAPSHOT_ESTIMATE = 30.0


def _all(kit: Kit) -> list[Candidate]:
    return [
        Direct(kit.elliptic),
        Nginx(kit.elliptic),
        Sluss(),
        Haproxy(kit.elliptic, verifies=False),
        Haproxy(kit.rsa, verifies=True),
        Haproxy(kit.elliptic, verifies=True),
        Traefik(kit.elliptic),
        Caddy(kit.elliptic),
        StarletteHttpx(kit.elliptic),
        *asking(kit.elliptic),
    ]


def _streaming(kit: Kit) -> list[Candidate]:
    return [Direct(kit.elliptic), Nginx(kit.elliptic), Haproxy(kit.elliptic, verifies=False), Sluss()]


def _tls(kit: Kit) -> list[Candidate]:
    return [Nginx(kit.elliptic), Haproxy(kit.elliptic, verifies=False), SlussTls()]


def _processes(kit: Kit) -> list[Candidate]:
    return [
        Sluss(
            "sluss-two-local", "two processes, own limits", "each caller gets each limit twice", processes=2
        ),
        Sluss("sluss-two-exact", "two processes, exact limits", "shared in Redis", processes=2, shared=True),
    ]


def _routes(kit: Kit) -> list[Candidate]:
    sizes = (Size(1, 1), Size(200, 1), Size(20, 50) if kit.small else Size(200, 50))
    named = ("sluss-routes-1", "sluss-routes-200", "sluss-routes-10000")
    return [
        Sluss(id_, f"{size.routes:,} routes", "every stage", size=size)
        for id_, size in zip(named, sizes, strict=True)
    ]


def _subscriptions(kit: Kit) -> list[Candidate]:
    others = 1000 if kit.small else MANY_SUBSCRIPTIONS
    return [
        Sluss("sluss-subscriptions-1", "1 subscription", "every stage", subscribes_to_all=False),
        Sluss("sluss-subscriptions-100000", f"{others:,} subscriptions", "every stage", subscriptions=others),
    ]


CASES: tuple[Case, ...] = (
    Case("calls", "1 KiB of JSON", "nginx", _all, (MANY, ONE)),
    Case("down-100k", "100 KiB from the service", "nginx", _streaming, call=Call("kib100")),
    Case("down-10m", "10 MiB from the service", "nginx", _streaming, (FEW,), Call("mib10")),
    Case(
        "up-10m",
        "10 MiB to the service",
        "nginx",
        _streaming,
        (FEW,),
        Call("42", "POST", 10 * MIB),
        sink=True,
    ),
    Case("tls", "1 KiB of JSON over TLS", "nginx", _tls, (MANY, ONE), tls=True),
    Case("processes", "two processes", "sluss-two-local", _processes, spread=True),
    Case("routes", "1, 200 and 10,000 routes", "sluss-routes-200", _routes),
    Case(
        "subscriptions", "1 and 100,000 subscriptions", "sluss-subscriptions-1", _subscriptions, snapshot=True
    ),
)
MEMORY = "memory"  # beside them: one body of 1 GiB each way, `tests.bench.memory`
IDS = (*(case.id for case in CASES), MEMORY)


def chosen(names: str) -> list[str]:
    """The ids in a comma-separated list, all for none. Raises ValueError with what there is."""
    wanted = [name.strip() for name in names.split(",") if name.strip()] or list(IDS)
    if unknown := [name for name in wanted if name not in IDS]:
        raise ValueError(f"no case {', '.join(unknown)}; there are {', '.join(IDS)}")
    return [name for name in IDS if name in wanted]

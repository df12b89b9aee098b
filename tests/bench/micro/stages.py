"""The stages of the line as things to time, each with the most it may cost beside work that never changes.

`most` is in units of `reference`, timed in the same run: a slower machine or a busy one slows both. It is a third
above what was measured when the stage was last worked on, so a step back is seen and a breath of wind is not.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import cycle

from auth.authorise import authorise
from gateway.access_log import Record
from gateway.edge.heads import answer_head, upstream_head
from gateway.edge.order import Order
from gateway.edge.reader import read_target, take_head
from gateway.headers import limit_lines
from quota.counters.protocol import Decision
from tests.bench.micro.stand import ANSWER, PATH, PEER, Stand

TRACED = b"\r\ntraceparent: 00-92233156f622153fea17d0e7bca5dee9-%016x-01\r\n\r\n"


def reference() -> int:
    """Some twenty microseconds of plain Python."""
    total = 0
    for number in range(1000):
        total += number
    return total


@dataclass(frozen=True, slots=True)
class Stage:
    """`part`: one of those that a whole call is made of, on a connection that repeats its head."""

    id: str
    sv: str
    en: str
    most: float
    action: Callable[[], object]
    part: bool = False


def stages(stand: Stand) -> Sequence[Stage]:
    server, snapshot, counters = stand.server, stand.snapshot, stand.counters
    reader, now = server.reader, time.time()
    taken = take_head(reader, stand.head, 0, PEER, False)
    assert taken is not None
    request = taken[0]
    last = server.heads.keep(stand.head, request, PEER)
    assert last is not None
    published = snapshot.routes.find("GET", PATH)
    principal = stand.authenticator.authenticate(request.authorization, snapshot.keys, now)
    grant = authorise(principal, published.demand, snapshot.access, 0.0)
    subscribed = snapshot.subscribed.of(grant)
    assert subscribed is not None
    usage, limits = subscribed.usage[published.operation.id], subscribed.limits
    trace, caller = stand.line.tracer.of(None), stand.line.callers.of(principal)
    decisions: list[Decision] = []
    counters.take(limits, usage, 1, decisions.append)
    decision = decisions[0]
    order = Order(
        stand.upstream.upstream, request.target[published.cut :], published.terms, caller.lines + trace.lines,
        trace.lines + limit_lines(decision, limits),
    )  # fmt: skip
    end = ANSWER.index(b"\r\n\r\n")
    answers = stand.upstream.upstream.reader
    known = stand.upstream.upstream.known
    assert known is not None
    length = b"Content-Length: 1024\r\n"
    heads = cycle([stand.head[:-4] + TRACED % 1, stand.head[:-4] + b"\r\nX-Other: 1" + TRACED % 2])

    def keep(decided: Decision) -> None:
        assert decided.taken is not None
        counters.sent(decided.taken)
        counters.keep(decided.taken)

    def record() -> None:
        stand.record(
            Record(
                now, trace, "GET", published.place, 200, "", "served", caller.who, PEER, 0.00123, 0, 1024, 200
            )
        )

    def another() -> None:
        stand.client.data_received(next(heads))
        stand.upstream.data_received(ANSWER)

    return (
        Stage("head-again", "känna igen huvudet", "recognise the head", 0.106, lambda: last.repeated(stand.head), True),
        Stage("trace", "spår och id", "trace and id", 0.072, lambda: stand.line.tracer.of(None), True),
        Stage("route", "hitta operationen", "find the operation", 0.049,
              lambda: snapshot.routes.find("GET", PATH), True),
        Stage("limit", "takt och kvot: ta, skicka, behåll", "rate and quota: take, send, keep", 0.182,
              lambda: counters.take(limits, usage, 1, keep), True),
        Stage("limit-lines", "skriva RateLimit", "write RateLimit", 0.038,
              lambda: limit_lines(decision, limits), True),
        Stage("head-out", "skriva huvudet till tjänsten", "write the head to the service", 0.029,
              lambda: upstream_head(request, order), True),
        Stage("answer-out", "skriva svarets huvud", "write the answer's head", 0.018,
              lambda: answer_head(known.answer, order, length, b"", True), True),
        Stage("record", "mätvärden och åtkomstpost", "metrics and access record", 0.134, record, True),
        Stage("whole", "hela anropet", "the whole call", 1.13, stand.call),
        Stage("whole-anew", "hela anropet, nytt huvud varje gång", "the whole call, a new head each time", 1.62,
              another),
        Stage("head-anew", "läsa ett nytt huvud", "read a new head", 0.246,
              lambda: take_head(reader, stand.head, 0, PEER, False)),
        Stage("target", "pröva adressen", "judge the target", 0.044, lambda: read_target(request, request.target)),
        Stage("authenticate", "token som är känd", "a token that is known", 0.056,
              lambda: stand.authenticator.authenticate(request.authorization, snapshot.keys, now)),
        Stage("authorise", "rätten till anropet", "the right to the call", 0.032,
              lambda: authorise(principal, published.demand, snapshot.access, 0.0)),
        Stage("answer-anew", "läsa ett nytt svarshuvud", "read a new answer's head", 0.142,
              lambda: answers.read(ANSWER[:end])),
    )  # fmt: skip


def quickest(action: Callable[[], object], *, seconds: float, loops: int = 20) -> float:
    """Microseconds of the quickest of many short runs: what it costs when nobody disturbs."""
    best, end, clock = float("inf"), time.perf_counter() + seconds, time.perf_counter
    while clock() < end:
        began = clock()
        for _ in range(loops):
            action()
        best = min(best, clock() - began)
    return best / loops * 1e6

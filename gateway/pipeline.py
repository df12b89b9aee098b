"""THE REQUEST PATH: route → authenticate → authorise → limit → proxy → meter.

Every call to a published API takes these steps in this order, and the order stands nowhere else. The stages
are plain functions that get the values they use; only this file remembers a call between them. Two of them
answer later, by callback: the counters (one batch for all calls that wait) and the upstream. A refusal is an
exception that `gateway.errors` renders. Nothing here awaits. Decision mode takes the same steps for a call that
another proxy holds; only "proxy" is left out.

    route         method and path → published operation             404 405
    authenticate  Authorization → principal                          401
    authorise     principal, demand, access table → grant            401 403
    limit         limits, units → decision, all or nothing           429 503
    proxy         the call goes upstream, the answer comes back      502 504 413 …
    meter         one record, whatever happened; units given back when the rule says so
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from time import monotonic, time
from typing import Final

from auth.authenticate import Authenticator
from auth.authorise import authorise
from auth.errors import AuthError, TokenInQuery
from gateway import decide
from gateway.access_log import NOBODY, Record, place_of
from gateway.answers import cors
from gateway.catalog.model import Family
from gateway.edge.errors import ClientGone, EdgeFault
from gateway.edge.exchange import Ending, Exchange, Order
from gateway.edge.order import Terms
from gateway.errors import (
    ApiRetired,
    MethodNotAllowed,
    NoSuchApi,
    NoSuchOperation,
    PlanMissing,
    Refusal,
    Renderer,
    Starting,
    UpstreamMissing,
    limit_refusal,
    status_of,
)
from gateway.headers import Caller, Callers, arrival_lines, limit_fields, limit_lines
from gateway.proxy.upstreams import Upstreams
from gateway.route import CONTROL, DECIDE
from gateway.snapshot.admission import Admission
from gateway.snapshot.build import Snapshot
from gateway.snapshot.published import Document, Published
from gateway.trace import Tracer
from gateway.tunnels.errors import AccessEnded
from gateway.tunnels.registry import Tunnels
from gateway.tunnels.tunnel import Tunnel
from quota.counters.protocol import REFUSED_AS, Counters, Decision, Outcome, Taken
from quota.meter import OUTCOMES, ending_of

# 20 s: with a hanging database the control plane answers 503 by itself, in 17 at most.
CONTROL_TERMS: Final = Terms(1 << 20, first_byte_timeout=20.0, pass_authorization=True, pass_cookies=True)


@dataclass(slots=True)
class Line:
    """The stages with what each needs, built once. Calling it starts one exchange on its way."""

    snapshot: Callable[[], Snapshot | None]
    authenticator: Authenticator
    counters: Counters
    upstreams: Upstreams
    renderer: Renderer
    tracer: Tracer
    record: Callable[[Record], None]
    tunnels: Tunnels
    callers: Callers = field(default_factory=Callers)

    def __call__(self, exchange: Exchange) -> None:
        Call(self, exchange).start()


class Call:
    """One call between its stages. `method`, `path`, `query`: in decision mode those of the call asked about."""

    __slots__ = (
        "admission", "began", "caller", "code", "deciding", "decision", "exchange", "line", "method", "outcome",
        "path", "published", "query", "time", "trace", "tunnel",
    )  # fmt: skip

    def __init__(self, line: Line, exchange: Exchange) -> None:
        request = exchange.request
        self.line = line
        self.exchange = exchange
        self.method = request.method
        self.path = request.path
        self.query = request.query
        self.deciding = False
        self.began = monotonic()
        self.time = time()
        self.trace = line.tracer.of(request.traceparent)
        self.published: Published | None = None
        self.caller: Caller | None = None
        self.admission: Admission | None = None
        self.decision: Decision | None = None
        self.outcome: Outcome | None = None
        self.tunnel: Tunnel | None = None
        self.code = ""

    def start(self) -> None:
        line, request = self.line, self.exchange.request
        if (snapshot := line.snapshot()) is None:
            return self._refuse(Starting())
        if self.method == "OPTIONS" and self._preflight(snapshot):
            return None
        try:
            published = self.published = snapshot.routes.find(self.method, self.path)
            if not published.demand.callable:
                raise ApiRetired(published.successor)
            if b"access_token=" in self.query:
                raise TokenInQuery
            memory = request.memory  # set when this connection sends the same head once more
            known = memory.get(published) if memory is not None else None
            if isinstance(known, Admission) and known.mark is snapshot.mark and self.time < known.until:
                self.caller = known.caller
            else:
                known = self._admit(published, snapshot)
            if published.shaping is not None:
                published.shaping.refuse_brownout(self.time)
            if published.terms.allow_upgrade and not self.deciding:
                self.tunnel = line.tunnels.make(request, published, known.subscribed)
        except NoSuchApi as refusal:
            return self._beside_the_apis(refusal)
        except NoSuchOperation as refusal:
            return self._document(snapshot.documents.get(self.path), refusal)
        except (Refusal, AuthError, EdgeFault) as refusal:
            return self._refuse(refusal)
        self.admission = known
        return line.counters.take(known.limits, known.usage, known.units, self._limited)

    def _admit(self, published: Published, snapshot: Snapshot) -> Admission:
        """Who is calling, and may they?"""
        line, request = self.line, self.exchange.request
        principal = line.authenticator.authenticate(request.authorization, snapshot.keys, self.time)
        self.caller = line.callers.of(principal)
        grant = authorise(principal, published.demand, snapshot.access)
        subscribed = snapshot.subscribed.of(grant)
        if subscribed is None:
            raise PlanMissing
        if principal.environment not in published.upstreams:
            raise UpstreamMissing
        return Admission(request, published, snapshot, self.caller, subscribed, self.time)

    def _limited(self, decision: Decision) -> None:
        """The counters have answered: on to the upstream, or back with 429."""
        self.decision = decision
        admission, taken, trace = self.admission, decision.taken, self.trace
        assert admission is not None
        published, limits = admission.published, admission.limits
        if taken is None:
            self.outcome = REFUSED_AS.get(decision.limited_by)
            return self._refuse(limit_refusal(decision))
        if self.deciding:
            said = decide.yes(admission.caller, trace, decision, limits, published.life)
            return self._allow(said, taken)
        line, request = self.line, self.exchange.request
        told = trace.lines + limit_lines(decision, limits) + published.answer_lines
        if published.shaping is not None:
            published.shaping.prepare(request)
            told += published.shaping.lines(request)
        order = Order(
            (group := line.upstreams.of(published.upstreams[admission.environment])).pick(),
            request.target[published.cut :],
            published.terms,
            admission.lines + trace.lines,
            told,
            # The first byte goes out: from then on a lost process leaves the call counted as served.
            partial(line.counters.sent, taken),
            group=group,
        )
        if self.tunnel is not None:
            order = self.tunnel.order(order, partial(line.counters.keep, taken))
        return self.exchange.forward(order, self._ended)

    def _allow(self, headers: list[tuple[bytes, bytes]], taken: Taken) -> None:
        """Decision mode: the call goes its way past us and its unit is kept; unless nobody waits any more."""
        if self.exchange.gone:
            self.outcome = Outcome.UPSTREAM_FAILED
            self.line.counters.give_back(taken)
            return self._record(status_of(ClientGone()), 0)
        self.outcome = Outcome.SERVED
        self.line.counters.keep(taken)
        self.exchange.reply(200, headers, b"")
        return self._record(200, 0)

    def _preflight(self, snapshot: Snapshot) -> bool:
        """A browser asks before it calls; answered here, before anyone is known. False: it is no such question."""
        rules, asked = snapshot.cors_at(self.path), cors.asked(self.exchange.request)
        if rules is None or asked is None or self.deciding:
            return False
        try:
            self.published = snapshot.routes.find(asked, self.path)
            permission = rules.permission(self.exchange.request, asked)
        except Refusal as refusal:
            self._refuse(refusal)
        else:
            self.exchange.reply(204, [*permission, *self.trace.fields], b"")
            self._record(204, 0)
        return True

    def _beside_the_apis(self, refusal: NoSuchApi) -> None:
        """What is no published API: a question, or the control plane as one more upstream, without limits."""
        request, place = self.exchange.request, self.path.split("/", 2)[1]
        if place == DECIDE and not self.deciding:
            return self._decide()
        if place not in CONTROL or self.deciding:
            return self._refuse(refusal)
        trace, upstream = self.trace.lines, self.line.upstreams.control
        injected = arrival_lines(request, b"", b"") + trace
        # Its links and cookies are for the host outside.
        order = Order(upstream, request.target, CONTROL_TERMS, injected, trace, host=request.authority)
        return self.exchange.forward(order, self._ended)

    def _decide(self) -> None:
        """Another proxy asks about a call: the same stages from the start, for that call."""
        try:
            self.method, self.path, self.query = decide.asked(self.exchange.request)
        except (Refusal, EdgeFault) as refusal:
            return self._refuse(refusal)
        self.deciding = True
        return self.start()

    def _document(self, document: Document | None, refusal: NoSuchOperation) -> None:
        """The documents that stand beside an API's operations: openapi.json, openapi.yaml, api-info."""
        if document is None or self.deciding:
            return self._refuse(refusal)
        if self.method not in ("GET", "HEAD"):
            return self._refuse(MethodNotAllowed(("GET", "HEAD")))
        self.exchange.reply(200, [*document.fields, *self.trace.fields], document.body)
        return self._record(200, len(document.body))

    def _refuse(self, refusal: Refusal | AuthError | EdgeFault) -> None:
        """Our own answer instead of the upstream's."""
        published, snapshot, request = self.published, self.line.snapshot(), self.exchange.request
        answer = self.line.renderer.render(
            refusal,
            # the API's, also where none of its operations was found
            family=snapshot.family_at(self.path) if snapshot is not None else Family.REST,
            accept_language=request.accept_language,
            instance=self.trace.instance,
        )
        headers = [*answer.headers, *self.trace.fields, *decide.carried(request, answer.body)]
        shared = snapshot.cors_at(self.path) if snapshot is not None else None
        if shared is not None and not self.deciding:
            headers.extend(shared.fields(request))
        if published is not None:
            headers.extend(published.life)
        if self.decision is not None and self.admission is not None:
            headers.extend(limit_fields(self.decision, self.admission.limits))
        self.exchange.reply(answer.status, headers, answer.body)
        self.code = refusal.code
        self._record(answer.status, len(answer.body))

    def _ended(self, ending: Ending) -> None:
        """The exchange with the upstream is over, well or badly: keep the units or give them back, then record."""
        fault = ending.fault
        taken = self.decision.taken if self.decision is not None else None
        if taken is not None:
            left = isinstance(fault, (ClientGone, AccessEnded))
            whole = fault is None
            how = ending_of(ending.upstream_reached, ending.upstream_status, client_left=left, whole=whole)
            self.outcome = OUTCOMES[how]
            if self.outcome is Outcome.SERVED:
                self.line.counters.keep(taken)
            else:
                self.line.counters.give_back(taken)
        if fault is not None:
            if not ending.answered and not isinstance(fault, ClientGone):
                return self._refuse(fault)
            self.code = fault.code
        status = ending.status or status_of(fault or ClientGone())
        return self._record(status, ending.bytes_out, ending.bytes_in, ending.upstream_status)

    def _record(self, status: int, bytes_out: int, bytes_in: int = 0, upstream_status: int = 0) -> None:
        """One record per call, whatever happened."""
        published, caller = self.published, self.caller
        place = published.place if published is not None else place_of(self.path)
        who = caller.who if caller is not None else NOBODY
        record = Record(
            self.time, self.trace, self.method, place, status, self.code, self.outcome or "", who,
            self.exchange.request.peer, monotonic() - self.began, bytes_in, bytes_out, upstream_status,
        )  # fmt: skip
        self.line.record(record if self.tunnel is None else self.line.tunnels.leave(self.tunnel, record))

"""THE REQUEST PATH: route → authenticate → authorise → limit → validate → answer → meter.

Every call to a published API takes these steps in this order, and the order stands nowhere else. The stages
are plain functions that get the values they use; only this file remembers a call between them. Three of them
answer later, by callback: the counters (one batch for all calls that wait), the judging of a body, the upstream.
A refusal is an exception that `gateway.errors` renders. Nothing here awaits. Decision mode takes the same steps for
a call that another proxy holds; in place of "answer" it says yes. Longer than other files, so that the path is one.

    preflight     a browser asks before it calls: answered at once   403 405
    route         method and path → published operation              404 405 410
    authenticate  Authorization → principal                          401 503
    authorise     principal, demand, access table → grant            401 403
    open?         no brown-out; a WebSocket's handshake, its place   400 426 429 503
    once?         a bound token's DPoP proof, by callback            401 503
    limit         limits, units → decision, all or nothing           429 503
    validate      the call held against its document                 400 406 413 415
    answer        by the first that can: a kept answer (cache), the document's examples (mock), the
                  upstream (proxy), through a tunnel if it is one    502 503 504 413 …
    meter         one record, whatever happened; units given back when the rule says so
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from time import monotonic, time

from auth import api_keys
from auth.authorise import authorise
from auth.errors import AuthError, BoundToken, MissingToken, TokenInQuery
from auth.proofs.dpop import Proof
from gateway import decide, errors
from gateway.access_log import NOBODY, Record, place_of
from gateway.answers import cors, own
from gateway.cache.visit import Visit
from gateway.edge.errors import ClientGone, EdgeFault
from gateway.edge.exchange import Ending, Exchange, Order
from gateway.equipment import Equipment
from gateway.errors import Refusal, Rendered, limit_refusal, status_of
from gateway.headers import Caller, control_lines, limit_fields, limit_lines
from gateway.route import CONTROL, DECIDE
from gateway.snapshot.admission import Admission, remembered
from gateway.snapshot.build import Snapshot
from gateway.snapshot.published import Published
from gateway.tunnels.errors import AccessEnded
from gateway.tunnels.tunnel import Tunnel
from gateway.validation.requests import Asked, Judged, Refused
from quota.counters.protocol import REFUSED_AS, Decision, Outcome, Taken
from quota.meter import OUTCOMES, ending_of


class Line(Equipment):
    """The stages with what each needs. Calling it starts one exchange on its way."""

    def __call__(self, exchange: Exchange) -> None:
        Call(self, exchange).start()


class Call:
    """One call between its stages. `method`, `path`, `query`: in decision mode those of the call asked about."""

    __slots__ = (
        "admission", "began", "caller", "code", "deciding", "decision", "exchange", "line", "method", "outcome",
        "path", "proof", "published", "query", "time", "trace", "tunnel", "visit",
    )  # fmt: skip

    def __init__(self, line: Line, exchange: Exchange) -> None:
        request = exchange.request
        self.line, self.exchange = line, exchange
        self.method, self.path, self.query = request.method, request.path, request.query
        self.deciding, self.code = False, ""
        self.began, self.time = monotonic(), time()
        self.trace = line.tracer.of(request.traceparent)
        self.published: Published | None = None
        self.caller: Caller | None = None
        self.admission: Admission | None = None
        self.decision: Decision | None = None
        self.outcome: Outcome | None = None
        self.tunnel: Tunnel | None = None
        self.visit: Visit | None = None
        self.proof: Proof | None = None

    def start(self) -> None:
        line, request = self.line, self.exchange.request
        if (snapshot := line.snapshot()) is None:
            return self._refuse(errors.Starting())
        try:
            if self.method == "OPTIONS" and self._preflight(snapshot):
                return None
            known = None if self.deciding else remembered(request.remembered, snapshot.mark, self.time)
            if known is None:
                known = self._admit(snapshot)
            published = self.published = known.published
            self.caller = known.caller
            if published.shaping is not None:
                published.shaping.refuse_brownout(self.time)
            if published.terms.allow_upgrade and not self.deciding:
                self.tunnel = line.tunnels.make(request, published, known.subscribed)
        except errors.NoSuchApi as refusal:
            return self._beside_the_apis(refusal)
        except errors.NoSuchOperation:
            return self._document(snapshot)
        except (Refusal, AuthError, EdgeFault) as refusal:
            return self._refuse(refusal)
        self.admission = known
        if self.proof is not None:
            take = partial(line.counters.take, known.limits, known.usage, known.units, self._limited)
            return line.bound.once(self.proof, self.time, take, self._refuse)
        return line.counters.take(known.limits, known.usage, known.units, self._limited)

    def _admit(self, snapshot: Snapshot) -> Admission:
        """Which operation, who is calling, and may they? As it was found for this head before, or found now."""
        line, request = self.line, self.exchange.request
        published = self.published = snapshot.routes.find(self.method, self.path)
        if not published.demand.callable:
            raise errors.ApiRetired(published.successor)
        if b"access_token=" in self.query:
            raise TokenInQuery
        memory = request.memory  # set when this connection sends the same head once more
        known = remembered(memory and memory.get(published), snapshot.mark, self.time)
        if known is not None:
            request.remembered = None if self.deciding else known
            return known
        try:
            principal = line.authenticator.authenticate(request.authorization, snapshot.keys, self.time)
        except MissingToken:
            principal = api_keys.caller(request.authorization, published.demand, snapshot.access, self.time)
        except BoundToken as bound:
            principal, self.proof = line.bound.prove(bound, request, self.method, self.path, self.time)
        self.caller = line.callers.of(principal)
        grant = authorise(principal, published.demand, snapshot.access, self.time)
        subscribed = snapshot.subscribed.of(grant)
        if subscribed is None:
            raise errors.PlanMissing
        if principal.environment not in published.upstreams:
            raise errors.UpstreamMissing
        return Admission(request, published, snapshot, self.caller, subscribed, self.time)

    def _limited(self, decision: Decision) -> None:
        """The counters have answered: on to the upstream or a kept answer, or back with 429."""
        self.decision = decision
        admission, taken = self.admission, decision.taken
        assert admission is not None
        published = admission.published
        if taken is None:
            self.outcome = REFUSED_AS.get(decision.limited_by)
            return self._refuse(limit_refusal(decision))
        try:
            if published.checks is None:
                return self._proxy(admission, decision, taken)
            asked = Asked(admission.environment, self.path[published.cut :], self.query, self.deciding)
            done = partial(self._validated, admission, decision, taken)
            return published.checks.judge(asked, self.exchange, self.line.tally, self.trace, done)
        except Exception:  # unforeseen by definition
            return self._broken(taken)

    def _validated(self, admission: Admission, decision: Decision, taken: Taken, found: Judged) -> None:
        """The call has been held against its document: on to the upstream, or back with every fault."""
        try:
            if found is None:
                return self._proxy(admission, decision, taken)
            self._meter(taken, Outcome.REFUSED)
            return self._refuse(found)
        except Exception:  # unforeseen by definition
            return self._broken(taken)

    def _proxy(self, admission: Admission, decision: Decision, taken: Taken) -> None:
        """On to the upstream, unless a kept answer or the document's examples stand for it."""
        line, trace, request = self.line, self.trace, self.exchange.request
        published, limits = admission.published, admission.limits
        if self.deciding:
            said = decide.yes(admission.caller, decision, limits, published.life)
            return self._stand_in(Rendered(200, said, b""), taken)
        told = trace.lines + limit_lines(decision, limits) + published.answer_lines
        if (shaping := published.shaping) is not None:
            request = self.exchange.request = shaping.reaching(request)
            told += shaping.told(request)
            visit = self.visit or shaping.visit(line.cache, request, admission.caller, self.time, self.began)
            again = partial(self._validated, admission, decision, taken, None)
            if visit is not None and self._from_cache(visit, told, taken, again):
                return None
        choice = published.upstreams[admission.environment]
        if not choice.places:
            return self._stand_in(published.mock.answer(request, told[len(trace.lines) :]), taken)
        # Called as the first byte goes out: from then on a lost process leaves the call counted as served.
        sending = partial(line.counters.sent, taken)
        target, injected = request.target[published.cut :], admission.lines + trace.lines
        group = line.upstreams.of(choice)
        order = Order(group.pick(), target, published.terms, injected, told, sending, group=group)
        if self.visit is not None:
            self.visit.accompany(order)
        if published.responses is not None:
            published.responses.accompany(order, admission.environment, self.method, line.tally, trace)
        if self.tunnel is not None:
            order = self.tunnel.order(order, partial(line.counters.keep, taken))
        return self.exchange.forward(order, self._ended)

    def _from_cache(self, visit: Visit, told: bytes, taken: Taken, again: Callable[[], None]) -> bool:
        """A kept answer is counted like the service's. An equal call may bring one: then `again`. False: neither."""
        kept, self.visit = visit.find(), visit
        if kept is None and visit.only_kept:
            self._meter(taken, Outcome.UPSTREAM_FAILED)
            self._refuse(errors.NotCached())
        elif kept is None:
            return visit.wait(again)
        elif self._settled(taken):
            self.exchange.replay(kept.head + told, kept.body)
            self._record(kept.status, len(kept.body))
        return True

    def _stand_in(self, answer: Rendered, taken: Taken) -> None:
        if self._settled(taken):
            self._answer(answer)

    def _settled(self, taken: Taken) -> bool:
        """The call passes without a service of ours: its unit is kept, unless nobody waits any more."""
        self._meter(taken, Outcome.UPSTREAM_FAILED if self.exchange.gone else Outcome.SERVED)
        if self.exchange.gone:
            self._record(status_of(ClientGone()), 0)
        return not self.exchange.gone

    def _meter(self, taken: Taken, outcome: Outcome) -> None:
        self.outcome, counters = outcome, self.line.counters
        counters.keep(taken) if outcome is Outcome.SERVED else counters.give_back(taken, outcome)

    def _broken(self, taken: Taken) -> None:
        """A fault of ours, between the counters and the answer: nothing stays taken, and nobody waits for ever."""
        self._meter(taken, Outcome.UPSTREAM_FAILED)
        if self.tunnel is not None:
            self.line.tunnels.forget(self.tunnel)
        self.exchange.broken()

    def _preflight(self, snapshot: Snapshot) -> bool:
        """A browser asks before it calls; answered here, before anyone is known. False: it is no such question."""
        rules, asked = snapshot.cors_at(self.path), cors.asked(self.exchange.request)
        if rules is None or asked is None or self.deciding:
            return False
        self.published = snapshot.routes.find(asked, self.path)
        self._answer(Rendered(204, rules.permission(self.exchange.request, asked), b""))
        return True

    def _beside_the_apis(self, refusal: errors.NoSuchApi) -> None:
        """What is no published API: a question, or the control plane as one more upstream, without limits."""
        place, trace = self.path.split("/", 2)[1], self.trace.lines
        if place == DECIDE and not self.deciding:
            return self._decide()
        if place not in CONTROL or self.deciding:
            return self._refuse(refusal)
        request = self.exchange.request
        injected = control_lines(request) + trace
        return self.exchange.forward(self.line.upstreams.to_control(request, injected, trace), self._ended)

    def _decide(self) -> None:
        """Another proxy asks about a call: the same stages from the start, for that call."""
        try:
            self.method, self.path, self.query = decide.asked(self.exchange.request)
        except (Refusal, EdgeFault) as refusal:
            return self._refuse(refusal)
        self.deciding = True
        return self.start()

    def _document(self, snapshot: Snapshot) -> None:
        """No operation is there, but one of the documents beside them may be."""
        try:
            self._answer(own.document({} if self.deciding else snapshot.documents, self.method, self.path))
        except Refusal as refusal:
            self._refuse(refusal)

    def _answer(self, answer: Rendered) -> None:
        self.exchange.reply(answer.status, [*answer.headers, *self.trace.fields], answer.body)
        self._record(answer.status, len(answer.body))

    def _refuse(self, refusal: Refusal | AuthError | Refused) -> None:
        """Our own answer instead of the upstream's."""
        line, request, published = self.line, self.exchange.request, self.published
        answer = own.refusal(refusal, line.renderer, line.snapshot(), self.path, request, self.trace.instance)
        more = decide.carried(request, answer.body)
        if published is not None:
            more.extend(published.life)
        if self.decision is not None and self.admission is not None:
            more.extend(limit_fields(self.decision, self.admission.limits))
        self.code = refusal.code
        self._answer(replace(answer, headers=[*answer.headers, *more]))

    def _ended(self, ending: Ending) -> None:
        """The exchange with the upstream is over, well or badly: keep the units or give them back, then record."""
        fault, visit = ending.fault, self.visit
        if self.published is not None and self.published.shaping is not None:
            self.published.shaping.ended(self.line.cache, visit, self.path, ending.status)
        taken = self.decision.taken if self.decision is not None else None
        if taken is not None:
            left = isinstance(fault, (ClientGone, AccessEnded))
            seen = ending.upstream_reached, ending.upstream_status
            self._meter(taken, OUTCOMES[ending_of(*seen, client_left=left, whole=fault is None)])
        if fault is not None:
            if not ending.answered and not isinstance(fault, ClientGone):
                if (kept := visit.rescue(fault) if visit is not None else None) is None:
                    return self._refuse(fault)
                self.exchange.replay(kept.head, kept.body)
                ending.status, ending.bytes_out = kept.status, len(kept.body)
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

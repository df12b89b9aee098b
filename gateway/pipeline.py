"""THE REQUEST PATH: route → authenticate → authorise → limit → proxy → meter.

Every call to a published API takes these steps in this order, and the order stands nowhere else. The stages
are plain functions that get the values they use; only this file remembers a call between them. Two of them
answer later, by callback: the counters (one batch for all calls that wait) and the upstream. A refusal is an
exception that `gateway.errors` renders. Nothing here awaits.

    route         method and path → published operation             404 405
    authenticate  Authorization → principal                          401
    authorise     principal, demand, access table → grant            401 403
    limit         limits, units → decision, all or nothing           429 503
    proxy         the call goes upstream, the answer comes back      502 504 413 …
    meter         one record, whatever happened; units given back when the rule says so
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic, time

from auth.authenticate import Authenticator
from auth.authorise import authorise
from auth.errors import AuthError
from auth.principal import Principal
from gateway.access_log import Record
from gateway.catalog.model import Family
from gateway.edge.errors import ClientGone, EdgeFault
from gateway.edge.exchange import Ending, Exchange, Order
from gateway.errors import (
    ApiRetired,
    CountersUnavailable,
    MethodNotAllowed,
    NoSuchApi,
    NoSuchOperation,
    PlanMissing,
    QuotaExceeded,
    RateExceeded,
    Refusal,
    Renderer,
    Starting,
    UpstreamMissing,
    status_of,
)
from gateway.headers import identity_lines, limit_fields, limit_lines, origin_lines, trace_lines
from gateway.snapshot import Document, Published, Snapshot
from gateway.trace import Tracer
from gateway.upstreams import Upstreams
from quota.counters.protocol import REFUSED_AS, Counters, Decision, Outcome, UsageKey
from quota.meter import OUTCOMES, ending_of
from quota.plans import Limits

# The first path segments of the control plane.
CONTROL = frozenset(("", "portal", "console", "oauth2", ".well-known", "management", "catalog", "robots.txt"))
CONTROL_BODY_LIMIT = 1024 * 1024
NO_LIMIT = float("inf")


class Line:
    """The stages with what each needs, built once. Calling it starts one exchange on its way."""

    def __init__(
        self,
        snapshot: Callable[[], Snapshot | None],
        authenticator: Authenticator,
        counters: Counters,
        upstreams: Upstreams,
        renderer: Renderer,
        tracer: Tracer,
        record: Callable[[Record], None],
    ) -> None:
        self.snapshot = snapshot
        self.authenticate = authenticator.authenticate
        self.counters = counters
        self.upstreams = upstreams
        self.renderer = renderer
        self.tracer = tracer
        self.record = record

    def __call__(self, exchange: Exchange) -> None:
        Call(self, exchange).start()


class Call:
    """One call between its stages."""

    __slots__ = (
        "began", "code", "decision", "exchange", "limits", "line", "outcome", "principal", "published", "trace",
    )  # fmt: skip

    def __init__(self, line: Line, exchange: Exchange) -> None:
        self.line = line
        self.exchange = exchange
        self.began = monotonic()
        self.trace = line.tracer.of(exchange.request.traceparent)
        self.published: Published | None = None
        self.principal: Principal | None = None
        self.limits: Limits | None = None
        self.decision: Decision | None = None
        self.outcome: Outcome | None = None
        self.code = ""

    def start(self) -> None:
        request, line = self.exchange.request, self.line
        snapshot = line.snapshot()
        if snapshot is None:
            return self._refuse(Starting())
        try:
            published = self.published = snapshot.routes.find(request.method, request.path)
            if not published.demand.callable:
                raise ApiRetired
            principal = self.principal = line.authenticate(request.authorization, snapshot.keys, time())
            grant = authorise(principal, published.demand, snapshot.access)
            limits = self.limits = snapshot.limits.get(grant.subscription_id)
            if limits is None:
                raise PlanMissing
            if not published.upstreams.get(principal.environment):
                raise UpstreamMissing
        except NoSuchApi as refusal:
            return self._beside_the_apis(refusal)
        except NoSuchOperation as refusal:
            return self._document(snapshot.documents.get(request.path), refusal)
        except (Refusal, AuthError) as refusal:
            return self._refuse(refusal)
        operation = published.operation
        usage = UsageKey(
            grant.subscription_id, grant.organisation_id, grant.app_id, grant.api, operation.id,
            grant.plan, grant.plan_version,
        )  # fmt: skip
        return line.counters.take(limits, usage, operation.weight, self._limited)

    def _limited(self, decision: Decision) -> None:
        """The counters have answered: on to the upstream, or back with 429."""
        self.decision = decision
        published, principal, limits = self.published, self.principal, self.limits
        assert published is not None
        assert principal is not None
        assert limits is not None
        if decision.taken is None:
            self.outcome = REFUSED_AS.get(decision.limited_by)
            return self._refuse(_limit_refusal(decision))
        request, api = self.exchange.request, published.api
        return self.exchange.forward(
            Order(
                upstream=self.line.upstreams.pick(published.upstreams[principal.environment]),
                target=request.target[len(api.base) :],
                injected=origin_lines(request, api.base)
                + trace_lines(self.trace)
                + identity_lines(principal),
                response_lines=trace_lines(self.trace) + limit_lines(decision, limits),
                body_limit=published.operation.body_limit,
                connect_timeout=api.timeouts.connect,
                first_byte_timeout=api.timeouts.first_byte,
                idle_timeout=api.timeouts.idle,
                total_timeout=api.timeouts.total or NO_LIMIT,
                pass_authorization=api.access.pass_authorization,
                sending=self._sending,
            ),
            self._ended,
        )

    def _sending(self) -> None:
        """The first byte goes out now: from here on a lost process leaves the call counted as served."""
        assert self.decision is not None
        assert self.decision.taken is not None
        self.line.counters.sent(self.decision.taken)

    def _beside_the_apis(self, refusal: NoSuchApi) -> None:
        """What is no published API: the control plane as one more upstream, without limits."""
        request = self.exchange.request
        if request.path.split("/", 2)[1] not in CONTROL:
            return self._refuse(refusal)
        return self.exchange.forward(
            Order(
                upstream=self.line.upstreams.control,
                target=request.target,
                injected=origin_lines(request, "") + trace_lines(self.trace),
                response_lines=trace_lines(self.trace),
                body_limit=CONTROL_BODY_LIMIT,
                pass_authorization=True,
                pass_cookies=True,
            ),
            self._ended,
        )

    def _document(self, document: Document | None, refusal: NoSuchOperation) -> None:
        """The documents that stand beside an API's operations: openapi.json, openapi.yaml, api-info."""
        if document is None:
            return self._refuse(refusal)
        if self.exchange.request.method not in ("GET", "HEAD"):
            return self._refuse(MethodNotAllowed(("GET", "HEAD")))
        headers = [
            (b"Content-Type", document.media_type),
            (b"Cache-Control", b"public, max-age=60"),
            (b"Access-Control-Allow-Origin", b"*"),  # public documents, read by try-it pages and tools
            (b"Request-Id", self.trace.request_id),
        ]
        self.exchange.reply(200, headers, document.body)
        return self._record(200, len(document.body))

    def _refuse(self, refusal: Refusal | AuthError | EdgeFault) -> None:
        """Our own answer instead of the upstream's."""
        published = self.published
        answer = self.line.renderer.render(
            refusal,
            family=published.api.family if published else Family.REST,
            accept_language=self.exchange.request.accept_language,
            instance=self.trace.instance,
        )
        headers = [
            *answer.headers,
            (b"Request-Id", self.trace.request_id),
            (b"traceparent", self.trace.parent),
        ]
        if self.decision is not None and self.limits is not None:
            headers.extend(limit_fields(self.decision, self.limits))
        self.exchange.reply(answer.status, headers, answer.body)
        self.code = refusal.code
        self._record(answer.status, len(answer.body))

    def _ended(self, ending: Ending) -> None:
        """The exchange with the upstream is over, well or badly: keep the units or give them back, then record."""
        taken = self.decision.taken if self.decision is not None else None
        if taken is not None:
            left = isinstance(ending.fault, ClientGone)
            whole = ending.fault is None
            how = ending_of(ending.upstream_reached, ending.upstream_status, client_left=left, whole=whole)
            self.outcome = OUTCOMES[how]
            if self.outcome is Outcome.SERVED:
                self.line.counters.keep(taken)
            else:
                self.line.counters.give_back(taken)
        fault = ending.fault
        if fault is not None and not ending.answered and not isinstance(fault, ClientGone):
            return self._refuse(fault)
        if fault is not None:
            self.code = fault.code
        status = ending.status or status_of(fault or ClientGone())
        return self._record(status, ending.bytes_out, ending.bytes_in, ending.upstream_status)

    def _record(self, status: int, bytes_out: int, bytes_in: int = 0, upstream_status: int = 0) -> None:
        """One record per call, whatever happened."""
        published, principal, request = self.published, self.principal, self.exchange.request
        self.line.record(
            Record(
                at=time(),
                request_id=self.trace.request_id.decode(),
                trace=self.trace.parent.decode(),
                method=request.method,
                template=published.template if published else place_of(request.path),
                api=published.api.key if published else "",
                operation=published.operation.id if published else "",
                status=status,
                code=self.code,
                outcome=self.outcome or "",
                organisation=principal.organisation_id if principal else "",
                app=principal.app_id if principal else "",
                environment=principal.environment if principal else "",
                peer=request.peer,
                duration=monotonic() - self.began,
                bytes_in=bytes_in,
                bytes_out=bytes_out,
                upstream_status=upstream_status,
            )
        )


def place_of(path: str) -> str:
    """What a record shows of a path that is no route: its first segment when that is one of ours."""
    first = path.split("/", 2)[1]
    return f"/{first}/" if first in CONTROL else "(unknown)"


def _limit_refusal(decision: Decision) -> Refusal:
    if decision.limited_by == "rate":
        return RateExceeded(decision.retry_after)
    if decision.limited_by == "unavailable":
        return CountersUnavailable(decision.retry_after)
    return QuotaExceeded(decision.retry_after)

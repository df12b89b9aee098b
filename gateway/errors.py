"""The one table from exception class to status and problem document.

Refusal                       the gateway's own reasons to refuse
├── NoSuchApi                 404
├── NoSuchOperation           404
├── MethodNotAllowed          405, with Allow
├── ApiRetired                410, names the version after it
├── ApiBrownout               503, with Retry-After
├── OriginNotAllowed          403
├── NotCached                 504
├── LimitReached              429, with Retry-After
│   ├── RateExceeded
│   └── QuotaExceeded
├── CountersUnavailable       503, with Retry-After
├── PlanMissing               503
├── UpstreamMissing           503
└── Starting                  503

The trees of `auth.errors`, `gateway.edge.errors`, `gateway.tunnels.errors` and `gateway.validation.errors` join it in
`STATUS`. Bodies are problem documents (RFC 9457), or an OperationOutcome under a FHIR API; texts are Swedish first,
by Accept-Language.
Longer than other files because the tree and its table are read together.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import ClassVar, Protocol

import orjson

from auth import errors as auth_errors
from auth.proofs.dpop import ALGORITHMS
from gateway.catalog.model import Family
from gateway.edge import errors as edge_errors
from gateway.tunnels import errors as tunnel_errors
from gateway.validation import errors as validation_errors
from quota.counters.protocol import Decision

Headers = list[tuple[bytes, bytes]]
RETRY_SOON = 2  # seconds, for faults that mend themselves


class Described(Protocol):
    """What every error class of every tree has: a stable code and one public sentence per language."""

    code: ClassVar[str]
    sv: ClassVar[str]
    en: ClassVar[str]


class Refusal(Exception):
    code = "refused"
    sv = "Anropet nekades."
    en = "The call was refused."


class NoSuchApi(Refusal):
    code = "no-such-api"
    sv = "Det finns inget publicerat API på den adressen."
    en = "No published API has that address."


class NoSuchOperation(Refusal):
    code = "no-such-operation"
    sv = "API:et har ingen operation med den sökvägen."
    en = "The API has no operation with that path."


class MethodNotAllowed(Refusal):
    code = "method-not-allowed"
    sv = "Operationen finns men inte med den metoden."
    en = "The path exists but not with that method."

    def __init__(self, allowed: Sequence[str]) -> None:
        self.allowed = tuple(allowed)
        super().__init__(", ".join(self.allowed))


class ApiRetired(Refusal):
    code = "api-retired"
    sv = "Den här versionen av API:et är avvecklad."
    en = "This version of the API has been retired."

    def __init__(self, successor: str = "") -> None:
        self.successor = successor  # address of what to read about the version after it
        super().__init__(successor)


class ApiBrownout(Refusal):
    code = "api-brownout"
    sv = "Den här versionen av API:et är på väg bort och svarar inte under en planerad stund."
    en = "This version of the API is on its way out and does not answer during a planned time."

    def __init__(self, retry_after: int) -> None:
        self.retry_after = retry_after
        super().__init__(f"retry after {retry_after} s")


class OriginNotAllowed(Refusal):
    code = "origin-not-allowed"
    sv = "Sidor från det ursprunget får inte anropa API:et i en webbläsare."
    en = "Pages from that origin may not call the API in a browser."


class NotCached(Refusal):
    code = "not-cached"
    sv = "Anropet godtar bara ett sparat svar (only-if-cached), och det finns inget."
    en = "The call accepts a kept answer only (only-if-cached), and there is none."


class LimitReached(Refusal):
    code = "limit-reached"
    sv = "En gräns är nådd."
    en = "A limit has been reached."

    def __init__(self, retry_after: int) -> None:
        self.retry_after = retry_after
        super().__init__(f"retry after {retry_after} s")


class RateExceeded(LimitReached):
    code = "rate-exceeded"
    sv = "Anropen kommer tätare än planen tillåter."
    en = "Calls come faster than the plan permits."


class QuotaExceeded(LimitReached):
    code = "quota-exceeded"
    sv = "Planens kvot för perioden är slut."
    en = "The plan's quota for the period is used up."


class CountersUnavailable(Refusal):
    code = "counters-unavailable"
    sv = "Räkneverket svarar inte och planen släpper då inte igenom anrop."
    en = "The counters do not answer, and the plan then lets no calls through."

    def __init__(self, retry_after: int = RETRY_SOON) -> None:
        self.retry_after = retry_after
        super().__init__(f"retry after {retry_after} s")


class PlanMissing(Refusal):
    code = "plan-missing"
    sv = "Prenumerationens plan finns inte i katalogen."
    en = "The subscription's plan is not in the catalogue."


class UpstreamMissing(Refusal):
    code = "upstream-missing"
    sv = "API:et har ingen tjänst bakom sig i den här miljön."
    en = "The API has no service behind it in this environment."


class Starting(Refusal):
    code = "starting"
    sv = "Tjänsten håller på att starta."
    en = "The service is starting."


STATUS: dict[type[Exception], int] = {
    NoSuchApi: 404,
    NoSuchOperation: 404,
    MethodNotAllowed: 405,
    ApiRetired: 410,
    ApiBrownout: 503,
    OriginNotAllowed: 403,
    NotCached: 504,
    LimitReached: 429,
    CountersUnavailable: 503,
    PlanMissing: 503,
    UpstreamMissing: 503,
    Starting: 503,
    auth_errors.Unauthenticated: 401,
    auth_errors.MalformedAuthorization: 400,  # invalid_request: RFC 6750, 3.1
    auth_errors.ProofsUnavailable: 503,
    auth_errors.Forbidden: 403,
    edge_errors.MalformedRequest: 400,
    edge_errors.RequestBodyMalformed: 400,
    edge_errors.UnknownCoding: 501,
    edge_errors.UnknownMethod: 501,
    edge_errors.RefusedMethod: 405,
    edge_errors.UnknownVersion: 505,
    edge_errors.ExpectationFailed: 417,
    edge_errors.TargetTooLong: 414,
    edge_errors.HeadTooLarge: 431,
    edge_errors.BodyTooLarge: 413,
    edge_errors.SlowClient: 408,
    edge_errors.UnknownHost: 421,
    edge_errors.UpstreamUnreachable: 502,
    edge_errors.UpstreamBusy: 503,
    edge_errors.UpstreamTimeout: 504,
    edge_errors.BadUpstreamAnswer: 502,
    edge_errors.UpstreamFailing: 502,
    edge_errors.TooManyConnections: 503,
    edge_errors.TooManyBodies: 503,
    edge_errors.Draining: 503,
    tunnel_errors.UpgradeRequired: 426,
    tunnel_errors.TooManyTunnels: 429,
    tunnel_errors.AccessEnded: 403,
    tunnel_errors.TooManyControls: 429,
    validation_errors.InvalidRequest: 400,
    validation_errors.NotAcceptable: 406,
    validation_errors.UnsupportedContentType: 415,
    edge_errors.ClientGone: 499,  # nobody receives it; it stands in records
}


def limit_refusal(decision: Decision) -> Refusal:
    """Why the counters let a call not pass."""
    if decision.limited_by == "rate":
        return RateExceeded(decision.retry_after)
    if decision.limited_by == "unavailable":
        return CountersUnavailable(decision.retry_after)
    return QuotaExceeded(decision.retry_after)


@dataclass(frozen=True, slots=True)
class Rendered:
    """An answer ready for the wire."""

    status: int
    headers: Headers
    body: bytes


def status_of(error: Exception | type[Exception]) -> int:
    """Nearest class in the tree decides; an unknown class is a fault of ours."""
    for cls in (error if isinstance(error, type) else type(error)).__mro__:
        status = STATUS.get(cls)
        if status is not None:
            return status
    return 500


def language_of(accept_language: bytes | None) -> str:
    """`sv` unless English is wished for more than Swedish (RFC 9110, 12.5.4)."""
    if accept_language is None or b"en" not in accept_language[:200].lower():
        return "sv"
    wishes = {"sv": 0.0, "en": 0.0}
    for item in accept_language[:200].decode("latin-1").lower().split(","):
        tag, _, parameter = item.strip().partition(";")
        try:
            weight = float(parameter.strip().removeprefix("q=")) if parameter else 1.0
        except ValueError:
            continue
        primary = tag.strip().split("-")[0]
        if primary in wishes:
            wishes[primary] = max(wishes[primary], weight)
    return "en" if wishes["en"] > wishes["sv"] else "sv"


class Renderer:
    """Gives every refusal the same shape. `issuer` is the public base URL, for the problem's `type`."""

    def __init__(self, issuer: str) -> None:
        self._issuer = issuer

    def render(
        self,
        error: Exception,
        *,
        family: Family = Family.REST,
        accept_language: bytes | None = None,
        instance: str = "",
    ) -> Rendered:
        status = status_of(error)
        described = error if status != HTTPStatus.INTERNAL_SERVER_ERROR else _Internal()
        language = language_of(accept_language)
        sentence = str(getattr(described, language))
        code = str(getattr(described, "code", ""))
        faults = error if isinstance(error, validation_errors.InvalidCall) else None
        if family is Family.FHIR:
            body, media = (
                _operation_outcome(status, code, sentence, faults, language),
                b"application/fhir+json",
            )
        else:
            folder = "/portal/en/problems/" if language == "en" else "/portal/problems/"
            problem: dict[str, object] = {
                "type": f"{self._issuer}{folder}{code}/",
                "title": _phrase(status),
                "status": status,
                "detail": sentence,
                "instance": instance,
                "code": code,
            }
            if isinstance(error, ApiRetired) and error.successor:
                problem["successor"] = error.successor
            if faults is not None:
                problem["errors"] = [fault.listed(language) for fault in faults.faults]
                problem["errorsCut"] = faults.cut
            body = orjson.dumps(problem)
            media = b"application/problem+json"
        headers = [
            (b"Content-Type", media),
            (b"Content-Language", language.encode()),
            (b"Cache-Control", b"no-store"),
            (b"X-Content-Type-Options", b"nosniff"),
        ]
        headers.extend(_extra(error, status))
        return Rendered(status, headers, body)


class _Internal(Refusal):
    code = "internal-error"
    sv = "Något gick fel hos oss. Ange begärans id när du hör av dig."
    en = "Something went wrong on our side. Quote the request id when you contact us."


def _phrase(status: int) -> str:
    return HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else "Client Closed Request"


def _extra(error: Exception, status: int) -> Iterator[tuple[bytes, bytes]]:
    if isinstance(error, MethodNotAllowed):
        yield b"Allow", ", ".join(error.allowed).encode()
    elif isinstance(error, LimitReached | CountersUnavailable | ApiBrownout):
        yield b"Retry-After", str(error.retry_after).encode()
    elif isinstance(error, auth_errors.InsufficientUserAuthentication):
        yield b"WWW-Authenticate", _step_up(error)
    elif isinstance(error, auth_errors.InvalidProof):
        yield b"WWW-Authenticate", _DPOP_CHALLENGE
    elif isinstance(error, auth_errors.Unauthenticated):
        yield b"WWW-Authenticate", _challenge(error.bearer_error)
    elif isinstance(error, auth_errors.MissingScope):
        scope = " ".join(sorted(error.scopes))
        yield b"WWW-Authenticate", _challenge("insufficient_scope") + b', scope="' + scope.encode() + b'"'
    elif isinstance(error, tunnel_errors.UpgradeRequired):
        yield from error.headers
    elif isinstance(error, validation_errors.UnsupportedContentType):
        yield b"Accept", ", ".join(error.accepted).encode()
    elif status in (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS):
        yield b"Retry-After", str(RETRY_SOON).encode()


# RFC 9449, 7.1.
_DPOP_CHALLENGE = f'DPoP realm="sluss", error="invalid_dpop_proof", algs="{" ".join(ALGORITHMS)}"'.encode()


def _challenge(bearer_error: str | None) -> bytes:
    """RFC 6750, 3: no error code when no credentials were sent."""
    return b'Bearer realm="sluss"' + (f', error="{bearer_error}"'.encode() if bearer_error else b"")


def _step_up(error: auth_errors.InsufficientUserAuthentication) -> bytes:
    """RFC 9470, 3: what the client is to ask the authorization server for."""
    wanted = [("acr_values", error.acr), ("max_age", "" if error.max_age is None else str(error.max_age))]
    named = "".join(f', {name}="{value}"' for name, value in wanted if value)
    return _challenge(error.bearer_error) + named.encode()


def _operation_outcome(
    status: int, code: str, sentence: str, faults: validation_errors.InvalidCall | None, language: str
) -> bytes:
    """One issue for the refusal, or one for each fault of a call that breaks its document."""
    kind = {401: "login", 403: "forbidden", 404: "not-found", 429: "throttled", 504: "timeout"}
    issue: dict[str, object] = {
        "severity": "error",
        "code": kind.get(status, "transient" if status >= 500 else "invalid"),
        "details": {"coding": [{"code": code}], "text": sentence},
    }
    issues = [issue]
    if faults is not None:
        issues = [
            {
                "severity": "error",
                "code": "required" if fault.code == "required" else "invalid",
                "details": {"coding": [{"code": fault.code}], "text": fault.sentence(language)},
                "diagnostics": f"{fault.place} {fault.name}{fault.pointer}".rstrip(),
            }
            for fault in faults.faults
        ]
    return orjson.dumps({"resourceType": "OperationOutcome", "issue": issues})


def catalogue() -> Iterator[tuple[str, int, type[Exception]]]:
    """Every error class a caller can meet: code, status, class. The portal makes a page of each."""
    roots: tuple[type[Exception], ...] = (
        Refusal,
        auth_errors.AuthError,
        edge_errors.EdgeFault,
        validation_errors.InvalidCall,
    )
    seen: set[str] = set()
    stack: list[type[Exception]] = list(reversed(roots))
    while stack:
        cls = stack.pop()
        stack.extend(reversed(cls.__subclasses__()))
        status = status_of(cls)
        if status != 500 and cls.code not in seen:  # type: ignore[attr-defined]  # Described
            seen.add(cls.code)  # type: ignore[attr-defined]  # Described
            yield cls.code, status, cls  # type: ignore[attr-defined]  # Described

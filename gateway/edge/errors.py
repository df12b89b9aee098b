"""Everything the edge and the upstream side can refuse or fail with.

Owns the classes; not their HTTP status (``gateway.errors`` has the one table) and not their rendering.
``detail`` is private: for the log, never for the client.

    EdgeFault
    ├── ClientFault                  the client's doing
    │   ├── MalformedRequest         the head breaks RFC 9112
    │   │   ├── MalformedLine        request line
    │   │   ├── MalformedField       a header line
    │   │   ├── AmbiguousLength      Content-Length, Transfer-Encoding
    │   │   ├── MalformedHost        Host or the authority of an absolute target
    │   │   ├── MalformedTarget      characters, escapes, form
    │   │   └── DeceptivePath        dot segments, encoded slashes, double encoding, …
    │   ├── RequestBodyMalformed     chunked coding, trailers
    │   ├── UnknownCoding            Transfer-Encoding that is not ``chunked``
    │   ├── UnknownMethod            a method nobody here speaks
    │   ├── RefusedMethod            CONNECT, TRACE
    │   ├── UnknownVersion           not HTTP/1.0 or HTTP/1.1
    │   ├── ExpectationFailed        Expect other than 100-continue
    │   ├── TargetTooLong, HeadTooLarge, BodyTooLarge
    │   ├── SlowClient               a deadline for the head, the body or the reading of the answer
    │   └── ClientGone               the client closed its connection
    ├── UnknownHost                  a name outside the allow-list
    ├── UpstreamFault                the upstream's doing
    │   ├── UpstreamUnreachable      no connection, or lost before an answer
    │   │   ├── UpstreamInsecure     its certificate or TLS is not what it should be
    │   │   └── UpstreamForbidden    an address no publication may lead to
    │   ├── UpstreamBusy             the pool and its queue are full
    │   │   └── UpstreamResting      the circuit is open after failures
    │   ├── UpstreamTimeout          connect, first byte, idle or total
    │   ├── UpstreamFailing          it says so itself, and a kept answer takes the place of what it said
    │   └── BadUpstreamAnswer        an answer nobody should relay
    │       └── AnswerCut            ended in the middle of its body
    └── EdgeBusy                     the gateway itself
        ├── TooManyConnections
        ├── TooManyBodies            bodies held for validation fill their share of the memory
        ├── Draining                 the process is on its way out
        └── LineFailed               an unforeseen exception on the line
"""

from __future__ import annotations

from typing import ClassVar


class EdgeFault(Exception):
    """One refusal or failure. Public: ``code``, ``sv``, ``en``. Private: ``detail``."""

    code: ClassVar[str] = "edge-fault"
    sv: ClassVar[str] = "Anropet kunde inte utföras."
    en: ClassVar[str] = "The request could not be carried out."

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail)
        self.detail = detail


class ClientFault(EdgeFault):
    """The client's doing: the same request will fail again."""


class MalformedRequest(ClientFault):
    code = "malformed-request"
    sv = "Anropet följer inte HTTP/1.1."
    en = "The request does not follow HTTP/1.1."


class MalformedLine(MalformedRequest):
    code = "malformed-request-line"
    sv = "Anropets första rad följer inte HTTP/1.1."
    en = "The request line does not follow HTTP/1.1."


class MalformedField(MalformedRequest):
    code = "malformed-header"
    sv = "En rad i anropets huvud följer inte HTTP/1.1."
    en = "A header line of the request does not follow HTTP/1.1."


class AmbiguousLength(MalformedRequest):
    code = "ambiguous-length"
    sv = "Anropets längd är felaktig eller tvetydig."
    en = "The length of the request is wrong or ambiguous."


class MalformedHost(MalformedRequest):
    code = "malformed-host"
    sv = "Anropet måste ha exakt ett giltigt Host-huvud."
    en = "The request must have exactly one valid Host header."


class MalformedTarget(MalformedRequest):
    code = "malformed-target"
    sv = "Adressen innehåller tecken eller procentkoder som inte är tillåtna."
    en = "The target has characters or percent-escapes that are not allowed."


class DeceptivePath(MalformedRequest):
    code = "deceptive-path"
    sv = "Sökvägen är skriven så att den kan läsas på flera sätt. Skriv den i sin enklaste form."
    en = "The path can be read in more than one way. Write it in its simplest form."


class RequestBodyMalformed(ClientFault):
    code = "malformed-body"
    sv = "Anropets kropp är felaktigt uppdelad."
    en = "The body of the request is wrongly framed."


class UnknownCoding(ClientFault):
    code = "unknown-transfer-coding"
    sv = "Bara överföringskodningen chunked stöds."
    en = "Only the transfer coding chunked is supported."


class UnknownMethod(ClientFault):
    code = "unknown-method"
    sv = "Metoden är okänd."
    en = "The method is unknown."


class RefusedMethod(ClientFault):
    code = "refused-method"
    sv = "Metoden är inte tillåten."
    en = "The method is not allowed."


class UnknownVersion(ClientFault):
    code = "unknown-http-version"
    sv = "Bara HTTP/1.1 och HTTP/1.0 stöds."
    en = "Only HTTP/1.1 and HTTP/1.0 are supported."


class ExpectationFailed(ClientFault):
    code = "expectation-failed"
    sv = "Bara Expect: 100-continue stöds."
    en = "Only Expect: 100-continue is supported."


class TargetTooLong(ClientFault):
    code = "target-too-long"
    sv = "Adressen är för lång."
    en = "The request target is too long."


class HeadTooLarge(ClientFault):
    code = "headers-too-large"
    sv = "Anropets huvud är för stort."
    en = "The header section of the request is too large."


class BodyTooLarge(ClientFault):
    code = "body-too-large"
    sv = "Anropets kropp är större än vad API:et tar emot."
    en = "The body of the request is larger than the API accepts."


class SlowClient(ClientFault):
    code = "slow-client"
    sv = "Anropet kom inte fram inom tidsgränsen."
    en = "The request did not arrive within the time limit."


class ClientGone(ClientFault):
    code = "client-gone"
    sv = "Klienten stängde anslutningen."
    en = "The client closed the connection."


class UnknownHost(EdgeFault):
    code = "unknown-host"
    sv = "Här finns ingen tjänst med det värdnamnet."
    en = "No service with that host name is found here."


class UpstreamFault(EdgeFault):
    """The upstream's doing, or the way to it."""


class UpstreamUnreachable(UpstreamFault):
    code = "upstream-unreachable"
    sv = "Tjänsten bakom API:et svarar inte."
    en = "The service behind the API cannot be reached."


class UpstreamInsecure(UpstreamUnreachable):
    code = "upstream-tls"
    sv = "Den säkra förbindelsen till tjänsten bakom API:et kunde inte upprättas."
    en = "No secure connection to the service behind the API could be made."


class UpstreamForbidden(UpstreamUnreachable):
    code = "upstream-forbidden"
    sv = "Tjänsten bakom API:et har en adress som inte är tillåten."
    en = "The service behind the API has an address that is not allowed."


class UpstreamBusy(UpstreamFault):
    code = "upstream-busy"
    sv = "Tjänsten bakom API:et har för mycket att göra. Försök igen om en stund."
    en = "The service behind the API is too busy. Try again in a while."


class UpstreamResting(UpstreamBusy):
    code = "upstream-resting"
    sv = "Tjänsten bakom API:et har slutat svara och får vila en kort stund. Försök igen om några sekunder."
    en = "The service behind the API has stopped answering and is given a short rest. Try again in some seconds."


class UpstreamTimeout(UpstreamFault):
    code = "upstream-timeout"
    sv = "Tjänsten bakom API:et svarade inte i tid."
    en = "The service behind the API did not answer in time."


class UpstreamFailing(UpstreamFault):
    """Only where a kept answer stands in for it: else the client gets what the service said."""

    code = "upstream-failing"
    sv = "Tjänsten bakom API:et svarade att den har ett fel."
    en = "The service behind the API answered that it has a fault."


class BadUpstreamAnswer(UpstreamFault):
    code = "bad-upstream-answer"
    sv = "Tjänsten bakom API:et svarade felaktigt."
    en = "The service behind the API gave a faulty answer."


class AnswerCut(BadUpstreamAnswer):
    code = "answer-cut"
    sv = "Svaret från tjänsten bakom API:et avbröts."
    en = "The answer of the service behind the API was cut."


class EdgeBusy(EdgeFault):
    """The gateway's own state."""


class TooManyConnections(EdgeBusy):
    code = "too-many-connections"
    sv = "Slussen har för många anslutningar. Försök igen om en stund."
    en = "The gateway has too many connections. Try again in a while."


class TooManyBodies(EdgeBusy):
    code = "too-many-bodies"
    sv = "Slussen granskar för många stora anrop samtidigt. Försök igen om en stund."
    en = "The gateway is checking too many large requests at once. Try again in a while."


class Draining(EdgeBusy):
    code = "draining"
    sv = "Den här delen av slussen håller på att stängas. Försök igen."
    en = "This part of the gateway is closing. Try again."


class LineFailed(EdgeBusy):
    code = "internal-fault"
    sv = "Ett fel uppstod i slussen."
    en = "A fault occurred in the gateway."

"""What ends a tunnel or a stream, and what refuses to begin one. Statuses are in `gateway.errors`.

EdgeFault
├── ClientFault
│   ├── UpgradeRequired            a WebSocket operation called without a handshake, or with another version
│   ├── MalformedRequest
│   │   └── MalformedHandshake     key, subprotocols or extensions break RFC 6455
│   ├── RequestBodyMalformed
│   │   └── MalformedFrame         close code 1002
│   ├── BodyTooLarge
│   │   └── MessageTooLarge        close code 1009
│   ├── SlowClient
│   │   └── TunnelIdle             nothing moved in either direction; close code 1001
│   └── TooManyControls            close code 1008
├── TooManyTunnels                 of one subscription in this process
├── AccessEnded                    the token or what it rests on no longer holds; close code 1008
└── MessageRefused                 by a limit, whose own code they bear; close code 1008, or 1013
    ├── MessageOverRate
    ├── MessageOverQuota
    └── MessageUncountable

The code is the reason of the close frame.
"""

from __future__ import annotations

from gateway.edge.errors import (
    BodyTooLarge,
    ClientFault,
    EdgeFault,
    MalformedRequest,
    RequestBodyMalformed,
    SlowClient,
)


class UpgradeRequired(ClientFault):
    code = "upgrade-required"
    sv = "Operationen är en WebSocket. Anropa den med en handskakning enligt RFC 6455, version 13."
    en = "The operation is a WebSocket. Call it with a handshake as in RFC 6455, version 13."
    headers = ((b"Connection", b"Upgrade"), (b"Upgrade", b"websocket"), (b"Sec-WebSocket-Version", b"13"))


class MalformedHandshake(MalformedRequest):
    code = "malformed-handshake"
    sv = "WebSocket-handskakningen följer inte RFC 6455."
    en = "The WebSocket handshake does not follow RFC 6455."


class MalformedFrame(RequestBodyMalformed):
    code = "malformed-frame"
    sv = "En WebSocket-ram följer inte RFC 6455."
    en = "A WebSocket frame does not follow RFC 6455."


class MessageTooLarge(BodyTooLarge):
    code = "message-too-large"
    sv = "Meddelandet är större, eller delat i fler ramar, än vad API:et tar emot."
    en = "The message is larger, or split into more frames, than the API accepts."


class TooManyControls(ClientFault):
    code = "too-many-pings"
    sv = "Klienten skickar ping och pong för tätt."
    en = "The client sends pings and pongs too often."


class TooManyTunnels(EdgeFault):
    code = "too-many-tunnels"
    sv = "Prenumerationen har för många öppna WebSocket-anslutningar."
    en = "The subscription has too many open WebSocket connections."


class TunnelIdle(SlowClient):
    code = "tunnel-idle"
    sv = "Ingenting har skickats på anslutningen på länge."
    en = "Nothing has been sent on the connection for a long time."


class AccessEnded(EdgeFault):
    """`detail` is the code of the refusal that a new call would get."""

    code = "access-ended"
    sv = "Åtkomsten upphörde medan anropet pågick."
    en = "Access ended while the call was under way."


class MessageRefused(EdgeFault):
    """Never rendered: a refused call has its own class of the same code."""

    code = "limit-reached"
    sv = "Ett meddelande nekades av en gräns i planen."
    en = "A message was refused by a limit of the plan."


class MessageOverRate(MessageRefused):
    code = "rate-exceeded"


class MessageOverQuota(MessageRefused):
    code = "quota-exceeded"


class MessageUncountable(MessageRefused):
    code = "counters-unavailable"

"""One JSON line per call, whatever happened to it.

Holds no token, secret, query, body or concrete path: paths are route templates, since a path may carry a
patient's id (promises P1, P2). JSON escapes what could break a line (P3). What is the same for every call of an
operation or a caller is escaped once, in `Place` and `Who`. Records gather in memory and become lines together, by
a timer of the owner and when enough have gathered: half a hundred in a row cost half of what each costs by itself
between other work, whose code has pushed this code out of the processor's cache.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, fields
from pathlib import Path
from time import time
from typing import Final

import orjson

from gateway.edge.door.unread import Unread
from gateway.route import CONTROL, DECIDE
from gateway.trace import Trace

GATHERED: Final = 64  # records that become lines together; some 0.2 ms of work

# The names in a line, in their order: the log's published form.
FIELDS: Final = (
    "at", "request_id", "trace", "method", "template", "api", "operation", "status", "code", "outcome",
    "organisation", "app", "environment", "peer", "duration", "bytes_in", "bytes_out", "upstream_status",
)  # fmt: skip
# What the line of a WebSocket has besides.
TUNNEL_FIELDS: Final = ("messages_in", "messages_out")
_LINE: Final = (
    b'{"at":%.6f,"request_id":"%b","trace":"%b","method":%b,%b,"status":%d,"code":%b,"outcome":%b,%b,'
    b'"peer":%b,"duration":%.6f,"bytes_in":%d,"bytes_out":%d,"upstream_status":%d}\n'
)


def _members(**values: str) -> bytes:
    """The values as members of a JSON object, without its braces."""
    return orjson.dumps(values)[1:-1]


class Place:
    """Where a call went: an operation of an API, or the first path segment of what is no API."""

    __slots__ = ("api", "json", "operation", "template")

    def __init__(self, template: str, api: str = "", operation: str = "") -> None:
        self.template = template  # "/behov/v1/needs/{needId}"
        self.api = api
        self.operation = operation
        self.json = _members(template=template, api=api, operation=operation)


class Who:
    """Whose call it was; all empty when nobody's."""

    __slots__ = ("json",)

    def __init__(self, organisation: str = "", app: str = "", environment: str = "") -> None:
        self.json = _members(organisation=organisation, app=app, environment=environment)


NOBODY: Final = Who()
_PLACES: Final = {segment: Place(f"/{segment}/") for segment in (*CONTROL, DECIDE)}
_UNKNOWN: Final = Place("(unknown)")
_UNREAD: Final = Place("(unread)")  # what was refused before the line


def place_of(path: str) -> Place:
    """What a record shows of a path that is no route: its first segment when that is one of ours."""
    return _PLACES.get(path.split("/", 2)[1], _UNKNOWN)


@dataclass(slots=True)
class Record:
    """What is known of a call when it is over. Times in seconds, sizes in bytes."""

    at: float  # when it came, epoch
    trace: Trace
    method: str
    place: Place
    status: int
    code: str  # error code, "" when none
    outcome: str  # as in the ledger, "" when the call was not counted
    who: Who
    peer: str
    duration: float
    bytes_in: int
    bytes_out: int
    upstream_status: int

    def line(self) -> bytes:
        trace = self.trace
        return _LINE % (
            self.at, trace.request_id, trace.parent, orjson.dumps(self.method), self.place.json, self.status,
            orjson.dumps(self.code) if self.code else b'""', b'"%b"' % self.outcome.encode(), self.who.json,
            orjson.dumps(self.peer), self.duration, self.bytes_in, self.bytes_out, self.upstream_status,
        )  # fmt: skip


def unread_record(trace: Trace, unread: Unread, status: int, code: str, bytes_out: int) -> Record:
    """Of what was refused before the line: how, to whom, and nothing of what it said but the method."""
    place = _UNREAD
    return Record(
        time(), trace, unread.method, place, status, code, "", NOBODY, unread.peer, 0.0, 0, bytes_out, 0
    )


@dataclass(slots=True)
class TunnelRecord(Record):
    """A WebSocket, when it is over; whole messages from the client and to it."""

    messages_in: int
    messages_out: int

    @classmethod
    def of(cls, record: Record, messages_in: int, messages_out: int) -> TunnelRecord:
        known = {field.name: getattr(record, field.name) for field in fields(Record)}
        return cls(**known, messages_in=messages_in, messages_out=messages_out)

    def line(self) -> bytes:
        # Not super(): a dataclass with slots is made anew, and super() would mean the class before.
        line = Record.line(self)[:-2]
        return b'%b,"messages_in":%d,"messages_out":%d}\n' % (line, self.messages_in, self.messages_out)


class AccessLog:
    """`target`: a file path, `-` for standard output, empty for nothing."""

    def __init__(self, target: str) -> None:
        self._waiting: list[Record] = []
        self._owned = target not in ("", "-")
        self._file: int | None = None
        self.lost = 0  # lines the disk would not take
        if target == "-":
            self._file = sys.stdout.fileno()
        elif target:
            Path(target).parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(target, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)

    def write(self, record: Record) -> None:
        if self._file is None:
            return
        self._waiting.append(record)
        if len(self._waiting) >= GATHERED:
            self.flush()

    def flush(self) -> None:
        """Write what waits. A disk that is full loses access records, counted in `lost`; the ledger is elsewhere."""
        if self._file is None or not self._waiting:
            return
        records, self._waiting = self._waiting, []
        block = b"".join([record.line() for record in records])
        try:
            while block:
                block = block[os.write(self._file, block) :]
        except OSError:
            self.lost += len(records)

    def close(self) -> None:
        self.flush()
        if self._owned and self._file is not None:
            os.close(self._file)
            self._file = None

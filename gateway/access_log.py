"""One JSON line per call, whatever happened to it.

Holds no token, secret, query, body or concrete path: paths are route templates, since a path may carry a
patient's id (promises P1, P2). JSON escapes what could break a line (P3). Lines gather in memory and are
written together, by a timer of the owner and when enough have gathered.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import NamedTuple

import orjson

FLUSH_BYTES = 64 * 1024


class Record(NamedTuple):
    """What is known of a call when it is over. Times in seconds, sizes in bytes."""

    at: float
    request_id: str
    trace: str
    method: str
    template: str  # "/behov/v1/needs/{needId}", or the first segment of what is no API
    api: str
    operation: str
    status: int
    code: str  # error code, "" when none
    outcome: str  # as in the ledger, "" when the call was not counted
    organisation: str
    app: str
    environment: str
    peer: str
    duration: float
    bytes_in: int
    bytes_out: int
    upstream_status: int


class AccessLog:
    """`target`: a file path, `-` for standard output, empty for nothing."""

    def __init__(self, target: str) -> None:
        self._waiting: list[bytes] = []
        self._size = 0
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
        line = orjson.dumps(record._asdict(), option=orjson.OPT_APPEND_NEWLINE)
        self._waiting.append(line)
        self._size += len(line)
        if self._size >= FLUSH_BYTES:
            self.flush()

    def flush(self) -> None:
        """Write what waits. A disk that is full loses access records, counted in `lost`; the ledger is elsewhere."""
        if self._file is None or not self._waiting:
            return
        lines, self._waiting, self._size = self._waiting, [], 0
        block = b"".join(lines)
        try:
            while block:
                block = block[os.write(self._file, block) :]
        except OSError:
            self.lost += len(lines)

    def close(self) -> None:
        self.flush()
        if self._owned and self._file is not None:
            os.close(self._file)
            self._file = None

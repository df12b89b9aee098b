"""What a service answers in the sandbox, held against the document. It is counted and told, never changed.

Owns the watching of one answer. It is judged after it has gone out, so that nobody waits for the verdict.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from gateway.access_log import Place
from gateway.catalog.model import Environment
from gateway.edge.order import Order, Watch
from gateway.proxy.response import Answer
from gateway.trace import Trace
from gateway.validation import json_text, media
from gateway.validation.faults import Fault
from gateway.validation.parameters import Parameter
from gateway.validation.requests import Content
from gateway.validation.tally import RESPONSE, Note, Tally

_CODED: Final = b"content-encoding"


@dataclass(frozen=True, slots=True)
class Declared:
    """One answer of the document. `contents` by media range."""

    headers: Sequence[Parameter]
    contents: Mapping[str, Content]


@dataclass(frozen=True, slots=True)
class ResponseCheck:
    """One operation's answers by status: `200`, `2XX` or `default`."""

    answers: Mapping[str, Declared]
    limit: int
    bounds: json_text.Bounds
    place: Place

    def accompany(self, order: Order, environment: str, method: str, tally: Tally, trace: Trace) -> None:
        """Watches the answer to this order, beside whoever does already."""
        if environment == Environment.SANDBOX:
            note = Note(tally, self.place, trace, RESPONSE)
            order.watch = ResponseWatch(self, method, note, order.watch)

    def declared(self, status: int) -> Declared | None:
        return (
            self.answers.get(str(status))
            or self.answers.get(f"{status // 100}XX")
            or self.answers.get("default")
        )


class ResponseWatch:
    """See `gateway.edge.order.Watch`."""

    __slots__ = ("_check", "_content", "_faults", "_method", "_note", "_other", "_pieces", "_size")

    def __init__(self, check: ResponseCheck, method: str, note: Note, other: Watch | None) -> None:
        self._other = other
        self._check = check
        self._method = method
        self._note = note
        self._faults: list[Fault] = []
        self._content: Content | None = None
        self._pieces: list[bytes] = []
        self._size = 0

    def begin(self, answer: Answer) -> tuple[Answer, bytes] | None:
        instead = self._other.begin(answer) if self._other is not None else None
        if answer.status != HTTPStatus.NOT_MODIFIED:  # that is an answer about an answer
            self._judge_head(answer)
        return instead

    def _judge_head(self, answer: Answer) -> None:
        declared = self._check.declared(answer.status)
        if declared is None:
            self._faults.append(Fault("status", "status"))
            return
        values = _values(answer)
        for header in declared.headers:
            texts = values.get(header.name.lower().encode(), [])
            if texts:
                self._faults.extend(header.faults(b",".join(texts).decode("utf-8", "replace")))
            else:
                self._faults.extend(header.missing())
        if not answer.has_no_body(self._method) and declared.contents:
            self._choose(declared, values)

    def _choose(self, declared: Declared, values: Mapping[bytes, list[bytes]]) -> None:
        """Which of the declared kinds the answer is; JSON that is not compressed will be kept and judged."""
        kind = media.parse(b"".join(values.get(b"content-type", [])))
        fitting = media.matching(kind.name, declared.contents) if kind is not None else None
        if kind is None or fitting is None:
            expected = (", ".join(declared.contents),)
            self._faults.append(Fault("header", "content-type", "Content-Type", values=expected))
        elif kind.is_json and _CODED in values:
            self._note.unjudged()
        elif kind.is_json:
            self._content = declared.contents[fitting]

    def content(self, data: bytes) -> None:
        if self._other is not None:
            self._other.content(data)
        if self._content is None:
            return
        held = self._note.tally.held
        self._size += len(data)
        held.bytes += len(data)
        self._pieces.append(data)
        if self._size > self._check.limit or held.bytes > held.limit:
            self._release()
            self._content = None
            self._note.unjudged()

    def end(self, whole: bool) -> None:
        if self._other is not None:
            self._other.end(whole)
        if whole and (self._content is not None or self._faults):
            asyncio.get_running_loop().call_soon(self._judge)
        else:
            self._release()

    def _judge(self) -> None:
        data = b"".join(self._pieces)
        self._release()
        if self._content is not None:
            faults, _ = self._content.faults(data, self._check.bounds)
            self._faults.extend(faults)
        self._note.faults(self._faults, told=True)

    def _release(self) -> None:
        self._note.tally.held.bytes -= self._size
        self._size = 0
        self._pieces = []


def _values(answer: Answer) -> dict[bytes, list[bytes]]:
    found: dict[bytes, list[bytes]] = {}
    for line in answer.lines[1:]:
        name, _, value = line.partition(b":")
        found.setdefault(name.lower(), []).append(value.strip(b" \t"))
    return found

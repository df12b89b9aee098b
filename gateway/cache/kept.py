"""How a kept answer is written out again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.proxy.response import Answer, status_line


@dataclass(frozen=True, slots=True)
class Kept:
    """A whole answer from the cache; `head` has its lines, each with CRLF, but for what the line adds."""

    status: int
    head: bytes
    body: bytes


def head_of(status: int, lines: Sequence[bytes]) -> bytes:
    return b"\r\n".join([status_line(status), *lines, b""])


def answer_of(status: int, lines: Sequence[bytes]) -> Answer:
    answer = Answer(status, status_line(status), True)
    answer.lines = [*answer.lines, *lines]
    answer.dated = True
    return answer


def sets_cookie(answer: Answer) -> bool:
    return any(line[:11].lower().startswith(b"set-cookie") for line in answer.apart or ())

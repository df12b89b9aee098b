"""What may be said of a request that was refused before it was read.

Owns the two things that can be known of a head without trusting it: a method that is one of ours at its very
beginning, and an Accept-Language that stands there exactly once. The one is for the record, the other chooses the
language of the error's text; nothing else hangs on either.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from gateway.edge.request import Request

_METHOD: Final = re.compile(rb"(?:\r\n)?(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) ")
_LANGUAGE: Final = re.compile(rb"\r\naccept-language:[ \t]*([\x20-\x7e]{0,200})\r\n", re.IGNORECASE)
_LOOKED_AT: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Unread:
    """``method`` is empty when it is none of ours; ``peer`` the address at the other end."""

    peer: str = ""
    method: str = ""
    accept_language: bytes | None = None


def of_head(peer: str, data: bytes) -> Unread:
    """Of what has come, which may be a part of a head or a whole one with more after it."""
    head = data[:_LOOKED_AT].partition(b"\r\n\r\n")[0] + b"\r\n"
    method = _METHOD.match(head)
    languages = _LANGUAGE.findall(head)
    return Unread(
        peer, method.group(1).decode() if method else "", languages[0] if len(languages) == 1 else None
    )


def of_request(request: Request) -> Unread:
    """Of one that was read, and at which the line failed."""
    return Unread(request.peer, request.method, request.accept_language)

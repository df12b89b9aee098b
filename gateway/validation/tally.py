"""What was found wrong, counted and told: never what was sent.

The metric's labels come from the catalogue; a log line holds codes and the names of declared things.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from typing import Final

from gateway.access_log import Place
from gateway.edge.order import Held
from gateway.trace import Trace
from gateway.validation.faults import Fault

# Answers kept for judging, in one process together; what does not fit goes unjudged.
HELD_BYTES: Final = 16 * 1024 * 1024
REQUEST: Final = "request"
RESPONSE: Final = "response"
UNJUDGED: Final = "unjudged"
_TOLD: Final = 10  # faults named in one log line
_log = logging.getLogger("sluss.validation")


class Tally:
    """Faults by API, operation, direction and part of the message; `held` bounds the answers under judgement."""

    def __init__(self) -> None:
        self.counts: Counter[tuple[str, str, str, str]] = Counter()
        self.held = Held(HELD_BYTES)


class Note:
    """Where the findings of one message go, and under which name."""

    __slots__ = ("_direction", "_place", "_trace", "tally")

    def __init__(self, tally: Tally, place: Place, trace: Trace, direction: str) -> None:
        self.tally = tally
        self._place = place
        self._trace = trace
        self._direction = direction

    def unjudged(self) -> None:
        """Too large, compressed, or no room: it passed without being looked at."""
        self._count(UNJUDGED)

    def faults(self, found: Sequence[Fault], *, told: bool) -> None:
        for fault in found:
            self._count(fault.place)
        if told and found:
            named = ", ".join(
                f"{fault.place} {fault.name}{fault.pointer} {fault.code}" for fault in found[:_TOLD]
            )
            more = f" and {len(found) - _TOLD} more" if len(found) > _TOLD else ""
            _log.warning(
                "%s breaks the document of %s %s: %s%s (%s)",
                self._direction, self._place.api, self._place.operation, named, more, self._trace.instance,
            )  # fmt: skip

    def _count(self, part: str) -> None:
        self.tally.counts[self._place.api, self._place.operation, self._direction, part] += 1

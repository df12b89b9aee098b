"""Who looks on while an answer passes: a cache that keeps it, a judge that compares it with the document.

Owns the calls to such an observer. It sees the upstream's answer as it is relayed and can neither change nor
delay it: an observer that raises is logged and not asked again.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from gateway.edge.order import Order
    from gateway.proxy.response import Answer

_log = logging.getLogger("sluss.edge")


class Watch(Protocol):
    """``begin`` with the head, ``content`` as it comes without its framing, ``end`` once after a ``begin``.

    Nothing is called when no answer came, nor for a tunnel. ``answer.lines`` are what passes to the client, before
    the order's own lines and without framing; the list is the relay's, to be copied by who keeps it. ``whole`` is
    False when the answer was cut or the client left.
    """

    def begin(self, answer: Answer) -> None: ...

    def content(self, data: bytes) -> None: ...

    def end(self, whole: bool) -> None: ...


def watch_begin(order: Order, answer: Answer, content: bytes, complete: bool) -> None:
    if order.watch is None:
        return
    try:
        order.watch.begin(answer)
    except Exception:
        _dismiss(order)
        return
    watch_content(order, content, complete)


def watch_content(order: Order, content: bytes, complete: bool) -> None:
    if order.watch is None:
        return
    try:
        if content:
            order.watch.content(content)
    except Exception:
        _dismiss(order)
    if complete:
        watch_end(order, True)


def watch_end(order: Order, whole: bool) -> None:
    watch, order.watch = order.watch, None
    if watch is None:
        return
    try:
        watch.end(whole)
    except Exception:
        _dismiss(order)


def _dismiss(order: Order) -> None:
    """An observer's fault is unforeseen by definition, and no reason to lose the caller's answer."""
    _log.exception("an observer of an answer failed")
    order.watch = None

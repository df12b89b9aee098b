"""The admin port: four pages, on the edge's own server. A second web server for them was 8 MB of every edge process.

Owns the addresses and the form. What they say is the caller's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import orjson

from gateway.edge.exchange import Exchange
from gateway.errors import MethodNotAllowed, Rendered, Renderer
from gateway.health import Readiness

TEXT: Final = b"text/plain; charset=utf-8"
JSON: Final = b"application/json"
PROMETHEUS: Final = b"text/plain; version=0.0.4; charset=utf-8"


class AdminPages:
    """An `EdgeServer`'s line. Each page is made when it is asked for."""

    def __init__(
        self,
        readiness: Callable[[], Readiness],
        snapshot: Callable[[], dict[str, object]],
        metrics: Callable[[], bytes],
        renderer: Renderer,
    ) -> None:
        self._readiness = readiness
        self._renderer = renderer
        self._pages: Mapping[str, Callable[[], Rendered]] = {
            "/healthz": lambda: _page(JSON, orjson.dumps({"status": "alive"})),
            "/readyz": self._ready,
            "/snapshot": lambda: _page(JSON, orjson.dumps(snapshot())),
            "/metrics": lambda: _page(PROMETHEUS, metrics()),
        }

    def __call__(self, exchange: Exchange) -> None:
        request = exchange.request
        page = self._pages.get(request.path)
        if page is None:
            answer = _page(TEXT, "There are {}.\n".format(", ".join(self._pages)).encode("ascii"), 404)
        elif request.method not in ("GET", "HEAD"):
            refusal = MethodNotAllowed(("GET", "HEAD"))
            answer = self._renderer.render(refusal, accept_language=request.accept_language)
        else:
            answer = page()
        exchange.reply(answer.status, answer.headers, answer.body)

    def _ready(self) -> Rendered:
        now = self._readiness()
        body = orjson.dumps({"status": now.status, "reasons": [*now.faults, *now.warnings]})
        return _page(JSON, body, 503 if now.faults else 200)


def _page(media: bytes, body: bytes, status: int = 200) -> Rendered:
    return Rendered(status, [(b"Content-Type", media), (b"Cache-Control", b"no-store")], body)

"""The admin port: is it alive, is it ready, what does it run, what has it counted.

Ready means that calls are answered rightly. A database that is away makes it *degraded*, not unready: the
snapshot goes on working (promise F4). Draining makes it unready first of all (F11).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Readiness:
    """`faults` make it unready, `warnings` degraded."""

    faults: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def status(self) -> str:
        return "unready" if self.faults else "degraded" if self.warnings else "ready"


def admin_app(
    readiness: Callable[[], Readiness],
    snapshot: Callable[[], dict[str, object]],
    metrics: Callable[[], bytes],
) -> Starlette:
    """Four addresses; the caller gives the values."""

    async def healthz(_: Request) -> Response:
        return JSONResponse({"status": "alive"})

    async def readyz(_: Request) -> Response:
        now = readiness()
        body = {"status": now.status, "reasons": [*now.faults, *now.warnings]}
        return JSONResponse(body, status_code=503 if now.faults else 200)

    async def snapshot_page(_: Request) -> Response:
        return JSONResponse(snapshot())

    async def metrics_page(_: Request) -> Response:
        return Response(metrics(), media_type=PROMETHEUS)

    return Starlette(
        routes=[
            Route("/healthz", healthz),
            Route("/readyz", readyz),
            Route("/snapshot", snapshot_page),
            Route("/metrics", metrics_page),
        ]
    )

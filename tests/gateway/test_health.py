"""The admin port: ready, degraded, unready."""

from __future__ import annotations

import httpx
import pytest

from gateway.health import Readiness, admin_app


async def ask(now: Readiness, path: str) -> httpx.Response:
    app = admin_app(lambda: now, lambda: {"version": 3}, lambda: b"sluss_x 1\n")
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app), base_url="http://admin", trust_env=False
    ) as http:
        return await http.get(path)


@pytest.mark.parametrize(
    ("faults", "warnings", "code", "status"),
    [
        ([], [], 200, "ready"),
        ([], ["database away"], 200, "degraded"),
        (["draining"], ["database away"], 503, "unready"),
    ],
)
async def test_readiness(faults: list[str], warnings: list[str], code: int, status: str) -> None:
    answer = await ask(Readiness(faults, warnings), "/readyz")
    assert (answer.status_code, answer.json()) == (code, {"status": status, "reasons": faults + warnings})


async def test_alive_whatever_else() -> None:
    assert (await ask(Readiness(["draining"]), "/healthz")).status_code == 200


async def test_pages() -> None:
    assert (await ask(Readiness(), "/snapshot")).json() == {"version": 3}
    metrics = await ask(Readiness(), "/metrics")
    assert metrics.text == "sluss_x 1\n"
    assert metrics.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert (await ask(Readiness(), "/")).status_code == 404

"""The admin port, across a socket: ready, degraded, unready; and what is no page."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from gateway.admin import AdminPages
from gateway.edge.server import EdgeServer
from gateway.errors import Renderer
from gateway.health import Readiness

METRICS = b"sluss_x 1\n" * 100_000  # larger than a send buffer


async def ask(now: Readiness, path: str, method: str = "GET") -> httpx.Response:
    def broken(*_: object) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
        return 599, [], b""

    pages = AdminPages(lambda: now, lambda: {"version": 3}, lambda: METRICS, Renderer("http://sluss.example"))
    server = EdgeServer(pages, broken)
    port = await server.start("127.0.0.1", 0)
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as http:
            return await http.request(method, path)
    finally:
        await server.drain(5)


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
    assert answer.headers["content-type"] == "application/json"


async def test_alive_whatever_else() -> None:
    assert (await ask(Readiness(["draining"]), "/healthz")).status_code == 200


async def test_pages() -> None:
    assert (await ask(Readiness(), "/snapshot")).json() == {"version": 3}
    metrics = await ask(Readiness(), "/metrics")
    assert metrics.content == METRICS
    assert metrics.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"


@pytest.mark.parametrize("path", ["/", "/metrics/", "/healthz/x"])
async def test_what_is_no_page_is_told_which_there_are(path: str) -> None:
    answer = await ask(Readiness(), path)
    assert answer.status_code == 404
    assert "/readyz" in answer.text


async def test_nothing_is_changed_there() -> None:
    answer = await ask(Readiness(), "/metrics", "POST")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")
    assert (await ask(Readiness(), "/healthz", "HEAD")).content == b""


async def test_a_page_that_fails_is_an_answer(caplog: pytest.LogCaptureFixture) -> None:
    fails: Callable[[], Readiness] = lambda: 1 / 0  # type: ignore[assignment,return-value]  # noqa: E731
    seen: list[str] = []

    def rendered(fault: Exception, _: object) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
        seen.append(type(fault).__name__)
        return 500, [], b"{}"

    server = EdgeServer(AdminPages(fails, dict, bytes, Renderer("http://sluss.example")), rendered)
    port = await server.start("127.0.0.1", 0)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as http:
        assert (await http.get("/readyz")).status_code == 500
    await server.drain(5)
    assert seen == ["LineFailed"]
    assert "ZeroDivisionError" in caplog.text

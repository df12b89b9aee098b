"""SIGTERM loses no call: readiness falls, what is in flight ends, the ledger is written (F11)."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator

import httpx

from tests.line.platform import PLAIN, Platform


def test_sigterm_in_the_middle_of_calls(own_platform: Callable[..., Platform]) -> None:
    platform = own_platform().start()
    client = platform.client()
    sent = {"Authorization": f"Bearer {platform.token(client)}", "Content-Type": "text/plain"}
    answers: list[tuple[int, str]] = []
    draining = threading.Event()

    def body() -> Iterator[bytes]:
        """Ends when the process is known to be leaving: until then the call is in flight, and never too slow."""
        while not draining.wait(0.1):
            yield b"." * 1024

    def call() -> None:
        address = platform.url("/eko/v1/echo")
        answer = httpx.post(address, headers=sent, content=body(), timeout=30, verify=PLAIN, trust_env=False)
        answers.append((answer.status_code, answer.headers.get("connection", "")))

    callers = [threading.Thread(target=call) for _ in range(10)]
    for caller in callers:
        caller.start()
    platform.wait(lambda: platform.metric("sluss_upstream_connections") >= 10)
    edge = platform.processes["edge-0"]
    edge.send_signal(signal.SIGTERM)
    platform.wait(lambda: _unready(platform))
    assert edge.poll() is None
    draining.set()
    for caller in callers:
        caller.join()
    assert answers == [(200, "close")] * 10
    assert edge.wait(10) == 0, platform.log("edge-0")
    assert platform.ledger(client) == {"served": 10}
    assert not platform.log("edge-0"), "a clean end says nothing"


def _unready(platform: Platform) -> bool:
    try:
        answer = httpx.get(
            f"http://127.0.0.1:{platform.admin_ports[0]}/readyz", verify=PLAIN, trust_env=False
        )
    except httpx.HTTPError:
        return False
    return answer.status_code == 503

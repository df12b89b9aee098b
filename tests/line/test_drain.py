"""SIGTERM loses no call: readiness falls, what is in flight ends, the ledger is written (F11)."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable

import httpx

from tests.line.platform import PLAIN, Platform


def test_sigterm_in_the_middle_of_calls(own_platform: Callable[..., Platform]) -> None:
    platform = own_platform().start()
    client = platform.client()
    token = platform.token(client)
    answers: list[int] = []

    def call() -> None:
        answer = platform.get("/eko/v1/delay/1500", token)
        answers.append(answer.status_code)
        assert answer.headers["connection"] == "close"

    callers = [threading.Thread(target=call) for _ in range(10)]
    for caller in callers:
        caller.start()
    connections = "sluss_upstream_connections"
    platform.wait(lambda: platform.metric(connections) >= 10)
    edge = platform.processes["edge-0"]
    edge.send_signal(signal.SIGTERM)
    platform.wait(lambda: _unready(platform) or edge.poll() is not None)
    for caller in callers:
        caller.join()
    assert answers == [200] * 10
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

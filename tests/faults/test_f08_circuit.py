"""F8: the circuit over two real edge processes: how many calls a failing service gets, and nobody else notices."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from gateway.proxy.pool import PoolLimits
from tests.faults.scene import Load, Scene

Make = Callable[..., Scene]

EDGES = 2
LIMITS = PoolLimits()
TICK_S = 0.1  # the edge's clock is so coarse: a rest may end so much early


class Service:
    """An upstream that counts what arrives. It drops calls, holds them until told, or answers."""

    def __init__(self) -> None:
        self.arrived = 0
        self.failing = True
        self.go_on = threading.Event()
        self._lock = threading.Lock()
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                service.take(self)

            def log_message(self, format: str, *args: object) -> None:
                """Nobody reads it."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def take(self, handler: BaseHTTPRequestHandler) -> None:
        with self._lock:
            self.arrived += 1
        if self.failing:
            handler.close_connection = True
            return
        self.go_on.wait(60)
        handler.send_response(200)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    def close(self) -> None:
        self.go_on.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def service() -> Iterator[Service]:
    made = Service()
    yield made
    made.close()


@pytest.mark.redis
@pytest.mark.slow
@pytest.mark.timeout(300)
def test_one_probe_of_each_process_in_a_rest(make: Make, redis_url: str, service: Service) -> None:
    """Each process sends K calls until it leaves the service alone; after the rest one, whoever else is calling;
    an answer closes the circuit. The other service's callers get what they always got.
    """
    scene = make(redis_url, edges=EDGES)
    scene.environment["SLUSS_UPSTREAM_EKO"] = service.url
    scene.environment["SLUSS_REDIS_WAIT_MS"] = "60000"  # away from here: F1 and F2
    scene.start()
    token = scene.token(scene.client(("eko/v1", "behov/v1")))
    with ExitStack() as stack:
        others = [Load(port, "/behov/v1/needs", token, 1) for port in scene.ports]
        for load in others:
            stack.enter_context(load.running())
        began = time.monotonic()
        for edge in range(EDGES):
            answers = [scene.get("/eko/v1/echo", token, edge=edge) for _ in range(LIMITS.failures + 1)]
            assert [answer.status_code for answer in answers] == [502] * LIMITS.failures + [503]
            assert answers[-1].json()["code"] == "upstream-resting"
            assert int(answers[-1].headers["Retry-After"]) >= 1
        opened = EDGES * LIMITS.failures
        assert service.arrived == opened

        service.failing = False  # it holds what comes: the probes are under way for as long as we like
        loads = [Load(port, "/eko/v1/echo", token, 3) for port in scene.ports]
        for load in loads:
            stack.enter_context(load.running())
        scene.until(lambda: service.arrived >= opened + EDGES, "a probe of each process")
        for load in loads:
            load.more(200)  # of those that come while the probe is under way
        probes = service.arrived - opened
        rests = int((time.monotonic() - began + TICK_S) / LIMITS.rest_seconds)
        assert EDGES <= probes <= EDGES * rests, f"{probes} probes of {EDGES} processes in {rests} rests"
        assert all(load.statuses.keys() == {503} for load in loads)
        assert all(load.codes.keys() == {"upstream-resting"} for load in loads)

        service.go_on.set()
        for edge in range(EDGES):
            scene.until(partial(is_closed, scene, edge), "it closes by itself")
            assert scene.get("/eko/v1/echo", token, edge=edge).status_code == 200
        for load in others:
            load.more(10)
    assert all(load.statuses.keys() == {200} for load in others), [load.codes for load in others]
    assert not [load.lost for load in (*loads, *others) if load.lost]


def is_closed(scene: Scene, edge: int) -> bool:
    return scene.metric("sluss_upstream_circuit{", edge) == 0

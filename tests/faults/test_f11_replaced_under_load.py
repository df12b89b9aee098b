"""F11: edges are replaced one after the other under load, and no call is lost; meters are flushed, status is 0."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable

import httpx
import pytest

from tests.faults.scene import Load, Scene
from tests.line.platform import PLAIN

Make = Callable[..., Scene]


@pytest.mark.redis
@pytest.mark.slow
@pytest.mark.timeout(300)
def test_two_on_one_port_are_replaced_without_a_lost_call(make: Make, redis_url: str) -> None:
    """Real load over kept connections; whatever was accepted is answered with what the upstream said."""
    scene = make(redis_url, edges=2, shared=True)
    scene.environment["SLUSS_REDIS_WAIT_MS"] = "60000"  # away from here: F1 and F2
    scene.start()
    client = scene.client(plan="leverantor")  # no end but the bill
    with Load(scene.ports[0], "/eko/v1/echo", scene.token(client), 4, fresh=4).running() as load:
        load.more(100)
        for number in (0, 1, 0):
            edge = scene.processes.pop(f"edge-{number}")
            fell = Watch(scene, number)
            edge.send_signal(signal.SIGTERM)
            assert edge.wait(60) == 0, scene.log(f"edge-{number}")
            fell.thread.join()
            load.more(50)
            scene.start_edge(number)
            load.more(50)
    assert not load.lost, load.lost
    assert load.statuses.keys() == {200}, (load.statuses, load.codes)
    assert scene.seen() == load.answered, "every call that was worked on was answered"
    scene.until(lambda: scene.ledger(client) == {"served": load.answered}, "all of it is in the ledger")


class Watch:
    """Asks an edge's readiness until its admin port is gone, and remembers every answer."""

    def __init__(self, scene: Scene, number: int) -> None:
        self.url = f"http://127.0.0.1:{scene.admin_ports[number]}/readyz"
        self.statuses: list[int] = []
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self) -> None:
        with httpx.Client(verify=PLAIN, trust_env=False) as client:
            try:
                while True:
                    self.statuses.append(client.get(self.url).status_code)
            except httpx.HTTPError:
                return

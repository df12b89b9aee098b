"""F20: a whole edge process that may open no more files: it refuses, loses no unit, and recovers by itself.

What the edge alone does at the limit, and with how many it reckons, is `tests/edge/test_process_bounds`.
"""

from __future__ import annotations

import os
import resource
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection

import pytest

from tests.faults.scene import Scene

pytestmark = [pytest.mark.postgres, pytest.mark.timeout(300)]

LEFT = 8  # files it may still open
CROWD = 100


@contextmanager
def files(pid: int, left: int) -> Iterator[None]:
    """The process may open only so many more for a while."""
    if sys.platform != "linux":
        pytest.skip("NOT RUN: only Linux can take files from a running process")
    soft, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (len(os.listdir(f"/proc/{pid}/fd")) + left, hard))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (soft, hard))


def test_out_of_files_it_lives_on_and_every_unit_is_billed(postgres_scene: Scene) -> None:
    scene = postgres_scene
    edge = scene.processes["edge-0"]
    client = scene.client()
    headers = {"Host": f"localhost:{scene.ports[0]}", "Authorization": f"Bearer {scene.token(client)}"}
    seen = scene.seen()
    kept = HTTPConnection("127.0.0.1", scene.ports[0], timeout=60)

    def call() -> int:
        kept.request("GET", "/eko/v1/echo", headers=headers)
        answer = kept.getresponse()
        answer.read()
        return answer.status

    assert call() == 200
    with ExitStack() as stack, files(edge.pid, LEFT):
        for _ in range(CROWD):
            stack.enter_context(socket.create_connection(("127.0.0.1", scene.ports[0]), 10))
        scene.database.reset()  # and now the ledger cannot be reached again
        # Who is in gets an answer; where a new connection to the service could not be made it is 502.
        assert {call() for _ in range(50)} <= {200, 502, 503}
        assert edge.poll() is None
    scene.until(lambda: call() == 200, "its callers are served again")
    scene.until(lambda: scene.ready()[1] == "ready", "and all of it is well")
    assert scene.token_request(client.client_id, client.secret, client.scopes).status_code == 200
    kept.close()
    scene.until(lambda: scene.ledger(client).get("served") == scene.seen() - seen, "each unit is billed")
    assert edge.poll() is None

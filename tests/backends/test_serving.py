"""Each backend as its own process: started, asked, stopped."""

from __future__ import annotations

import http.client
import json
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", ["vardenheter", "behov", "eko"])
def test_a_backend_runs_on_an_inherited_socket_and_stops_clean(name: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        process = subprocess.Popen(
            [sys.executable, "-m", f"backends.{name}", "--fd", str(listener.fileno())],
            cwd=ROOT,
            pass_fds=[listener.fileno()],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        try:
            # The socket listens already, so the call waits in its queue until the process takes it.
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            connection.request("GET", "/_count")
            response = connection.getresponse()
            answer = json.loads(response.read())
            connection.close()
            process.send_signal(signal.SIGTERM)
            output, errors = process.communicate(timeout=30)
        finally:
            process.kill()
            process.wait()
    assert answer == {"total": 0, "operations": {}}
    assert response.getheader("server") is None
    assert (process.returncode, output, errors) == (0, b"", b"")

"""`sluss demo` itself: a platform of its own, the whole main job, and nothing left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gateway.settings import environment_of
from tests.gateway.cli.terminal import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
COMMAND = [sys.executable, "-m", "gateway", "demo", "--json"]


def environment(folder: Path) -> dict[str, str]:
    return environment_of() | {"TMPDIR": str(folder)}


def platforms(folder: Path) -> list[int]:
    """Processes whose settings point into the folder."""
    found: list[int] = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            own = (process / "environ").read_bytes()
        except OSError:
            continue  # gone, or another user's
        if f"SLUSS_DATA_DIR={folder}".encode() in own and int(process.name) != os.getpid():
            found.append(int(process.name))
    return found


def test_every_step_does_what_it_should(tmp_path: Path) -> None:
    done = subprocess.run(
        COMMAND,
        env=environment(tmp_path),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    measured = json.loads(done.stdout)
    assert measured["quota"] == 500
    assert measured["revocation_seconds"] < 2
    assert measured["closing_seconds"] < 2
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []
    assert platforms(tmp_path) == []


@pytest.mark.skipif(sys.platform != "linux", reason="looks at processes in /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_demo_takes_its_platform_with_it(number: signal.Signals, tmp_path: Path) -> None:
    with subprocess.Popen(
        COMMAND,
        env=environment(tmp_path),
        cwd=ROOT,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        until = time.monotonic() + 120
        while not any(log.stat().st_size for log in tmp_path.glob("*/up.log")):  # the platform is on its way
            assert process.poll() is None
            assert time.monotonic() < until
            time.sleep(0.05)
        process.send_signal(number)
        _, said = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "Traceback" not in said
    assert platforms(tmp_path) == []
    assert list(tmp_path.iterdir()) == []

"""F13: a real small filesystem fills up below the database, the counters and the access log.

Needs to mount: root, or a user namespace of its own. Elsewhere it is skipped, which the summary shows.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from quota.counters.memory import MemoryCounters
from tests.faults.scene import Scene
from tests.parts import templates
from tests.quota.stage import ask, limits, summed, token

MEBIBYTE = 1 << 20


@contextmanager
def mounted(folder: Path, size: int) -> Iterator[Path]:
    """A filesystem in memory with so many bytes of room."""
    folder.mkdir()
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("NOT RUN: only root may mount the small filesystem that is filled up here")
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if done.returncode != 0:
        pytest.skip(f"NOT RUN: no small filesystem can be mounted here ({done.stderr.decode().strip()})")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """A file that takes all the room there is."""
    path = folder / "ballast"
    with open(path, "ab", buffering=0) as file:
        for piece in (64 * 1024, 512, 1):
            try:
                while True:
                    file.write(b"\0" * piece)
            except OSError:
                continue
    return path


def test_the_line_refuses_what_it_cannot_count_and_recovers_by_itself(
    tmp_path: Path, sqlite_template: Path
) -> None:
    """Known callers go on and are billed, new ones get 503, nobody crashes; with room again all is as before."""
    with mounted(tmp_path / "disk", 24 * MEBIBYTE) as disk:
        scene = Scene(tmp_path, templates.sqlite_copy(sqlite_template, disk / "sluss.db"))
        scene.environment["SLUSS_DATA_DIR"] = str(disk)
        (disk / "master.key").write_bytes((tmp_path / "data" / "master.key").read_bytes())
        (disk / "master.key").chmod(0o600)
        scene.environment["SLUSS_ACCESS_LOG"] = str(disk / "access.log")
        try:
            scene.start(control=True)
            known = scene.client()
            strangers = scene.clients(3)
            tokens = [scene.token(each) for each in strangers]
            mine = scene.token(known)
            assert scene.get("/eko/v1/echo", mine).status_code == 200
            scene.until(lambda: scene.ledger(known) == {"served": 1}, "the ledger")

            ballast = fill(disk)
            for _ in range(30):
                assert scene.get("/eko/v1/echo", mine).status_code == 200, "its counter has its place already"
            answers = [scene.get("/eko/v1/echo", each) for each in tokens]
            assert {answer.status_code for answer in answers} <= {200, 503}
            for answer in answers:
                if answer.status_code == 503:
                    assert answer.json()["code"] == "counters-unavailable"
                    assert int(answer.headers["Retry-After"]) >= 1
            assert "takes no writes" in scene.until_state("degraded")
            refused = scene.token_request(known.client_id, known.secret, known.scopes)
            assert refused.status_code in (200, 503), refused.text
            scene.until(lambda: scene.metric("sluss_access_log_lost") > 0, "lost records are counted")
            passed = 31

            scene.kill("edge-0")
            scene.start_edge()  # on the full disk: the files are there, so it comes up with what was counted
            assert scene.get("/eko/v1/echo", mine).status_code == 200
            passed += 1

            ballast.unlink()
            scene.until_state("ready")
            for each in tokens:
                assert scene.get("/eko/v1/echo", each).status_code == 200
            scene.until(
                lambda: scene.ledger(known) == {"served": passed}, "nothing that passed went unbilled"
            )
            scene.until(
                lambda: (
                    sum(scene.ledger(each).get("served", 0) for each in [known, *strangers]) == scene.seen()
                ),
                "what passed is what is billed",
            )
            for name in ("edge-0", "control"):
                assert "Traceback" not in scene.log(name), scene.log(name)
        finally:
            scene.close()


async def test_counters_on_a_full_disk_say_so_and_never_crash(tmp_path: Path) -> None:
    """Room for cells is reserved before it is touched, so a full disk is an answer and no SIGBUS."""
    plenty = limits(requests=0, per_day=10**6, per_month=10**6)
    with mounted(tmp_path / "disk", 3 * MEBIBYTE) as disk:
        counters = MemoryCounters(disk / "counters")
        await counters.start()
        ballast = fill(disk)
        refused = counted = 0
        for number in range(12_000):  # more than three times the cells that were reserved ahead
            which = limits(f"sub_{number}", requests=0, per_day=10)
            answer = await ask(counters, which)
            if answer.allowed:
                counters.keep(token(answer))
                counted += 1
            else:
                assert answer.limited_by == "unavailable"
                refused += 1
        assert refused > 0
        assert summed(counters.totals()).served == counted
        ballast.unlink()
        assert (await ask(counters, plenty)).allowed
        await counters.close()


def test_in_a_process_of_its_own_a_full_disk_is_no_signal(tmp_path: Path) -> None:
    """The same seen from outside: the process ends by itself, with status 0."""
    with mounted(tmp_path / "disk", 2 * MEBIBYTE) as disk:
        program = (
            "import asyncio, sys; from pathlib import Path; from quota.counters.cells import Cells;"
            "from quota.errors import CountersFull\n"
            "cells = Cells(Path(sys.argv[1]) / 'counters'); cells.open(); made = 0\n"
            "try:\n"
            "  for n in range(100_000):\n"
            "    word = cells.assign(('n', n)); cells.words[word + 7] = n; made += 1\n"
            "except CountersFull: print('full after', made)\n"
            "cells.close()\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", program, str(disk)],
            capture_output=True,
            text=True,
            check=False,
            cwd=Path.cwd(),
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith("full after"), (done.stdout, done.stderr)

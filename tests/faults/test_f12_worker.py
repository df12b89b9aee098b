"""F12: the worker is killed while both its jobs are at the database; nothing of it is left, the next one does it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from sqlalchemy import text

from quota.counters.cells import Cells
from quota.counters.memory import MemoryCounters
from quota.counters.protocol import Outcome, UsageKey
from storage import people, revocations, sessions
from storage.database import Database
from tests.faults import locks
from tests.faults.scene import Scene
from tests.line.platform import Client

Make = Callable[..., Scene]
Note = Callable[[str, object], None]

CALLS = 7  # in the counters of a process that is no longer started
LONG_AGO = 1_700_000_000


@pytest.mark.timeout(300)
def test_a_worker_killed_at_work_leaves_no_lock_and_no_half(
    make: Make, database_url: str, record_testsuite_property: Note
) -> None:
    scene = make(database_url=database_url)  # the worker alone: nothing else is started
    client = scene.client()
    scene.run(leave_work(scene, client))
    with held(scene) as at_work:
        start(scene)
        scene.wait(at_work, "worker")
        scene.kill("worker")
    if database_url.startswith("postgres"):
        scene.until(lambda: locks.sessions(database_url) == 0, "its connections end, and their transactions")
    assert scene.run(expired(scene)) == (1, 1), "what it had begun is undone, and not half"
    assert scene.ledger(client) == {}
    cells = Cells(folder_of(scene))
    cells.open()  # CountersLocked, if anything of it still held them
    cells.close()
    began = time.monotonic()
    start(scene)
    scene.wait(lambda: scene.run(expired(scene)) == (0, 0) and scene.ledger(client) != {}, "worker")
    record_testsuite_property("jobs done after", round(time.monotonic() - began, 2))
    assert scene.ledger(client) == {"refused": CALLS}
    scene.stop()
    assert "Traceback" not in scene.log("worker"), scene.log("worker")


def start(scene: Scene) -> None:
    scene.spawn("worker", [*scene.command, "serve", "worker"])


async def leave_work(scene: Scene, client: Client) -> None:
    """An expired session, an expired revocation, and usage that only a lost process's counters have."""
    database = Database(scene.database_url)
    async with database.begin() as session:
        person = await people.add(session, email="a@b.test", name="A", password_hash="-", now=LONG_AGO)
        await sessions.add(
            session, id_hash="h", person_id=person.id, csrf="c", expires_at=LONG_AGO, now=LONG_AGO
        )
        await revocations.add(
            session, jti="j", app_id=client.app_id, expires_at=LONG_AGO, reason="test", now=LONG_AGO
        )
    await database.close()
    counters = MemoryCounters(folder_of(scene))
    await counters.start()
    key = UsageKey(
        client.subscriptions["eko/v1"], client.organisation_id, client.app_id, "eko/v1", "getEcho", "prova", 1
    )
    for _ in range(CALLS):
        counters.record(key, Outcome.REFUSED)
    await counters.close()


def folder_of(scene: Scene) -> Path:
    return scene.folder / "data" / "counters" / "9"


@contextmanager
def held(scene: Scene) -> Iterator[Callable[[], bool]]:
    """Nobody can write for a while. Yields whether both jobs wait for it, as far as the database tells."""
    if scene.database_url.startswith("sqlite"):
        with locks.file(scene.database_url):
            yield lambda: in_use(scene)
    else:
        with locks.tables(scene.database_url, "revocations", "usage") as waiting:
            yield lambda: waiting() == 2  # one of them has taken sessions away and not committed it


async def expired(scene: Scene) -> tuple[int, int]:
    """Sessions and revocations there are."""
    database = Database(scene.database_url)
    async with database.read() as session:
        row = await session.execute(
            text("SELECT (SELECT count(*) FROM sessions), (SELECT count(*) FROM revocations)")
        )
        found = row.one()
    await database.close()
    return int(found[0]), int(found[1])


def in_use(scene: Scene) -> bool:
    """Has the worker opened the counters? Asked without touching their lock, which it would go past."""
    files = Path(f"/proc/{scene.processes['worker'].pid}/fd")
    with suppress(OSError):  # a file that is just being closed
        return any(str(file.readlink()).startswith(f"{folder_of(scene)}/") for file in files.iterdir())
    return False

"""`sluss cache purge`: a step in the change log that every edge follows, and an entry in the audit log."""

from __future__ import annotations

import asyncio

import pytest

from storage import audit, changes
from storage.changes import Step
from storage.database import Database
from tests.gateway.cli.terminal import Terminal


def done(terminal: Terminal) -> tuple[Step, tuple[str, str]]:
    """The newest step, and the newest entry."""

    async def read() -> tuple[Step, tuple[str, str]]:
        database = Database(f"sqlite:///{terminal.data / 'sluss.db'}")
        try:
            async with database.read() as session:
                version = await changes.current(session)
                steps = await changes.since(session, version - 1, version)
                entry = (await audit.latest(session, limit=1))[0]
                assert steps is not None
                return steps[0], (entry.act, entry.object_id)
        finally:
            await database.close()

    return asyncio.run(read())


@pytest.mark.parametrize(
    ("words", "subject", "shown"),
    [("", "", "*"), ("--api eko/v1", "eko/v1", "eko/v1"), ("--api eko", "eko", "eko")],
)
def test_a_purge_is_a_step_and_an_entry(terminal: Terminal, words: str, subject: str, shown: str) -> None:
    assert terminal.good(f"cache purge --json {words}").json == {"purged": shown}
    assert done(terminal) == (Step(changes.KEPT_ANSWERS, subject), ("cache.purge", shown))


def test_an_api_that_is_not_there_is_named_with_those_that_are(terminal: Terminal) -> None:
    outcome = terminal("cache purge --api ek")
    assert outcome.status == 1
    assert "eko/v1" in outcome.err

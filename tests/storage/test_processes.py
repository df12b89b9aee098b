"""Edge processes that live: how many, and for how long they count without a word."""

from __future__ import annotations

from storage.database import Database
from storage.usage import processes
from tests.storage.samples import NOW


async def test_those_that_were_heard_of_count(database: Database) -> None:
    async with database.begin() as session:
        assert await processes.seen(session, "one", NOW) == 1
        assert await processes.seen(session, "two", NOW) == 2
        assert await processes.seen(session, "one", NOW + processes.ALIVE_S) == 1, "of two nothing was heard"
        assert await processes.seen(session, "two", NOW + processes.ALIVE_S) == 2
        await processes.gone(session, "one")
        assert await processes.seen(session, "two", NOW + processes.ALIVE_S) == 1

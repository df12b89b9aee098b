"""Emptying the caches of kept answers."""

from __future__ import annotations

from console.management.operation import Answer, Call
from console.management.shapes import Confirmed, NewPurge
from console.services import kept_answers


async def purge(call: Call) -> Answer:
    api = call.body_as(NewPurge).api
    await kept_answers.purge(call.session, call.person, api, catalog=call.desk.catalog(), now=call.now)
    return Answer(Confirmed())

"""`sluss restored`: after the database was put back from a copy, what was given out before it is refused."""

from __future__ import annotations

import datetime

import click

from gateway.cli.accounts import now, transaction
from gateway.cli.output import json_option, run, show
from gateway.settings import load
from storage import apps, audit, sessions
from storage.proofs import sign_ins, single_use


@click.command()
@json_option
def restored(as_json: bool) -> None:
    """Say that the database was put back from a copy: every token issued and every session begun before now ends.

    What was withdrawn after the copy was made is unknown to it and lives again. This tells from when on.
    """

    async def work() -> dict[str, int]:
        async with transaction(load()) as session:
            at = now()
            newest = await audit.latest(session, limit=1)
            ended = await sessions.delete_all(session)
            await sign_ins.delete_all(session)
            await single_use.delete_all(session)
            refused = await apps.refuse_all_tokens(session, at + 1)
            await audit.append(
                session,
                at=at,
                actor_kind="system",
                actor_id="sluss restored",
                act="database.restored",
                object_kind="database",
                object_id="",
                organisation_id=None,
                request_id="",
                ip="",
                after={"apps": refused, "sessions": ended},
            )
            return {"apps": refused, "sessions": ended, "newest_entry": newest[0].at if newest else 0}

    found = run(work())
    since = datetime.datetime.fromtimestamp(found["newest_entry"], datetime.UTC).isoformat(" ")
    show(
        found,
        as_json,
        f"tokens of {found['apps']} apps and {found['sessions']} sessions ended\n"
        f"The newest act in the copy is of {since}. Withdraw again what was withdrawn after that: secrets and "
        "personal tokens that were revoked, apps that were suspended, subscriptions that were closed, people who left.",
    )

"""`sluss keys`: the keys that sign access tokens. Their life is `auth.tokens.signing`."""

from __future__ import annotations

from typing import Any

import click
from sqlalchemy.ext.asyncio import AsyncSession

from auth.origin import system
from auth.tokens import signing, vault
from gateway.cli import master_key
from gateway.cli.accounts import now, reading, transaction
from gateway.cli.output import json_option, run, show, table
from gateway.settings import Settings, load
from storage import signing_keys

ORIGIN = system("sluss keys rotate")
COLUMNS = ("kid", "algorithm", "state")


@click.group()
def keys() -> None:
    """The keys that sign access tokens."""


@keys.command("rotate")
@click.option(
    "--lost-master-key",
    is_flag=True,
    help="The master key is lost for good: make one where there is none and replace every key it cannot open. "
    "Start the platform anew afterwards.",
)
@json_option
def keys_rotate(lost_master_key: bool, as_json: bool) -> None:
    """Let the next key sign from now on; the old one stays published until its last token is dead."""
    settings = load()

    async def work() -> list[dict[str, Any]]:
        async with transaction(settings) as session:
            if lost_master_key:
                await _past_the_lost(session, settings)
            else:
                master = await master_key.fitting(session, settings)
                await signing.rotate(session, master, now(), ORIGIN)
            return await _published(session)

    _show(run(work()), as_json)


async def _past_the_lost(session: AsyncSession, settings: Settings) -> None:
    """The next key is sealed as the active one is: only the one after it can be opened again."""
    master = vault.load_or_create_master_key(settings.master_key_path)
    await signing.rotate(session, master, now(), ORIGIN)
    if not await master_key.usable(session, master):
        await signing.rotate(session, master, now(), ORIGIN)


@keys.command("list")
@json_option
def keys_list(as_json: bool) -> None:
    """Every published key with its state."""

    async def work() -> list[dict[str, Any]]:
        async with reading(load()) as session:
            return await _published(session)

    _show(run(work()), as_json)


async def _published(session: AsyncSession) -> list[dict[str, Any]]:
    rows = await signing_keys.all_published(session)
    return [{"kid": row.kid, "algorithm": row.algorithm, "state": row.state} for row in rows]


def _show(rows: list[dict[str, Any]], as_json: bool) -> None:
    show(rows, as_json, table(COLUMNS, [[row[name] for name in COLUMNS] for row in rows]))

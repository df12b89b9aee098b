"""`sluss cache`: the answers that edge processes keep. What may be kept stands in the publications."""

from __future__ import annotations

import click

from console.services import kept_answers
from gateway.catalog import load as catalog_load
from gateway.cli.accounts import HOST, now, transaction
from gateway.cli.output import json_option, run, show
from gateway.settings import load


@click.group()
def cache() -> None:
    """Kept answers."""


@cache.command("purge")
@click.option("--api", metavar="ID", help="Only of this API: behov/v1, or behov for all its versions.")
@json_option
def cache_purge(api: str | None, as_json: bool) -> None:
    """Empty the cache of every edge process, and let no answer under way be kept."""
    settings = load()
    catalog = catalog_load.load(settings.catalog, settings.upstream_variables)

    async def work() -> None:
        async with transaction(settings) as session:
            await kept_answers.purge(session, HOST, api, catalog=catalog, now=now())

    run(work())
    what = f"what is kept of {api}" if api else "everything that is kept"
    show({"purged": api or kept_answers.ALL}, as_json, f"Edge processes drop {what} within a second.")

"""`sluss migrate`: the tables."""

from __future__ import annotations

import click

from gateway.cli import schema
from gateway.cli.output import json_option, show
from gateway.settings import load
from storage import migrate as migrations


@click.command()
@json_option
def migrate(as_json: bool) -> None:
    """Bring the database to this version's tables. Safe to repeat, safe beside the previous version."""
    settings = load()
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    before = schema.revision(settings)
    migrations.upgrade(settings.database_url)
    after = migrations.current(settings.database_url)
    text = f"database at {after}" + ("" if before != after else ", as before")
    show({"before": before, "after": after}, as_json, text)

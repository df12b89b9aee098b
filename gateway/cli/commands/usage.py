"""`sluss usage`: what the ledger has. The counters of a running edge reach it within a second."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

import click

from console.services import periods
from console.services import usage as usage_service
from gateway.cli.accounts import HOST, now, organisation_named, reading
from gateway.cli.output import json_option, run, show, table
from gateway.settings import load

COLUMNS = {"app": "app_id", "subscription": "subscription_id", "hour": "at", "day": "at"}


@click.group()
def usage() -> None:
    """Usage as the ledger has it."""


def _groups(ctx: click.Context, param: click.Parameter, value: str) -> tuple[str, ...]:
    groups = tuple(dict.fromkeys(filter(None, (part.strip() for part in value.split(",")))))
    if wrong := set(groups) - set(usage_service.GROUPS):
        raise click.BadParameter(f"unknown groups {', '.join(sorted(wrong))}", ctx, param)
    if {"hour", "day"} <= set(groups):
        raise click.BadParameter("choose hour or day", ctx, param)
    return groups


@usage.command("show")
@click.option("--org", "organisation", required=True, help="Name of the organisation.")
@click.option(
    "--from", "start", default=None, help="First day, as 2026-11-01; default the first of this month."
)
@click.option("--to", "end", default=None, help="Last day; default today.")
@click.option(
    "--by",
    "groups",
    default="api,outcome",
    show_default=True,
    callback=_groups,
    help=f"Groups: {', '.join(usage_service.GROUPS)}.",
)
@json_option
def usage_show(
    organisation: str, start: str | None, end: str | None, groups: Sequence[str], as_json: bool
) -> None:
    """Units and calls of an organisation."""
    period = periods.read(start, end, now())
    if period is None:
        raise click.UsageError(
            "--from and --to must be dates such as 2026-11-01, the first before the last, "
            f"at most {periods.LONGEST_DAYS} days"
        )

    async def work() -> list[dict[str, Any]]:
        async with reading(load()) as session:
            owner = await organisation_named(session, organisation)
            found = await usage_service.figures(session, HOST, owner.id, period, by=groups)
            return [asdict(figure) for figure in found]

    rows = run(work())
    columns = [*(COLUMNS.get(group, group) for group in groups), "units", "calls"]
    show(rows, as_json, table(columns, [[_cell(name, row[name]) for name in columns] for row in rows]))


def _cell(name: str, value: Any) -> str:
    if name == "at" and value is not None:
        return datetime.fromtimestamp(value, periods.ZONE).strftime("%Y-%m-%d %H:%M")
    return "" if value is None else str(value)

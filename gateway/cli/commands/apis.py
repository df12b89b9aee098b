"""Commands of API owners: what is published, whether a publication is sound, publish, retire."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from gateway.catalog import lint, publish
from gateway.catalog import load as catalog_load
from gateway.catalog.answers.brownouts import written
from gateway.catalog.errors import Severity
from gateway.catalog.model import Catalog
from gateway.cli.accounts import now
from gateway.cli.output import Failure, json_option, listed, show, table
from gateway.settings import load

FOLDER = click.Path(exists=True, file_okay=False, resolve_path=True, path_type=Path)


def _catalogue() -> Catalog:
    settings = load()
    return catalog_load.load(settings.catalog, settings.upstream_variables)


@click.group()
def api() -> None:
    """Published APIs."""


@api.command("list")
@json_option
def api_list(as_json: bool) -> None:
    """Every published API with version, status, plans, last day and coming brown-outs (Swedish time)."""
    catalog = _catalogue()
    rows: list[dict[str, Any]] = [
        {
            "api": found.key,
            "version": found.version,
            "status": str(found.status),
            "family": str(found.family),
            "operations": len(found.operations),
            "plans": list(found.plans),
            "deprecated": found.deprecated,
            "sunset": found.sunset,
            "brownouts": [
                {"from": written(each.start), "to": written(each.end)}
                for each in found.answers.brownouts
                if each.end > now()
            ],
        }
        for found in catalog.apis.values()
    ]
    columns = ("api", "version", "status", "family", "operations", "plans", "sunset", "brownouts")
    cells = [[_cell(name, row[name]) for name in columns] for row in rows]
    show(rows, as_json, table(columns, cells))


def _cell(name: str, value: Any) -> str:
    if name == "brownouts":
        return ", ".join(f"{each['from'][:16]}-{each['to'][11:16]}" for each in value)
    return ", ".join(value) if name == "plans" else "" if value is None else str(value)


@api.command("lint")
@click.argument("folder", type=FOLDER)
@json_option
def api_lint(folder: Path, as_json: bool) -> None:
    """Report every fault of a publication with file and line; status 1 when one of them is an error."""
    faults = lint.lint(folder, load().upstream_variables)
    rows = [asdict(fault) | {"file": str(fault.file), "severity": str(fault.severity)} for fault in faults]
    show(rows, as_json, "\n".join(map(str, faults)) or f"{folder}: no faults")
    errors = sum(fault.severity is Severity.ERROR for fault in faults)
    if errors:
        raise Failure(f"{errors} {'error' if errors == 1 else 'errors'} in {folder}")


@api.command("publish")
@click.argument("folder", type=FOLDER)
@click.option(
    "--to",
    "target",
    type=click.Path(file_okay=False, resolve_path=True, path_type=Path),
    help="Catalogue folder; default the first of SLUSS_CATALOG.",
)
@json_option
def api_publish(folder: Path, target: Path | None, as_json: bool) -> None:
    """Check a publication and put it into the catalogue; a running edge takes it within two seconds."""
    settings = load()
    into = target or settings.catalog[0]
    placed = publish.publish(folder, into, settings.upstream_variables)
    row = {"api": placed.key, "version": placed.version, "status": str(placed.status), "catalogue": str(into)}
    show(row, as_json, f"{placed.key} {placed.version} is published in {into}")


@api.command("retire")
@click.argument("name")
@json_option
def api_retire(name: str, as_json: bool) -> None:
    """Set an API version (as `behov/v1`) to retired: its calls are answered 410 from then on."""
    catalog = _catalogue()
    found = catalog.apis.get(name)
    if found is None:
        raise Failure(f"there is no API {name!r}; published are: {listed(list(catalog.apis))}")
    publish.retire(found.folder)
    show({"api": name, "status": "retired"}, as_json, f"{name} is retired")


@click.group()
def plan() -> None:
    """Plans."""


@plan.command("list")
@json_option
def plan_list(as_json: bool) -> None:
    """Every version of every plan with its limits and prices (öre)."""
    catalog = _catalogue()
    rows = [
        {
            "plan": found.key,
            "name": found.name.en,
            "fee": found.fee,
            "rate": f"{found.rate.requests}/{found.rate.seconds} s, burst {found.rate.burst}"
            if found.rate
            else "",
            "per_day": found.per_day,
            "per_month": found.per_month,
            "at_end": str(found.at_end),
            "environments": sorted(map(str, found.environments)),
        }
        for found in catalog.plans.values()
    ]
    columns = ("plan", "name", "fee", "rate", "per_day", "per_month", "at_end")
    show(rows, as_json, table(columns, [["" if row[c] is None else row[c] for c in columns] for row in rows]))

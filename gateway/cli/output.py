"""What commands share in speaking to people and machines."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

import click

T = TypeVar("T")

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")


class Failure(Exception):
    """A command could not do its work; the sentence says why and how to mend it."""


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


def show(value: Any, as_json: bool, text: str) -> None:
    """Print `value` as one JSON document, or `text`."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2) if as_json else text)


def listed(names: Sequence[str]) -> str:
    return ", ".join(sorted(names)) or "none"


def table(headings: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Columns wide enough for their content; an empty table says so."""
    if not rows:
        return "(none)"
    cells = [list(map(str, row)) for row in rows]
    widths = [max(map(len, column)) for column in zip(headings, *cells, strict=True)]
    lines = [headings, ["-" * width for width in widths], *cells]
    return "\n".join(
        "  ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)).rstrip() for line in lines
    )

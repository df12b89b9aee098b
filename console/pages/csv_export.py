"""Usage figures as CSV (RFC 4180) that a spreadsheet cannot be tricked with."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from console.services.usage import Figure

COLUMNS = ("from", "app", "appName", "api", "operation", "outcome", "units", "calls")
# A spreadsheet runs a cell that begins like this (CSV injection, OWASP); an apostrophe makes it text.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def neutral(cell: str) -> str:
    return f"'{cell}" if cell.lstrip(" ").startswith(_FORMULA) else cell


def write(figures: Iterable[Figure], app_names: Mapping[str, str]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL)
    writer.writerow(COLUMNS)
    for figure in figures:
        at = (
            "" if figure.at is None else datetime.fromtimestamp(figure.at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        )
        texts = (
            at,
            figure.app_id or "",
            app_names.get(figure.app_id or "", ""),
            figure.api or "",
            figure.operation or "",
            figure.outcome or "",
        )
        writer.writerow([*map(neutral, texts), str(figure.units), str(figure.calls)])
    return out.getvalue()

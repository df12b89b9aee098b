"""From an exception to what the terminal is told: a stable code, why, and how to mend it.

Owns the list of everything that a person, a file or another program can bring about. What is not listed is a
fault of ours and keeps its traceback. The host may read the database anyway, so private detail is shown here.
"""

from __future__ import annotations

import json

import click
from alembic.util.exc import CommandError

from auth.errors import AuthError
from console.errors import ConsoleError
from gateway.app import CannotStart
from gateway.catalog.errors import CatalogError, CatalogFaults
from gateway.cli.output import Failure
from gateway.settings import SettingsFault
from portal_docs.build import BuildFailed
from quota.errors import QuotaError
from storage.errors import Busy, StorageError, Unavailable

EXPECTED: tuple[type[Exception], ...] = (
    Failure,
    click.ClickException,
    SettingsFault,
    CatalogError,
    ConsoleError,
    StorageError,
    AuthError,
    QuotaError,
    CannotStart,
    BuildFailed,
    CommandError,
    OSError,
)


def report(error: Exception, as_json: bool) -> None:
    """Write the fault to stderr: one sentence and what belongs to it, or one JSON object."""
    code, message = explain(error)
    if as_json:
        click.echo(json.dumps({"error": {"code": code, "message": message}}, ensure_ascii=False), err=True)
    else:
        click.echo(f"sluss: {message}", err=True)


def explain(error: Exception) -> tuple[str, str]:
    """Code and sentence of an expected fault."""
    match error:
        case SettingsFault():
            return "settings", "the settings are wrong:\n" + "\n".join(f"  {text}" for text in error.faults)
        case CatalogFaults():
            return error.code, f"the catalogue is faulty; mend these and try again:\n{error}"
        case CatalogError() | ConsoleError() | StorageError() | AuthError() | QuotaError():
            return error.code, _by_class(error)
        case CommandError():
            return "migrations", f"the database cannot be migrated: {error}; was it made by a newer version?"
        case OSError():
            return "system", _of_system(error)
        case click.ClickException():
            return "failed", error.format_message()
        case CannotStart():
            cause = error.__cause__  # knows more than the sentence made of it
            if isinstance(cause, StorageError | QuotaError):
                return "cannot-start", _by_class(cause)
            return "cannot-start", str(error)
    return "failed", str(error)


def _by_class(error: CatalogError | ConsoleError | StorageError | AuthError | QuotaError) -> str:
    lines = [error.en]
    if isinstance(error, ConsoleError):
        lines += [f"  {fault.name}: {fault.en}" for fault in error.fields]
        if error.fields:
            return "\n".join(lines)
    if detail := str(error):
        lines[0] += f" ({detail})"
    if isinstance(error, Unavailable):
        lines.append(
            "Another process holds the database for long; try again, or look for one that hangs."
            if isinstance(error, Busy)
            else "Check SLUSS_DATABASE_URL and that the database runs; `sluss doctor` tells more."
        )
    return "\n".join(lines)


def _of_system(error: OSError) -> str:
    reason = error.strerror or str(error) or type(error).__name__
    return f"{error.filename}: {reason}" if error.filename else reason

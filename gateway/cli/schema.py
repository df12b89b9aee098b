"""Whether the database has the tables this version needs, asked before the first statement is sent to it."""

from __future__ import annotations

from pathlib import Path

from gateway.cli.output import Failure
from gateway.settings import Settings, load
from storage.dialects import engines
from storage.migrations import revisions


def migrated() -> Settings:
    """The settings of a process that is to serve. Raises SettingsFault, Failure, StorageError."""
    settings = load()
    demand_migrated(settings)
    return settings


def demand_migrated(settings: Settings) -> None:
    """Raises Failure when tables are missing or older than this version needs, StorageError when it is away.

    A database that a newer version has migrated passes: the release before goes on beside it.
    """
    at = revision(settings)
    if at is None:
        raise Failure("the database has no tables yet; run `sluss migrate` (`sluss up` does it by itself)")
    if is_older(at):
        raise Failure(
            f"the database is at {at}, this version needs {revisions.head()}; run `sluss migrate` first"
        )


def revision(settings: Settings) -> str | None:
    """The revision of the database; None for none. Asking makes no file where there is none."""
    parsed = engines.parse(settings.database_url)
    if parsed.get_backend_name() == "sqlite" and not Path(str(parsed.database)).exists():
        return None
    return revisions.current(settings.database_url)


def is_older(at: str) -> bool:
    return at in revisions.known() and at != revisions.head()

"""Whether the database has the tables this version needs, asked before the first statement is sent to it."""

from __future__ import annotations

from pathlib import Path

from alembic.script import ScriptDirectory

from gateway.cli.output import Failure
from gateway.settings import Settings
from storage import migrate
from storage.dialects import engines


def demand_migrated(settings: Settings) -> None:
    """Raises Failure when tables are missing or older than this version needs, StorageError when it is away.

    A database that a newer version has migrated passes: the release before goes on beside it.
    """
    at = revision(settings)
    if at is None:
        raise Failure("the database has no tables yet; run `sluss migrate` (`sluss up` does it by itself)")
    if is_older(at):
        raise Failure(
            f"the database is at {at}, this version needs {migrate.head()}; run `sluss migrate` first"
        )


def revision(settings: Settings) -> str | None:
    """The revision of the database; None for none. Asking makes no file where there is none."""
    parsed = engines.parse(settings.database_url)
    if parsed.get_backend_name() == "sqlite" and not Path(str(parsed.database)).exists():
        return None
    return migrate.current(settings.database_url)


def is_older(at: str) -> bool:
    known = {
        script.revision for script in ScriptDirectory.from_config(migrate.configuration()).walk_revisions()
    }
    return at in known and at != migrate.head()

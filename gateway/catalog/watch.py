"""Noticing that publications have changed. Cheap to ask often: only names, sizes and times are looked at."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from gateway.catalog.errors import CatalogFaults
from gateway.catalog.load import DEEPEST_FOLDER, Loader
from gateway.catalog.model import Catalog
from gateway.catalog.plans import PLANS_FILE, check_plan_history
from gateway.catalog.publication import API_FILE, FILES

Signature = tuple[tuple[str, int, int, int], ...]


def _stamp(file: str) -> tuple[str, int, int, int] | None:
    try:
        status = os.stat(file)
    except OSError:
        return None
    # The inode tells a swapped link or renamed file apart even within one tick of the clock.
    return (file, status.st_mtime_ns, status.st_size, status.st_ino)


def signature(folders: Sequence[Path], further: frozenset[Path] = frozenset()) -> Signature:
    """Differs when a file of a publication, a plans.yaml or one of the `further` files was written, swapped, added
    or removed.

    Asked every second while calls are served, so it is texts and one question to the kernel for each file: 2 ms
    for 200 publications where paths as objects took 20.
    """
    stamps = [_stamp(str(file)) for file in sorted(further)]
    for root in folders:
        plans = [stamp for folder in _walk(str(root), stamps) if (stamp := _stamp(f"{folder}/{PLANS_FILE}"))]
        if not plans:
            stamps.extend(_stamp(str(place / PLANS_FILE)) for place in root.absolute().parents)
        stamps.extend(plans)
    return tuple(stamp for stamp in stamps if stamp is not None)


def _walk(root: str, stamps: list[tuple[str, int, int, int] | None]) -> Iterator[str]:
    """Every folder where plans may stand. Adds the stamps of the publications' own files; the same folders as
    `load.publication_folders` finds.
    """
    waiting = [(root, 0)]
    while waiting:
        folder, depth = waiting.pop()
        yield folder
        publication = _stamp(f"{folder}/{API_FILE}")
        if publication is not None:
            stamps.append(publication)
            stamps.extend(_stamp(f"{folder}/{name}") for name in FILES if name != API_FILE)
        elif depth < DEEPEST_FOLDER:
            with suppress(OSError), os.scandir(folder) as entries:
                waiting.extend(
                    sorted(
                        (entry.path, depth + 1)
                        for entry in entries
                        if not entry.name.startswith((".", "__")) and entry.is_dir()
                    )
                )


class Watcher:
    """Keeps the last good catalogue. `poll` reads files; call it from a thread when the loop must not
    wait."""

    def __init__(self, folders: Sequence[Path], variables: Mapping[str, str]) -> None:
        self._loader = Loader(folders, variables)
        self._signature: Signature | None = None
        self._catalog: Catalog | None = None
        self._faulty = False

    def load(self) -> Catalog:
        """The first reading. Raises CatalogFaults."""
        before = signature(self._loader.folders)
        self._catalog = self._loader.load()
        self._signature = before + signature((), self._loader.further)
        return self._catalog

    def poll(self) -> Catalog | CatalogFaults | None:
        """A new catalogue, the faults of what was written, or None when nothing is new.

        Faults come once for each change; the catalogue before stays in force, and comes again, the same object,
        when the files go back to it.
        """
        # Taken before reading: what is written meanwhile makes the next signature differ.
        now = signature(self._loader.folders)
        if now + signature((), self._loader.further) == self._signature:
            return None
        try:
            catalog = self._loader.load()
            self._refuse_changed_plans(catalog)
        except CatalogFaults as faults:
            self._faulty = True
            return faults
        finally:
            self._signature = now + signature((), self._loader.further)
        mended, self._faulty = self._faulty, False
        if self._catalog is not None and catalog.digest == self._catalog.digest:
            return self._catalog if mended else None
        self._catalog = catalog
        return catalog

    def _refuse_changed_plans(self, catalog: Catalog) -> None:
        changed = check_plan_history(self._catalog, catalog) if self._catalog is not None else []
        if changed:
            raise CatalogFaults(changed)

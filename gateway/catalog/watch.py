"""Noticing that publications have changed. Cheap to ask often: only names, sizes and times are looked at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from gateway.catalog.errors import CatalogFaults
from gateway.catalog.load import Loader, plan_files_for, publication_folders
from gateway.catalog.model import Catalog
from gateway.catalog.plans import check_plan_history
from gateway.catalog.publication import FILES

Signature = tuple[tuple[str, int, int, int], ...]


def _stamp(file: Path) -> tuple[str, int, int, int] | None:
    try:
        status = file.stat()
    except OSError:
        return None
    # The inode tells a swapped link or renamed file apart even within one tick of the clock.
    return (str(file), status.st_mtime_ns, status.st_size, status.st_ino)


def signature(folders: Sequence[Path], further: frozenset[Path] = frozenset()) -> Signature:
    """Differs when a file of a publication, a plans.yaml or one of the `further` files was written, swapped, added
    or removed.
    """
    stamps: list[tuple[str, int, int, int] | None] = []
    for root in folders:
        found = list(publication_folders(root))
        files = [folder / name for folder in found for name in FILES]
        stamps.extend(_stamp(file) for file in (*files, *plan_files_for(root, found)))
    stamps.extend(_stamp(file) for file in sorted(further))
    return tuple(stamp for stamp in stamps if stamp is not None)


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

"""Folders of publications → one frozen `Catalog`, or every fault in them at once.

A publication is a folder with `api.yaml` and `openapi.yaml`; plans stand in a `plans.yaml` beside them or
in a folder above. Owns finding, joining and cross-checking; what one folder means is `publication`'s and
`plans`'.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from gateway.catalog import plans as plan_files
from gateway.catalog import publication
from gateway.catalog.errors import CatalogFaults, Fault, Severity
from gateway.catalog.model import Api, Catalog, Plan
from gateway.catalog.publication import API_FILE, Read
from gateway.catalog.source import document

DEEPEST_FOLDER = 4
MOST_PUBLICATIONS = 2000


def publication_folders(root: Path) -> Iterator[Path]:
    """Folders below `root` (itself included) that hold an api.yaml. Hidden folders are left alone.

    Links to folders are followed, because publishing swaps links; the depth bounds a circle of them.
    """
    waiting = [(root, 0)]
    while waiting:
        folder, depth = waiting.pop(0)
        if (folder / API_FILE).exists():
            yield folder
            continue
        if depth >= DEEPEST_FOLDER:
            continue
        try:
            with os.scandir(folder) as entries:
                below = sorted(
                    entry.name
                    for entry in entries
                    if not entry.name.startswith((".", "__")) and entry.is_dir()
                )
        except OSError:
            continue
        waiting.extend((folder / name, depth + 1) for name in below)


def plan_files_for(root: Path, folders: Sequence[Path]) -> list[Path]:
    """Every plans.yaml from the publications up to the catalogue's root; where there is none, the nearest
    above."""
    found: list[Path] = []
    places = {place for folder in (root, *folders) for place in (folder, *folder.parents)}
    within = sorted(place for place in places if place == root or root in place.parents)
    found.extend(
        place / plan_files.PLANS_FILE for place in within if (place / plan_files.PLANS_FILE).exists()
    )
    if not found:
        above = (place / plan_files.PLANS_FILE for place in root.absolute().parents)
        nearest = next((file for file in above if file.exists()), None)
        found.extend([nearest] if nearest is not None else [])
    return found


class Loader:
    """Loads again and again, and judges anew only the folders whose bytes have changed.

    Two hundred APIs take seconds to parse and milliseconds to hash; an edge must take a change within 2 s.
    """

    def __init__(self, folders: Sequence[Path], variables: Mapping[str, str]) -> None:
        self.folders = tuple(folders)
        self._variables = dict(variables)
        self._known: dict[tuple[Path, str], Read] = {}
        self.further: frozenset[Path] = frozenset()  # files the publications name beside their own

    def read(self) -> tuple[list[Read], Catalog, list[Fault]]:
        """All that could be read, with all faults; the catalogue holds only what is without fault."""
        joining = Joining()
        reads: list[Read] = []
        for root in self.folders:
            if not root.is_dir():
                joining.faults.append(Fault(root, 0, 0, "", "there is no such folder; correct the setting"))
                continue
            folders = list(publication_folders(root))
            for file in plan_files_for(root, folders):
                joining.add_plans(file)
            reads.extend(self._one(folder) for folder in folders)
        if len(reads) > MOST_PUBLICATIONS:
            joining.faults.append(
                Fault(self.folders[0], 0, 0, "", f"more than {MOST_PUBLICATIONS} publications")
            )
            reads = reads[:MOST_PUBLICATIONS]
        for each in reads:
            joining.add_publication(each)
        self.further = frozenset(file for each in reads for file in each.files)
        self._known = {(each.sources.folder, each.sources.digest): each for each in reads}
        return reads, joining.catalog(), joining.faults

    def load(self) -> Catalog:
        """Raises CatalogFaults."""
        _, catalog, faults = self.read()
        errors = [fault for fault in faults if fault.severity is Severity.ERROR]
        if errors:
            raise CatalogFaults(errors)
        return catalog

    def _one(self, folder: Path) -> Read:
        files = publication.read_files(folder)
        known = self._known.get((folder, files.digest))
        if known is not None and not known.files:  # further files may have changed: judged anew each time
            return known
        return publication.build(publication.parse(files), self._variables)


class Joining:
    """Publications and plans brought together, with the faults that only show then."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self._apis: dict[str, Api] = {}
        self._plans: dict[str, Plan] = {}
        self._places: dict[str, tuple[Path, int]] = {}
        self._digests: list[str] = []
        self._plan_files: set[Path] = set()
        self._all_plans_known = True

    def add_plans(self, file: Path) -> None:
        if file.resolve() in self._plan_files:
            return
        self._plan_files.add(file.resolve())
        content = document.content_of(file)
        if isinstance(content, bytes):
            self._digests.append(f"plans {hashlib.sha256(content).hexdigest()}")
        read = document.of(file, content)
        found, pointers, faults = plan_files.build(read)
        self.faults.extend(faults)
        self._all_plans_known = self._all_plans_known and not faults
        for key, plan in found.items():
            if key in self._plans and self._plans[key] != plan:
                other, line = self._places[key]
                self.faults.append(
                    read.fault(pointers[key], f"{key} stands otherwise in {other}:{line}; raise the version")
                )
                continue
            self._plans[key] = plan
            self._places[key] = (file, read.position(pointers[key])[0])

    def add_publication(self, read: Read) -> None:
        self.faults.extend(read.faults)
        self._digests.append(f"api {read.sources.digest}")
        api = read.api
        if api is None:
            return
        other = self._apis.get(api.key)
        if other is not None:
            self.faults.append(
                read.sources.api.fault(
                    "/id", f"{api.key} is published in {other.folder} too; keep one of them"
                )
            )
            return
        self._apis[api.key] = api
        known = {plan.id for plan in self._plans.values()}
        for number, plan in enumerate(api.plans):
            if plan not in known and self._all_plans_known:
                self.faults.append(
                    read.sources.api.fault(f"/plans/{number}", f"there is no plan {plan!r} in a plans.yaml")
                )

    def catalog(self) -> Catalog:
        digest = hashlib.sha256("\n".join(self._digests).encode()).hexdigest()
        return Catalog(
            apis=MappingProxyType(dict(sorted(self._apis.items()))),
            plans=MappingProxyType(self._plans),
            digest=digest,
            current_plans=MappingProxyType(plan_files.newest(self._plans)),
            plan_places=MappingProxyType(self._places),
        )


def load(folders: Sequence[Path], variables: Mapping[str, str]) -> Catalog:
    """Raises CatalogFaults with every fault of every file."""
    return Loader(folders, variables).load()

"""Faults of publications.

    CatalogError
    ├── CatalogFaults     files that cannot be taken, every fault of every file at once
    ├── NothingPublished  the named folder holds no publication
    └── NotReplaceable    a publication cannot be written where it was asked to be

A fault is a value, not an exception: reading goes on after it, so that one run tells all of them. Errors
stop a snapshot; warnings (the REST profile of DIGG) never do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import ClassVar


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One thing to mend: `file:line:column`, the JSON pointer of the value, and a sentence saying how.

    `line` and `column` count from 1; both are 0 when the fault is about the file as a whole.
    """

    file: Path
    line: int
    column: int
    pointer: str
    message: str
    severity: Severity = Severity.ERROR
    rule: str = ""  # id of a DIGG rule, when one is broken

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else str(self.file)
        rule = f" [{self.rule}]" if self.rule else ""
        return f"{place}: {self.severity}{rule}: {self.message}"


class CatalogError(Exception):
    code: ClassVar[str] = "catalog"
    sv: ClassVar[str] = "Publiceringarna kunde inte läsas."
    en: ClassVar[str] = "The publications could not be read."


class CatalogFaults(CatalogError):
    """Raised by `load` with every fault found; `faults` is never empty."""

    code: ClassVar[str] = "catalog-faults"
    sv: ClassVar[str] = "Publiceringarna har fel som måste rättas."
    en: ClassVar[str] = "The publications have faults that must be mended."

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults: tuple[Fault, ...] = tuple(sorted(set(faults)))
        super().__init__("\n".join(str(fault) for fault in self.faults))


class NothingPublished(CatalogError):
    code: ClassVar[str] = "nothing-published"
    sv: ClassVar[str] = "Mappen innehåller ingen publicering."
    en: ClassVar[str] = "The folder holds no publication."

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        super().__init__(f"{folder}: no api.yaml with an openapi.yaml beside it")


class NotReplaceable(CatalogError):
    code: ClassVar[str] = "not-replaceable"
    sv: ClassVar[str] = "Publiceringen kunde inte skrivas."
    en: ClassVar[str] = "The publication could not be written."

    def __init__(self, path: Path, reason: str) -> None:
        self.path = path
        super().__init__(f"{path}: {reason}")

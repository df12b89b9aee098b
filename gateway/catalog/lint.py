"""Every fault of a folder of publications, and every broken rule of the REST profile: `sluss api lint
FOLDER`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from gateway.catalog.errors import Fault, Severity
from gateway.catalog.load import Loader
from gateway.catalog.publication import OPENAPI_FILE, Read
from gateway.catalog.rules.profile import warnings
from gateway.catalog.rules.subject import Subject

# Rules that are errors here, because the gateway builds on them.
_RULE_AT = {"/info/version": "VER.04"}


def lint(folder: Path, variables: Mapping[str, str] | None = None) -> list[Fault]:
    """Sorted by file and line. A folder without any publication is a fault, not silence."""
    reads, _, faults = Loader([folder], variables or {}).read()
    if not reads and not faults:
        faults = [Fault(folder, 0, 0, "", "no publication here: api.yaml with openapi.yaml beside it")]
    found = [_with_rule(fault) for fault in faults]
    for read in reads:
        found.extend(_warnings(read))
    return sorted(set(found))


def _with_rule(fault: Fault) -> Fault:
    if fault.file.name == OPENAPI_FILE and fault.pointer in _RULE_AT:
        return replace(fault, rule=_RULE_AT[fault.pointer])
    return fault


def _warnings(read: Read) -> list[Fault]:
    """A publication with errors is judged by the profile once they are mended."""
    if read.api is None or any(fault.severity is Severity.ERROR for fault in read.faults):
        return []
    sources = read.sources
    return list(warnings(Subject(sources.openapi, sources.api, read.api.family, read.sv)))

"""Putting a publication into a catalogue folder, and retiring one. A half-written publication is never
visible.

A published folder is a link `behov-v1` → `.releases/behov-v1-<digest>`; a new release is written beside the
old one and the link swapped in one rename. A folder that someone keeps by hand (the reference backends)
gets its files replaced one by one, `api.yaml` last; the edge keeps its snapshot if it reads in between.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

from gateway.catalog.errors import CatalogFaults, Fault, NothingPublished, NotReplaceable, Severity
from gateway.catalog.load import Joining, Loader, plan_files_for
from gateway.catalog.model import Api, Status
from gateway.catalog.plans import PLANS_FILE, check_plan_history
from gateway.catalog.publication import API_FILE, FILES, Read
from gateway.catalog.source import document

RELEASES = ".releases"


def publish(source: Path, catalog_dir: Path, variables: Mapping[str, str]) -> Api:
    """Checks `source` together with what is already published, then makes it visible.

    Raises CatalogFaults when it has faults, NothingPublished and NotReplaceable.
    """
    if not (source / API_FILE).exists():
        raise NothingPublished(source)
    published, _, _ = Loader([catalog_dir], variables).read()
    own = Loader([source], variables).read()[0][0]
    if own.api is None:
        raise CatalogFaults([fault for fault in own.faults if fault.severity is Severity.ERROR])
    target = _target(catalog_dir, own.api, published)
    _check_together(source, own, catalog_dir, [read for read in published if read.sources.folder != target])
    contents = {
        name: (source / name).read_bytes()
        for name in (*own.beside, PLANS_FILE, *reversed(FILES))
        if (source / name).exists()
    }
    try:
        if target.is_dir() and not target.is_symlink():
            _replace_files(target, contents)
        else:
            _swap_link(catalog_dir, target, own.sources.digest, contents)
    except OSError as error:
        raise NotReplaceable(target, error.strerror or type(error).__name__) from error
    return own.api


def _check_together(source: Path, own: Read, catalog_dir: Path, others: Sequence[Read]) -> None:
    """Raises the faults that the new release would bring; those of other publications are not its business."""
    before, after = Joining(), Joining()
    folders = [read.sources.folder for read in others]
    for file in plan_files_for(catalog_dir, folders):
        before.add_plans(file)
        after.add_plans(file)
    if (source / PLANS_FILE).exists():
        after.add_plans(source / PLANS_FILE)
    for read in (*others, own):
        after.add_publication(read)
    faults = [fault for fault in after.faults if fault.file.parent == source]
    faults.extend(check_plan_history(before.catalog(), after.catalog()))
    if faults:
        raise CatalogFaults(faults)


def _target(catalog_dir: Path, api: Api, published: Sequence[Read]) -> Path:
    """Where this version stands already, even with faults, so that publishing anew mends it; else a new place."""
    for read in published:
        if _key(read) == api.key:
            return read.sources.folder
    return catalog_dir / f"{api.id}-v{api.major}"


def _key(read: Read) -> str | None:
    try:
        version = str(read.sources.openapi.value["info"]["version"])
        return f"{read.sources.api.value['id']}/v{version.split('.', maxsplit=1)[0]}"
    except (TypeError, KeyError, IndexError):
        return None


def _write(file: Path, content: bytes) -> None:
    """Complete on disk before it gets its name."""
    draft = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    with draft.open("wb") as target:
        target.write(content)
        target.flush()
        os.fsync(target.fileno())
    draft.replace(file)


def _replace_files(target: Path, contents: Mapping[str, bytes]) -> None:
    for name, content in contents.items():
        _write(target / name, content)
    for name in FILES:
        if name not in contents:
            (target / name).unlink(missing_ok=True)


def _swap_link(catalog_dir: Path, target: Path, digest: str, contents: Mapping[str, bytes]) -> None:
    release = catalog_dir / RELEASES / f"{target.name}-{digest[:16]}-{secrets.token_hex(4)}"
    release.mkdir(parents=True)
    for name, content in contents.items():
        _write(release / name, content)
    link = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    link.symlink_to(os.path.relpath(release, target.parent))
    link.replace(target)


def retire(api_folder: Path) -> None:
    """Sets `status: retired` and leaves every other byte of api.yaml as it is.

    Raises CatalogFaults when the file cannot be read, NotReplaceable when the status cannot be set in place.
    """
    file = api_folder / API_FILE
    content = document.content_of(file)
    read = document.of(file, content)
    if isinstance(content, Fault) or read.faults:
        raise CatalogFaults(read.faults)
    text = content.decode("utf-8-sig")
    start, end = _status_span(file, text)
    changed = f"{text[:start]}{Status.RETIRED}{text[end:]}".encode()
    before = dict(read.value) | {"status": Status.RETIRED.value}
    if document.parse(file, changed).value != before:
        raise NotReplaceable(file, "the status cannot be changed in place; edit the file by hand")
    try:
        _write(file, changed)
    except OSError as error:
        raise NotReplaceable(file, error.strerror or type(error).__name__) from error


def _status_span(file: Path, text: str) -> tuple[int, int]:
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise NotReplaceable(file, "the file is not plain enough; edit it by hand") from error
    if isinstance(root, yaml.MappingNode):
        for key, value in root.value:
            if key.value == "status" and isinstance(value, yaml.ScalarNode):
                return value.start_mark.index, value.end_mark.index
    raise NotReplaceable(file, "the file has no status of its own; add `status: retired`")

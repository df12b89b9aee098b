"""Changes are seen once, faults keep the old catalogue."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gateway.catalog.errors import CatalogFaults
from gateway.catalog.load import plan_files_for, publication_folders
from gateway.catalog.model import Catalog, Status
from gateway.catalog.watch import Watcher, signature
from tests.catalog.sample import OVERLAY, SOUND, changed, write


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write(tmp_path / "catalog" / "sample")


@pytest.fixture
def watcher(folder: Path) -> Watcher:
    watcher = Watcher([folder.parent], {})
    watcher.load()
    return watcher


def test_nothing_new(watcher: Watcher) -> None:
    assert watcher.poll() is None


def test_a_change_comes_once(watcher: Watcher, folder: Path) -> None:
    write(folder, changed("api.yaml", "status: active", "status: beta"))
    catalog = watcher.poll()
    assert isinstance(catalog, Catalog)
    assert catalog.apis["sample/v1"].status is Status.BETA
    assert watcher.poll() is None


def test_a_touched_file_with_the_same_content_is_nothing_new(watcher: Watcher, folder: Path) -> None:
    before = signature([folder.parent])
    os.utime(folder / "api.yaml", (1, 1))
    assert signature([folder.parent]) != before
    assert watcher.poll() is None


def test_faults_come_once_and_mending_is_seen(watcher: Watcher, folder: Path) -> None:
    write(folder, changed("api.yaml", "status: active", "status: broken"))
    faults = watcher.poll()
    assert isinstance(faults, CatalogFaults)
    assert watcher.poll() is None
    write(folder, changed("api.yaml", "status: active", "status: deprecated\ndeprecated: 2026-06-01"))
    assert isinstance(watcher.poll(), Catalog)


def test_going_back_to_what_was_is_told_with_the_same_catalogue(folder: Path) -> None:
    watcher = Watcher([folder.parent], {})
    first = watcher.load()
    write(folder, changed("api.yaml", "status: active", "status: broken"))
    assert isinstance(watcher.poll(), CatalogFaults)
    write(folder)
    assert watcher.poll() is first
    assert watcher.poll() is None


def test_a_published_plan_that_changes_is_refused(watcher: Watcher, folder: Path) -> None:
    write(folder, changed("plans.yaml", "fee: 0", "fee: 100"))
    faults = watcher.poll()
    assert isinstance(faults, CatalogFaults)
    assert "never changes" in faults.faults[0].message


@pytest.mark.parametrize("name", [*SOUND, "overlay.sv.yaml"])
def test_every_file_counts(folder: Path, name: str) -> None:
    write(folder, {"overlay.sv.yaml": OVERLAY})
    before = signature([folder.parent])
    (folder / name).write_text((folder / name).read_text() + "\n# more\n")
    assert signature([folder.parent]) != before


def test_a_folder_more_or_less_counts(folder: Path) -> None:
    before = signature([folder.parent])
    (folder.parent / "other").mkdir()
    assert signature([folder.parent]) == before
    write(folder.parent / "other")
    assert signature([folder.parent]) != before


def test_a_swapped_link_is_seen(tmp_path: Path) -> None:
    for name in ("one", "two"):
        folder = write(tmp_path / name)
        for file in folder.iterdir():
            os.utime(file, (1, 1))
    catalog = tmp_path / "catalog"
    catalog.mkdir()
    (catalog / "sample").symlink_to(tmp_path / "one")
    before = signature([catalog])
    (catalog / ".new").symlink_to(tmp_path / "two")
    (catalog / ".new").replace(catalog / "sample")
    assert signature([catalog]) != before


def test_the_folders_looked_at_are_those_that_are_loaded(tmp_path: Path) -> None:
    """The look goes its own, quicker way; it must not miss a publication, nor one behind a link."""
    root = tmp_path / "catalog"
    write(root / "one")
    write(root / "deep" / "er" / "two")
    write(tmp_path / "elsewhere" / "three")
    (root / "linked").symlink_to(tmp_path / "elsewhere")
    (root / "circle").symlink_to(root)
    write(root / ".hidden" / "four")
    write(root / "__pycache__" / "five")
    write(root / "1" / "2" / "3" / "4" / "5" / "too_deep")
    seen = {stamp[0] for stamp in signature([root])}
    assert {str(folder / "api.yaml") for folder in publication_folders(root)} == {
        name for name in seen if name.endswith("/api.yaml")
    }
    assert {str(file) for file in plan_files_for(root, list(publication_folders(root)))} <= seen

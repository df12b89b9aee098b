"""A published version of a plan never changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.catalog.load import load
from gateway.catalog.model import Catalog
from gateway.catalog.plans import check_plan_history
from tests.catalog.sample import SOUND, changed, write


def catalog(folder: Path, files: dict[str, str]) -> Catalog:
    return load([write(folder, files)], {})


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("fee: 0", "fee: 1"),
        ("included: 100", "included: 99"),
        ("burst: 10", "burst: 11"),
        ("day: 100", "day: 101"),
        ("countersAway: closed", "countersAway: open"),
        ("[company]", "[company, research]"),
        ("[sandbox, production]", "[sandbox]"),
    ],
)
def test_a_changed_version_is_a_fault_at_its_line(tmp_path: Path, old: str, new: str) -> None:
    before = catalog(tmp_path / "a", dict(SOUND))
    after = catalog(tmp_path / "b", changed("plans.yaml", old, new))
    [fault] = check_plan_history(before, after)
    assert (fault.file, fault.line) == (tmp_path / "b" / "plans.yaml", 2)
    assert "write free@2 beside it" in fault.message


@pytest.mark.parametrize(
    ("old", "new"), [("en: Free", "en: Free of charge"), ("\n    fee", "\n    # no\n    fee")]
)
def test_texts_may_be_corrected(tmp_path: Path, old: str, new: str) -> None:
    before = catalog(tmp_path / "a", dict(SOUND))
    after = catalog(tmp_path / "b", changed("plans.yaml", old, new))
    assert check_plan_history(before, after) == []


def test_a_new_version_beside_the_old_one_is_no_change(tmp_path: Path) -> None:
    second = SOUND["plans.yaml"].removeprefix("plans:\n").replace("version: 1", "version: 2")
    before = catalog(tmp_path / "a", dict(SOUND))
    after = catalog(tmp_path / "b", {**SOUND, "plans.yaml": SOUND["plans.yaml"] + second})
    assert check_plan_history(before, after) == []

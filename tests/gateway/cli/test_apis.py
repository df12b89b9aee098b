"""What is published, and publishing, from the command line."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.gateway.cli.terminal import REFERENCE, Terminal


@pytest.fixture
def mine(bare: Terminal) -> Path:
    """A publication of one's own, beside an empty catalogue."""
    bare.catalogue()
    folder = bare.folder / "mine"
    folder.mkdir()
    shutil.copy(
        REFERENCE / "plans.yaml", bare.folder
    )  # plans stand beside a publication or in a folder above
    for file in (REFERENCE / "eko").glob("*.yaml"):
        shutil.copy(file, folder)
    return folder


def test_the_reference_publications(bare: Terminal) -> None:
    rows = bare.good("api list --json").json
    assert [row["api"] for row in rows] == ["behov/v1", "eko/v1", "vardenheter/v1"]
    assert "vardenheter/v1" in bare.good("api list").out
    plans = {row["plan"] for row in bare.good("plan list --json").json}
    assert "prova@1" in plans
    assert "prova@1" in bare.good("plan list").out


def test_coming_brownouts_are_listed(bare: Terminal, mine: Path) -> None:
    publication = mine / "api.yaml"
    text = publication.read_text().replace(
        "status: active", "status: deprecated\ndeprecated: 2026-06-01\nsunset: 2099-12-31"
    )
    planned = ("2020-12-01T09:00", "2020-12-01T09:30"), ("2099-12-01T09:00", "2099-12-01T09:30")
    entries = "".join(f"  - {{ from: {start}, to: {end} }}\n" for start, end in planned)
    publication.write_text(f"{text}\nbrownouts:\n{entries}")
    bare.good("api publish mine")
    (row,) = bare.good("api list --json").json
    coming = {"from": "2099-12-01T09:00:00+01:00", "to": "2099-12-01T09:30:00+01:00"}
    assert (row["deprecated"], row["sunset"], row["brownouts"]) == ("2026-06-01", "2099-12-31", [coming])
    assert "2099-12-01T09:00-09:30" in bare.good("api list").out


@pytest.mark.parametrize("spelling", ["mine", "./mine", "../{folder}/mine/"])
def test_a_relative_folder_is_published(spelling: str, bare: Terminal, mine: Path) -> None:
    words = spelling.format(folder=bare.folder.name)
    assert bare.good("api lint", words).out.endswith("no faults\n")
    made = bare.good("api publish --json", words).json
    assert made["api"] == "eko/v1"
    assert Path(made["catalogue"]) == bare.folder / "catalogue"
    assert [row["api"] for row in bare.good("api list --json").json] == ["eko/v1"]


def test_a_catalogue_of_choice(bare: Terminal, mine: Path) -> None:
    (bare.folder / "other").mkdir()
    shutil.copy(REFERENCE / "plans.yaml", bare.folder / "other")
    bare.good("api publish mine --to other")
    assert bare.good("api list --json").json == []
    assert (bare.folder / "other" / "eko-v1" / "api.yaml").exists()


def test_faults_are_told_with_file_and_line(bare: Terminal, mine: Path) -> None:
    file = mine / "api.yaml"
    file.write_text(file.read_text().replace("plans: [", "plans: [nothing, ", 1).replace("id: eko", "id: 7"))
    outcome = bare("api lint --json mine")
    assert outcome.status == 1
    assert {row["file"] for row in outcome.json} == {str(file)}
    assert all(row["line"] > 0 for row in outcome.json)
    assert f"{file}:" in bare("api lint mine").out
    refused = bare("api publish mine")
    assert refused.status == 1
    assert f"{file}:" in refused.err
    assert bare.good("api list --json").json == []


def test_a_folder_without_a_publication(bare: Terminal, mine: Path) -> None:
    (bare.folder / "empty").mkdir()
    assert bare("api lint empty").status == 1
    outcome = bare("api publish empty")
    assert outcome.status == 1
    assert "no api.yaml" in outcome.err


def test_retiring(bare: Terminal, mine: Path) -> None:
    bare.good("api publish mine")
    assert bare.good("api retire --json eko/v1").json == {"api": "eko/v1", "status": "retired"}
    (row,) = bare.good("api list --json").json
    assert row["status"] == "retired"
    outcome = bare("api retire nothing/v1")
    assert outcome.status == 1
    assert "published are: eko/v1" in outcome.err


def test_a_published_address_may_need_a_variable(bare: Terminal, mine: Path) -> None:
    file = mine / "api.yaml"
    file.write_text(
        file.read_text().replace("${SLUSS_UPSTREAM_EKO:-http://127.0.0.1:9103}", "${SLUSS_UPSTREAM_EKO}")
    )
    outcome = bare("api lint mine")
    assert outcome.status == 1
    assert "SLUSS_UPSTREAM_EKO has no value" in outcome.out
    bare.set(UPSTREAM_EKO="http://127.0.0.1:9103")
    bare.good("api lint mine")

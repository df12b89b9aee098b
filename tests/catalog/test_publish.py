"""Publishing replaces whole publications, retiring changes one word."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.catalog.errors import CatalogFaults, NothingPublished, NotReplaceable
from gateway.catalog.load import load
from gateway.catalog.model import Status
from gateway.catalog.publish import publish, retire
from tests.catalog.sample import OVERLAY, SOUND, changed, write

WITHOUT_PLANS = {name: SOUND[name] for name in ("api.yaml", "openapi.yaml")}


@pytest.fixture
def catalog_dir(tmp_path: Path) -> Path:
    folder = tmp_path / "catalog"
    folder.mkdir()
    return folder


def test_a_new_publication_becomes_visible(tmp_path: Path, catalog_dir: Path) -> None:
    api = publish(write(tmp_path / "source"), catalog_dir, {})
    assert api.key == "sample/v1"
    assert (catalog_dir / "sample-v1").is_symlink()
    assert load([catalog_dir], {}).apis["sample/v1"].version == "1.2.3"


def test_a_new_release_takes_the_place_of_the_old_one(tmp_path: Path, catalog_dir: Path) -> None:
    publish(write(tmp_path / "source", {**SOUND, "overlay.sv.yaml": OVERLAY}), catalog_dir, {})
    (tmp_path / "source" / "overlay.sv.yaml").unlink()
    publish(write(tmp_path / "source", changed("openapi.yaml", '"1.2.3"', '"1.3.0"')), catalog_dir, {})
    api = load([catalog_dir], {}).apis["sample/v1"]
    assert api.version == "1.3.0"
    assert api.operations[0].summary.sv == "List things"


def test_a_new_major_version_stands_beside_the_old_one(tmp_path: Path, catalog_dir: Path) -> None:
    publish(write(tmp_path / "source"), catalog_dir, {})
    publish(write(tmp_path / "source", changed("openapi.yaml", '"1.2.3"', '"2.0.0"')), catalog_dir, {})
    assert set(load([catalog_dir], {}).apis) == {"sample/v1", "sample/v2"}


def test_a_folder_kept_by_hand_keeps_its_other_files(tmp_path: Path, catalog_dir: Path) -> None:
    own = write(catalog_dir / "mine", {**SOUND, "app.py": "print()"})
    publish(
        write(tmp_path / "source", changed("api.yaml", "status: active", "status: beta")), catalog_dir, {}
    )
    assert load([catalog_dir], {}).apis["sample/v1"].status is Status.BETA
    assert sorted(file.name for file in own.iterdir()) == sorted([*SOUND, "app.py"])
    assert not own.is_symlink()


def test_publishing_mends_a_folder_with_faults(tmp_path: Path, catalog_dir: Path) -> None:
    write(catalog_dir / "mine", changed("api.yaml", "status: active", "status: broken"))
    publish(write(tmp_path / "source"), catalog_dir, {})
    assert load([catalog_dir], {}).apis["sample/v1"].folder == catalog_dir / "mine"


def test_what_has_faults_is_not_published(tmp_path: Path, catalog_dir: Path) -> None:
    with pytest.raises(CatalogFaults) as caught:
        publish(
            write(tmp_path / "source", changed("api.yaml", "status: active", "status: no")), catalog_dir, {}
        )
    assert caught.value.faults[0].line == 4
    assert list(catalog_dir.iterdir()) == []


def test_an_unknown_plan_is_not_published(tmp_path: Path, catalog_dir: Path) -> None:
    source = write(tmp_path / "source", WITHOUT_PLANS)
    with pytest.raises(CatalogFaults, match="there is no plan 'free'"):
        publish(source, catalog_dir, {})
    write(catalog_dir, {"plans.yaml": SOUND["plans.yaml"]})
    publish(source, catalog_dir, {})
    assert list(load([catalog_dir], {}).apis) == ["sample/v1"]


def test_a_published_plan_cannot_be_changed_by_publishing(tmp_path: Path, catalog_dir: Path) -> None:
    write(catalog_dir, {"plans.yaml": SOUND["plans.yaml"]})
    with pytest.raises(CatalogFaults, match="free@1"):
        publish(write(tmp_path / "source", changed("plans.yaml", "fee: 0", "fee: 1")), catalog_dir, {})


def test_a_folder_without_publication(tmp_path: Path, catalog_dir: Path) -> None:
    with pytest.raises(NothingPublished):
        publish(tmp_path, catalog_dir, {})


def test_a_catalogue_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(NotReplaceable):
        publish(write(tmp_path / "source"), tmp_path / "file", {})


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("status: active", 'status:   "active"  # in use'),
        ("status: active", "status: deprecated\ndeprecated: 2026-06-01"),
        (
            "summary: { sv: Ett prov, en: A sample }",
            "# status: active\nsummary: { sv: 'status: active', en: x }",
        ),
        ("released: 2026-05-04", "released: '2026-05-04'"),
    ],
)
def test_retiring_changes_one_word(tmp_path: Path, old: str, new: str) -> None:
    folder = write(tmp_path / "sample", changed("api.yaml", old, new))
    before = (folder / "api.yaml").read_text().splitlines()
    retire(folder)
    after = (folder / "api.yaml").read_text().splitlines()
    assert load([folder], {}).apis["sample/v1"].status is Status.RETIRED
    assert [one for one, other in zip(before, after, strict=True) if one != other] == [
        line for line in before if line.startswith("status:")
    ]


def test_retiring_what_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(CatalogFaults):
        retire(write(tmp_path / "sample", changed("api.yaml", "plans: [free]", "plans: [free")))


def test_retiring_a_status_that_stands_elsewhere(tmp_path: Path) -> None:
    files = changed("api.yaml", "id: sample\n", "id: &word sample\n")
    files["api.yaml"] = files["api.yaml"].replace("status: active\n", "status: *word\n")
    folder = write(tmp_path / "sample", files)
    with pytest.raises(NotReplaceable):
        retire(folder)
    assert (folder / "api.yaml").read_text() == files["api.yaml"]

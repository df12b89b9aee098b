"""What a sound publication becomes."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.catalog import publication
from gateway.catalog.load import Loader, load
from gateway.catalog.model import AtEnd, CountersAway, Environment, Family, Rate, Status, Text, Upstream
from tests.catalog.sample import OVERLAY, SOUND, changed, write


def test_every_value_arrives(tmp_path: Path) -> None:
    catalog = load([write(tmp_path / "sample", {**SOUND, "overlay.sv.yaml": OVERLAY})], {})
    api = catalog.apis["sample/v1"]
    assert (api.id, api.major, api.version, api.base) == ("sample", 1, "1.2.3", "/sample/v1")
    assert (api.family, api.status, api.released) == (Family.REST, Status.ACTIVE, "2026-05-04")
    assert api.name == Text("Prov", "Sample")
    assert api.upstreams == {
        Environment.SANDBOX: (Upstream("http://127.0.0.1:9999/base"),),
        Environment.PRODUCTION: (Upstream("http://127.0.0.1:9998"),),
    }
    listing, reading = api.operations
    assert (listing.id, listing.method, listing.path) == ("listThings", "GET", "/things")
    assert (listing.weight, listing.body_limit) == (3, 0)
    assert (reading.weight, reading.body_limit) == (1, 1000)
    assert listing.scopes == frozenset({"sample:read"})
    assert listing.summary == Text("Lista saker", "List things")
    assert reading.summary == Text("Read a thing", "Read a thing")
    assert api.scopes == {"sample:read": Text("Read things", "Read things")}
    assert api.plans == ("free",)


def test_the_plan_arrives(tmp_path: Path) -> None:
    plan = load([write(tmp_path / "sample")], {}).current_plans["free"]
    assert (plan.key, plan.fee, plan.included, plan.tiers) == ("free@1", 0, 100, ())
    assert (plan.rate, plan.per_day, plan.per_month) == (Rate(5, 1, 10), 100, 1000)
    assert (plan.at_end, plan.counters_away, plan.approval) == (AtEnd.REFUSE, CountersAway.CLOSED, False)
    assert plan.environments == frozenset(Environment)


def test_own_addresses_of_the_service_are_not_published(tmp_path: Path) -> None:
    api = load([write(tmp_path / "sample")], {}).apis["sample/v1"]
    assert api.openapi["servers"] == [{"url": "/sample/v1"}]
    assert "internal.example" not in repr(dict(api.openapi)) + repr(dict(api.openapi_sv))


def test_the_overlay_changes_the_swedish_document_only(tmp_path: Path) -> None:
    folder = write(tmp_path / "sample", {**SOUND, "overlay.sv.yaml": OVERLAY})
    api = load([folder], {}).apis["sample/v1"]
    assert api.openapi["paths"]["/things"]["get"]["summary"] == "List things"
    assert api.openapi_sv["paths"]["/things"]["get"]["summary"] == "Lista saker"


def test_a_variable_wins_over_its_default(tmp_path: Path) -> None:
    variables = {"SLUSS_UPSTREAM_SAMPLE": "https://inside.example:8443/x/"}
    api = load([write(tmp_path / "sample")], variables).apis["sample/v1"]
    assert api.upstreams[Environment.PRODUCTION] == (Upstream("https://inside.example:8443/x"),)


def test_words_that_yaml_1_1_would_turn_into_something_else(tmp_path: Path) -> None:
    files = changed("api.yaml", "{ sv: Prov, en: Sample }", "{ sv: on, en: 12:30 }")
    assert load([write(tmp_path / "sample", files)], {}).apis["sample/v1"].name == Text("on", "12:30")


def test_plans_in_a_folder_above_the_catalogue(tmp_path: Path) -> None:
    write(tmp_path, {"plans.yaml": SOUND["plans.yaml"]})
    files = {name: SOUND[name] for name in ("api.yaml", "openapi.yaml")}
    assert load([write(tmp_path / "apis" / "sample", files)], {}).plans.keys() == {"free@1"}


def test_every_version_of_a_plan_is_kept_and_the_newest_is_current(tmp_path: Path) -> None:
    second = SOUND["plans.yaml"].removeprefix("plans:\n").replace("version: 1", "version: 2")
    files = {**SOUND, "plans.yaml": SOUND["plans.yaml"] + second}
    catalog = load([write(tmp_path / "sample", files)], {})
    assert catalog.plans.keys() == {"free@1", "free@2"}
    assert catalog.current_plans["free"].version == 2


def test_the_digest_follows_the_content(tmp_path: Path) -> None:
    folder = write(tmp_path / "sample")
    first = load([folder], {}).digest
    write(folder)
    assert load([folder], {}).digest == first
    for name in SOUND:
        write(folder, {name: SOUND[name] + "\n# more\n"})
        assert load([folder], {}).digest != first
        write(folder)


def test_hidden_folders_are_left_alone_and_links_followed(tmp_path: Path) -> None:
    write(tmp_path / "catalog" / ".drafts" / "sample", changed("api.yaml", "status: active", "status: no"))
    write(tmp_path / "elsewhere")
    (tmp_path / "catalog" / "sample").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "catalog" / "circle").symlink_to(tmp_path / "catalog")
    with_circle = [tmp_path / "catalog" / "sample"]
    assert list(load(with_circle, {}).apis) == ["sample/v1"]


def test_only_what_changed_is_judged_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        write(
            tmp_path / f"s{number}", changed("api.yaml", "id: sample", f"id: sample{number}") | _scope(number)
        )
    loader = Loader([tmp_path], {})
    before = loader.load()
    write(tmp_path / "s1", {"api.yaml": (tmp_path / "s1" / "api.yaml").read_bytes() + b"# more\n"})
    after = loader.load()
    same = [key for key in before.apis if before.apis[key] is after.apis[key]]
    assert same == ["sample0/v1", "sample2/v1"]


def _scope(number: int) -> dict[str, str]:
    return {"openapi.yaml": SOUND["openapi.yaml"].replace("sample:read", f"sample{number}:read")}


def test_two_hundred_apis(tmp_path: Path) -> None:
    write(tmp_path, {"plans.yaml": SOUND["plans.yaml"]})
    for number in range(200):
        files = {
            "api.yaml": SOUND["api.yaml"].replace("id: sample", f"id: sample{number}"),
            **_scope(number),
        }
        write(tmp_path / f"s{number}", files)
    catalog = load([tmp_path], {})
    assert len(catalog.apis) == 200
    assert sum(len(api.operations) for api in catalog.apis.values()) == 400


@pytest.mark.parametrize("identifier", sorted(publication.RESERVED_IDS))
def test_no_api_can_take_an_address_of_the_gateway(tmp_path: Path, identifier: str) -> None:
    files = changed("api.yaml", "id: sample", f"id: {identifier}")
    read = Loader([write(tmp_path / "sample", files)], {}).read()[0][0]
    assert read.api is None

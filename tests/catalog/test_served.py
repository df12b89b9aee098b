"""The documents beside an API."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateway.catalog.load import load
from gateway.catalog.model import Api
from gateway.catalog.served import api_info, openapi_json, openapi_yaml
from gateway.catalog.source.document import parse
from tests.catalog.sample import OVERLAY, SOUND, write

BASE = "https://api.region.example"


@pytest.fixture
def api(tmp_path: Path) -> Api:
    files = {**SOUND, "overlay.sv.yaml": OVERLAY}
    return load([write(tmp_path / "sample", files)], {}).apis["sample/v1"]


def test_addresses_are_those_of_the_gateway(api: Api) -> None:
    document = json.loads(openapi_json(api, BASE, "en"))
    assert document["servers"] == [{"url": f"{BASE}/sample/v1"}]
    flow = document["components"]["securitySchemes"]["oauth2"]["flows"]["clientCredentials"]
    assert flow["tokenUrl"] == f"{BASE}/oauth2/token"
    assert b"internal.example" not in openapi_json(api, BASE, "en")


def test_both_forms_say_the_same(api: Api) -> None:
    for language in ("sv", "en"):
        read = parse(Path("openapi.yaml"), openapi_yaml(api, BASE, language))
        assert read.faults == []
        assert read.value == json.loads(openapi_json(api, BASE, language))


def test_languages(api: Api) -> None:
    swedish, english = (json.loads(openapi_json(api, BASE, language)) for language in ("sv", "en"))
    assert swedish["paths"]["/things"]["get"]["summary"] == "Lista saker"
    assert english["paths"]["/things"]["get"]["summary"] == "List things"


def test_api_info_has_the_five_members_of_the_profile(api: Api) -> None:
    assert json.loads(api_info(api, BASE)) == {
        "apiName": "sample",
        "apiVersion": "1.2.3",
        "apiReleased": "2026-05-04",
        "apiDocumentation": f"{BASE}/portal/apis/sample/v1/",
        "apiStatus": "active",
    }


def test_api_info_is_in_the_document(api: Api) -> None:
    operation = json.loads(openapi_json(api, BASE, "en"))["paths"]["/api-info"]["get"]
    assert operation["security"] == []
    assert operation["responses"]["200"]["content"]["application/json"]["example"]["apiName"] == "sample"


def test_the_catalogue_is_not_changed_by_serving(api: Api) -> None:
    openapi_json(api, BASE, "en")
    assert api.openapi["servers"] == [{"url": "/sample/v1"}]
    assert "/api-info" not in api.openapi["paths"]

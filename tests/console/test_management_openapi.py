"""The OpenAPI document is sound and says all there is: it is made from the table that routes."""

from __future__ import annotations

import re
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from console.management.openapi import document, refusal_statuses
from console.management.operations import TABLE
from tests.console.browser import ISSUER
from tests.console.callers import ROOT, Console


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    return document(TABLE, ISSUER, secure=False)


def test_it_is_valid(described: dict[str, Any]) -> None:
    assert [error.message for error in OpenAPIV31SpecValidator(described).iter_errors()] == []
    assert described["openapi"].startswith("3.1")


def test_every_operation_is_described(described: dict[str, Any]) -> None:
    for operation in TABLE:
        found = described["paths"][operation.path][operation.method.lower()]
        assert found["operationId"] == operation.id
        assert set(found["responses"]) == {str(operation.status), *map(str, refusal_statuses(operation))}
        assert ("requestBody" in found) == (operation.takes is not None)
    described_count = sum(len(methods) for methods in described["paths"].values())
    assert described_count == len(TABLE) == len({operation.id for operation in TABLE})


def test_names_follow_the_profile(described: dict[str, Any]) -> None:
    """Lower case and hyphens in paths (RES.06), camelCase in bodies and parameters (AME.05)."""
    for path in described["paths"]:
        for segment in path.strip("/").split("/"):
            assert re.fullmatch(r"[a-z][a-z-]*|{[a-z][A-Za-z]*}", segment), path
    for name, schema in described["components"]["schemas"].items():
        for field in schema.get("properties", {}):
            assert re.fullmatch(r"_?[a-z][A-Za-z0-9]*", field), (name, field)
    for methods in described["paths"].values():
        for operation in methods.values():
            for parameter in operation.get("parameters", ()):
                assert re.fullmatch(r"[a-z][A-Za-z]*", parameter["name"])


def test_created_things_have_an_address(described: dict[str, Any]) -> None:
    for methods in described["paths"].values():
        for operation in methods.values():
            if "201" in operation["responses"]:
                assert "Location" in operation["responses"]["201"]["headers"]


def test_what_is_taken_forbids_other_fields(described: dict[str, Any]) -> None:
    for operation in TABLE:
        if operation.takes is not None:
            assert operation.takes.model_config["extra"] == "forbid"
            assert (
                described["components"]["schemas"][operation.takes.__name__]["additionalProperties"] is False
            )


def test_no_secret_has_a_field_but_where_it_is_shown_once(described: dict[str, Any]) -> None:
    telling = {
        name
        for name, schema in described["components"]["schemas"].items()
        for field in schema.get("properties", {})
        if re.search(r"secret|password|token$|hash", field, re.IGNORECASE)
    }
    assert telling == {
        "CreatedCredential",
        "CreatedPersonalToken",
        "InvitationAnswer",
        "NewPerson",
        "NewPersonalToken",
        "NewRevocation",
        "EntryShape",  # the audit chain's own hash
    }


async def test_it_is_served_to_anyone(console: Console) -> None:
    answer = await console.client.get(f"{ROOT}/openapi.json")
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["servers"] == [{"url": f"{ISSUER}{ROOT}"}]
    info = (await console.client.get(f"{ROOT}/api-info")).json()
    assert info.keys() == {"apiName", "apiVersion", "apiReleased", "apiDocumentation", "apiStatus"}
    assert info["apiVersion"] == answer.json()["info"]["version"]
    refused = await console.client.post(f"{ROOT}/openapi.json")
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD")


async def test_every_location_leads_somewhere(console: Console) -> None:
    owner = await console.person("owner@example.org")
    await console.person("medlem@example.org")
    headers = {"Authorization": f"Bearer {owner.token}"}
    organisation = await console.organisation(owner)
    home = f"/organisations/{organisation}"
    app = await console.app(owner, organisation)
    made = [
        await owner.post("/personal-tokens", {"name": "prov"}),
        await owner.post(f"{home}/members", {"email": "medlem@example.org", "role": "viewer"}),
        await owner.post(f"{home}/apps", {"name": "Prov", "environment": "sandbox"}),
        await owner.post(f"{home}/apps/{app}/credentials", {}),
        await owner.post(f"{home}/apps/{app}/rotations", {"overlapSeconds": 60}),
        await owner.post(f"{home}/apps/{app}/subscriptions", {"api": "eko/v1", "plan": "prova"}),
    ]
    for answer in made:
        assert answer.status_code == 201, answer.text
        shown = await console.client.get(answer.headers["location"], headers=headers)
        assert shown.status_code == 200, answer.headers["location"]


async def test_pages_of_a_list(console: Console) -> None:
    owner = await console.person("owner@example.org")
    organisation = await console.organisation(owner)
    for number in range(5):
        await console.app(owner, organisation, f"App {number}")
    home = f"/organisations/{organisation}/apps"
    first = (await owner.get(f"{home}?limit=2")).json()
    assert [item["name"] for item in first["items"]] == ["App 0", "App 1"] or len(first["items"]) == 2
    assert first["_meta"] == {"totalRecords": 5, "page": 1, "limit": 2, "count": 2}
    links = {link["rel"]: link for link in first["_links"]}
    assert links.keys() == {"self", "first", "last", "next"}
    assert links["next"]["href"] == f"{ISSUER}{ROOT}{home}?limit=2&page=2"
    assert {link["method"] for link in first["_links"]} == {"GET"}
    seen = [item["id"] for item in first["items"]]
    while (following := {link["rel"]: link["href"] for link in first["_links"]}).get("next"):
        answer = await console.client.get(
            following["next"], headers={"Authorization": f"Bearer {owner.token}"}
        )
        first = answer.json()
        seen += [item["id"] for item in first["items"]]
    assert len(seen) == len(set(seen)) == 5
    for page in (0, 99):
        beyond = await owner.get(f"{home}?page={page}")
        assert (beyond.status_code, beyond.json()["items"]) == (200, [])

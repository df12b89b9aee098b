"""Care units: search, pages, opening hours, links."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import pytest

from backends.vardenheter.app import TYPES, create, is_open
from backends.vardenheter.generate import FICTION_NUMBERS, FILE, encoded, genitive
from tests.backends.contract import Client, Contract, client_of

UNITS: list[dict[str, Any]] = json.loads(FILE.read_text(encoding="utf-8"))
GATEWAY = {"Forwarded": 'for=192.0.2.1;host="api.region.example:8443";proto=https'}


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with client_of(create(), Contract("vardenheter")) as client:
        yield client


def search(client: Client, **parameters: str | int) -> dict[str, Any]:
    response = client.get("/units", params=parameters)
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


def test_the_committed_units_are_those_the_script_makes() -> None:
    assert FILE.read_text(encoding="utf-8") == encoded()


def test_the_units_are_plausible_and_fictive() -> None:
    assert len(UNITS) >= 150
    assert len({unit["unitId"] for unit in UNITS}) == len(UNITS)
    assert len({unit["name"] for unit in UNITS}) == len(UNITS)
    assert {unit["type"] for unit in UNITS} == set(TYPES)
    for unit in UNITS:
        assert unit["phone"] in FICTION_NUMBERS
        assert unit["unitId"].startswith("XX")
        assert unit["email"].endswith(".example")
        assert 59 < unit["location"]["latitude"] < 60
        assert 16 < unit["location"]["longitude"] < 18


@pytest.mark.parametrize(("name", "expected"), [("Brunnsvik", "Brunnsviks"), ("Åsnäs", "Åsnäs")])
def test_swedish_genitive(name: str, expected: str) -> None:
    assert genitive(name) == expected


def test_pages_hold_every_unit_once(client: Client) -> None:
    seen: list[str] = []
    page = search(client, limit=100)
    while True:
        seen += [unit["unitId"] for unit in page["units"]]
        following = [link["href"] for link in page["_links"] if link["rel"] == "next"]
        if not following:
            break
        page = client.get(following[0]).json()
    assert seen == [unit["unitId"] for unit in UNITS]


def test_the_default_page(client: Client) -> None:
    assert search(client)["_meta"] == {"totalRecords": len(UNITS), "page": 1, "limit": 20, "count": 20}


@pytest.mark.parametrize("page", [0, 99, 100_000])
def test_a_page_out_of_range_is_empty(client: Client, page: int) -> None:
    found = search(client, page=page)
    assert found["units"] == []
    assert found["_meta"]["count"] == 0


def test_links_keep_the_other_parameters(client: Client) -> None:
    found = search(client, municipality="9901", type="dental-care", page=2, limit=3)
    links = {link["rel"]: parse_qs(urlsplit(link["href"]).query) for link in found["_links"]}
    assert set(links) == {"self", "first", "last", "next", "prev"}
    for query in links.values():
        assert (query["municipality"], query["type"], query["limit"]) == (["9901"], ["dental-care"], ["3"])
    assert (links["prev"]["page"], links["next"]["page"]) == (["1"], ["3"])


@pytest.mark.parametrize(
    ("headers", "base"),
    [
        (GATEWAY, "https://api.region.example:8443/vardenheter/v1"),
        ({**GATEWAY, "X-Forwarded-Prefix": "/other/v2"}, "https://api.region.example:8443/other/v2"),
        (
            {"Forwarded": "for=192.0.2.1;host=a.example, for=192.0.2.2;host=b.example"},
            "http://a.example/vardenheter/v1",
        ),
        ({"X-Forwarded-Prefix": "/ignored"}, "http://testserver"),
        ({}, "http://testserver"),
    ],
)
def test_links_are_absolute_as_the_client_sees_them(
    client: Client, headers: dict[str, str], base: str
) -> None:
    found = client.get("/units", params={"limit": 1}, headers=headers).json()
    hrefs = [link["href"] for link in (*found["_links"], *found["units"][0]["_links"])]
    assert all(href.startswith(f"{base}/units") for href in hrefs), hrefs


@pytest.mark.parametrize("words", ["malarsund", "MÄLARSUND", "mälar sund"])
def test_search_knows_neither_case_nor_accents(client: Client, words: str) -> None:
    names = [unit["name"] for unit in search(client, q=words)["units"]]
    assert "Mälarsunds sjukhus" in names


def test_every_parameter_narrows(client: Client) -> None:
    found = search(client, municipality="9904", type="hospital", q="granhult")
    assert [unit["name"] for unit in found["units"]] == ["Granhults sjukhus"]


def test_opening_hours_and_search_agree(client: Client) -> None:
    monday = datetime(2026, 5, 4, 9, 30, tzinfo=ZoneInfo("Europe/Stockholm"))
    for hours in range(0, 24 * 7, 5):
        at = monday + timedelta(hours=hours)
        found = search(client, openAt=at.isoformat(), limit=1)
        assert found["_meta"]["totalRecords"] == sum(is_open(unit, at) for unit in UNITS)


@pytest.mark.parametrize(
    "text",
    [
        "2026-05-04T09:30:00+02:00",
        "2026-05-04T07:30:00Z",
        "2026-05-04t07:30:00.5z",
        "2026-05-04T03:30:00-04:00",
    ],
)
def test_every_zone_is_taken(client: Client, text: str) -> None:
    expected = search(client, openAt="2026-05-04T07:30:00Z")["_meta"]
    assert search(client, openAt=text)["_meta"] == expected


def test_a_plus_that_was_not_escaped_is_understood(client: Client) -> None:
    response = client.get("/units?openAt=2026-05-04T09:30:00+02:00")
    assert response.json()["_meta"] == search(client, openAt="2026-05-04T07:30:00Z")["_meta"]


@pytest.mark.parametrize(
    ("clock", "expected"), [("07:59", False), ("08:00", True), ("16:59", True), ("17:00", False)]
)
def test_units_open_and_close_to_the_minute(clock: str, expected: bool) -> None:
    unit = {"alwaysOpen": False, "openingHours": [{"day": "monday", "opens": "08:00", "closes": "17:00"}]}
    assert is_open(unit, datetime.fromisoformat(f"2026-05-04T{clock}:59+02:00")) is expected


def test_closing_at_midnight_is_the_end_of_the_day() -> None:
    unit = {"alwaysOpen": False, "openingHours": [{"day": "monday", "opens": "20:00", "closes": "00:00"}]}
    assert is_open(unit, datetime.fromisoformat("2026-05-04T23:59:00+02:00"))
    assert not is_open(unit, datetime.fromisoformat("2026-05-05T00:00:00+02:00"))


@pytest.mark.parametrize(
    "query",
    [
        "page=-1", "page=x", "page=1.5", "page=", "limit=0", "limit=101", "limit=٣", "type=bakery",
        "municipality=0180", "q=", "q=%20", "openAt=now", "openAt=2026-05-04", "openAt=2026-05-04T09:30:00",
        "openAt=2026-13-04T09:30:00Z", "openAt=0001-01-01T00:00:00%2B14:00", f"q={'x' * 101}", "page=99999999999",
    ],
)  # fmt: skip
def test_wrong_parameters_are_told(client: Client, query: str) -> None:
    response = client.get(f"/units?{query}", headers=GATEWAY)
    assert response.status_code == 400
    problem = response.json()
    assert problem["detail"].startswith(query.partition("=")[0])
    assert problem["instance"] == "/vardenheter/v1/units"


def test_a_unit_and_its_hours(client: Client) -> None:
    for unit in UNITS[::40]:
        shown = client.get(f"/units/{unit['unitId']}").json()
        hours = client.get(shown["_links"][1]["href"]).json()
        assert hours["periods"] == unit["openingHours"]
        assert hours["alwaysOpen"] is shown["alwaysOpen"]


@pytest.mark.parametrize("path", ["/units/XX0000009901-0000", "/units/XX0000009901-0000/opening-hours"])
def test_an_unknown_unit(client: Client, path: str) -> None:
    assert client.get(path).json()["code"] == "not-found"


def test_lists_to_search_with(client: Client) -> None:
    listed = client.get("/municipalities").json()["municipalities"]
    assert sum(each["unitCount"] for each in listed) == len(UNITS)
    for each in listed:
        assert search(client, municipality=each["code"])["_meta"]["totalRecords"] == each["unitCount"]
    for each in client.get("/unit-types").json()["unitTypes"]:
        assert search(client, type=each["type"])["_meta"]["totalRecords"] > 0


def test_calls_are_counted_by_operation() -> None:
    contract = Contract("vardenheter")
    with client_of(create(), contract) as client:
        client.get("/units")
        client.get("/units?page=x")
        client.get("/municipalities")
        counted = client.get("/_count").json()
    assert counted == {"total": 3, "operations": {"searchUnits": 2, "listMunicipalities": 1}}


def test_other_methods_and_paths() -> None:
    with client_of(create()) as client:
        refused = client.post("/units")
        assert (refused.status_code, set(refused.headers["allow"].split(", "))) == (405, {"GET", "HEAD"})
        assert refused.headers["content-type"] == "application/problem+json"
        assert client.get("/units/").status_code == 404
        assert re.fullmatch("not-found", client.get("/none").json()["code"])

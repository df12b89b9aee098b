"""Needs: reading, writing, and the way from nytt to nyttiggjort."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count, product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.behov import lifecycle, store
from backends.behov.app import create
from backends.behov.body import LARGEST_BODY
from backends.behov.seeds import seeded
from tests.backends.contract import Client, Contract, client_of

NEED = {
    "title": {"sv": "Kortare köer"},
    "description": {"sv": "Vi behöver veta vem som väntar.", "en": "We need to know who is waiting."},
    "area": "logistics",
}
OURS = {"Sluss-Organisation": "org_ours"}


@pytest.fixture
def client() -> Iterator[Client]:
    seconds = count()
    start = datetime(2026, 6, 1, tzinfo=UTC)
    app = create(lambda: f"{start + timedelta(seconds=next(seconds)):%Y-%m-%dT%H:%M:%SZ}")
    with client_of(app, Contract("behov")) as client:
        yield client


def written(client: Client, **headers: str) -> dict[str, Any]:
    response = client.post("/needs", json=NEED, headers={**OURS, **headers})
    assert response.status_code == 201, response.text
    need: dict[str, Any] = response.json()
    return need


def move(client: Client, need: str, event: str, **headers: str) -> int:
    body = {"event": event, "reason": "Därför."}
    response = client.post(f"/needs/{need}/transitions", json=body, headers={**OURS, **headers})
    return response.status_code


def test_the_first_needs(client: Client) -> None:
    needs = client.get("/needs").json()["needs"]
    assert len(needs) >= 12
    assert {need["stage"] for need in needs} == set(lifecycle.STAGES)
    assert all(set(need["title"]) == {"sv", "en"} for need in needs)
    assert [need["createdAt"] for need in needs] == sorted(
        (need["createdAt"] for need in needs), reverse=True
    )


def test_the_history_of_the_first_needs_follows_the_life_cycle() -> None:
    for need in seeded().needs.values():
        stage = None
        for transition in need.transitions:
            assert transition.before == stage
            if stage is None:
                assert (transition.event, transition.after) == ("publish", "nytt")
            else:
                assert lifecycle.after(stage, transition.event) == transition.after
            stage = transition.after
        assert need.stage == stage


@pytest.mark.parametrize(
    ("query", "expected"),
    [({"stage": "nyttiggjort"}, "stage"), ({"area": "elderly-care"}, "area")],
)
def test_filters(client: Client, query: dict[str, str], expected: str) -> None:
    found = client.get("/needs", params=query).json()["needs"]
    assert found
    assert {need[expected] for need in found} == set(query.values())


def test_words_are_found_in_both_languages(client: Client) -> None:
    for words in ("fallrisk patient", "WARD alarm"):
        assert "Färre fall" in client.get("/needs", params={"q": words}).json()["needs"][0]["title"]["sv"]


def test_a_need_is_written_and_found_where_it_says(client: Client) -> None:
    response = client.post("/needs", json=NEED, headers=OURS)
    need = client.get(response.headers["location"]).json()
    assert need == response.json()
    assert (need["stage"], need["answerCount"]) == ("nytt", 0)
    assert client.get("/needs").json()["needs"][0]["needId"] == need["needId"]


def test_ids_cannot_be_guessed(client: Client) -> None:
    ids = {written(client)["needId"] for _ in range(5)}
    assert len(ids) == 5
    assert all(len(bytes.fromhex(identifier.removeprefix("beh_"))) == 16 for identifier in ids)


def test_an_answer(client: Client) -> None:
    need = written(client)["needId"]
    body = {"text": "Vi kan.", "contact": "hej@bolaget.example"}
    response = client.post(f"/needs/{need}/answers", json=body)
    answer = client.get(response.headers["location"]).json()
    assert (answer["text"], answer["contact"], answer["needId"]) == ("Vi kan.", "hej@bolaget.example", need)
    assert [each["answerId"] for each in client.get(f"/needs/{need}/answers").json()["answers"]] == [
        answer["answerId"]
    ]
    assert client.get(f"/needs/{need}").json()["answerCount"] == 1


def test_the_way_of_a_need(client: Client) -> None:
    need = written(client)["needId"]
    assert move(client, need, "prove") == 201
    assert move(client, need, "adopt") == 201
    history = client.get(f"/needs/{need}/transitions").json()["transitions"]
    assert [(each.get("from"), each["to"]) for each in history] == [
        (None, "nytt"),
        ("nytt", "nyttigt"),
        ("nyttigt", "nyttiggjort"),
    ]
    for each in history:
        assert client.get(f"/needs/{need}/transitions/{each['transitionId']}").json() == each
    shown = client.get(f"/needs/{need}").json()
    assert (shown["stage"], shown["updatedAt"]) == ("nyttiggjort", history[-1]["occurredAt"])


@pytest.mark.parametrize(("stage", "event"), [*product(lifecycle.STAGES, lifecycle.EVENTS)])
def test_every_cell_of_the_life_cycle(client: Client, stage: str, event: str) -> None:
    need = written(client)["needId"]
    ways: dict[str, tuple[str, ...]] = {
        "nytt": (), "nyttigt": ("prove",), "nyttiggjort": ("prove", "adopt"), "avslutat": ("close",)
    }  # fmt: skip
    for step in ways[stage]:
        move(client, need, step)
    offered = {
        link["rel"] for link in client.get(f"/needs/{need}").json()["_links"] if link["method"] == "POST"
    }
    expected = lifecycle.NEXT.get((stage, event))
    assert (event in offered) is (expected is not None)
    assert move(client, need, event) == (201 if expected else 409)
    assert client.get(f"/needs/{need}").json()["stage"] == (expected or stage)


def test_only_the_writer_moves_a_need(client: Client) -> None:
    need = written(client)["needId"]
    assert move(client, need, "prove", **{"Sluss-Organisation": "org_theirs"}) == 403
    assert move(client, need, "prove") == 201


def test_the_regions_needs_move_in_the_sandbox_only(client: Client) -> None:
    need = client.get("/needs", params={"stage": "nytt"}).json()["needs"][0]["needId"]
    assert move(client, need, "prove", **{"Sluss-Environment": "production"}) == 403
    assert move(client, need, "prove", **{"Sluss-Environment": "sandbox"}) == 201


def test_environments_hold_different_needs(client: Client) -> None:
    need = written(client, **{"Sluss-Environment": "production"})["needId"]
    assert client.get(f"/needs/{need}").status_code == 404
    assert client.get(f"/needs/{need}", headers={"Sluss-Environment": "production"}).status_code == 200


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({}, ["/title", "/description", "/area"]),
        ({**NEED, "stage": "nyttigt"}, ["/stage"]),
        ({**NEED, "a/b~c": 1}, ["/a~1b~0c"]),
        ({**NEED, "title": {}}, ["/title"]),
        ({**NEED, "title": "text"}, ["/title"]),
        ({**NEED, "title": {"sv": " "}}, ["/title/sv"]),
        ({**NEED, "title": {"sv": "x" * 4001}}, ["/title/sv"]),
        ({**NEED, "title": {"fi": "x"}}, ["/title/fi"]),
        ({**NEED, "area": ["logistics"]}, ["/area"]),
        ({**NEED, "unit": 5, "area": "space"}, ["/area", "/unit"]),
        ([], [""]),
    ],
)
def test_every_fault_of_a_body_is_told(client: Client, body: object, pointers: list[str]) -> None:
    response = client.post("/needs", json=body)
    assert response.status_code == 422
    assert [fault["pointer"] for fault in response.json()["errors"]] == pointers


@pytest.mark.parametrize("contact", ["nobody", "a@b@c", "a b@c.example", 5, f"{'x' * 65}@c.example"])
def test_contacts_are_addresses(client: Client, contact: object) -> None:
    need = written(client)["needId"]
    response = client.post(f"/needs/{need}/answers", json={"text": "x", "contact": contact})
    assert response.status_code == 422


@pytest.mark.parametrize(
    ("content", "media_type", "status"),
    [
        (b"{", "application/json", 400),
        (b"\xff", "application/json", 400),
        (b'{"a": NaN}', "application/json", 400),
        (b"[" * 50_000, "application/json", 400),
        (b'"\\ud800"', "application/json", 422),
        (b"a=1", "application/x-www-form-urlencoded", 415),
        (b"{}", "", 415),
        (b" " * (LARGEST_BODY + 1), "application/json; charset=utf-8", 413),
    ],
)
def test_what_is_no_json(client: Client, content: bytes, media_type: str, status: int) -> None:
    response = client.post("/needs", content=content, headers={"Content-Type": media_type})
    assert response.status_code == status


def test_half_a_character_is_refused(client: Client) -> None:
    body = json.dumps({**NEED, "title": {"sv": "\ud800"}}).encode()
    response = client.post("/needs", content=body, headers={"Content-Type": "application/json"})
    assert response.status_code == 422


UNKNOWN = f"beh_{'0' * 32}"


@pytest.mark.parametrize(
    "path", ["", "/answers", f"/answers/sva_{'0' * 32}", "/transitions", f"/transitions/ste_{'0' * 32}"]
)
def test_an_unknown_need(client: Client, path: str) -> None:
    assert client.get(f"/needs/{UNKNOWN}{path}").status_code == 404


@pytest.mark.parametrize("path", [f"answers/sva_{'0' * 32}", f"transitions/ste_{'0' * 32}"])
def test_an_unknown_part_of_a_need(client: Client, path: str) -> None:
    assert client.get(f"/needs/{written(client)['needId']}/{path}").status_code == 404


@pytest.mark.parametrize("query", ["stage=done", "area=space", "q=", "page=x", "limit=0"])
def test_wrong_parameters(client: Client, query: str) -> None:
    assert client.get(f"/needs?{query}").status_code == 400


def a_need(organisation: str | None) -> store.Need:
    return store.Need(store.new_id("beh"), {}, {}, "logistics", None, "nytt", organisation, "t", "t")


def test_the_oldest_need_of_an_app_goes_first() -> None:
    held = store.Store()
    region, ours = a_need(None), a_need("org_ours")
    for need in (region, ours, *(a_need("org_ours") for _ in range(store.MOST_NEEDS - 1))):
        held.add(need)
    assert len(held.needs) == store.MOST_NEEDS
    assert region.id in held.needs
    assert ours.id not in held.needs


def test_answers_are_bounded(client: Client) -> None:
    need = written(client)["needId"]
    statuses = [
        client.post(f"/needs/{need}/answers", json={"text": "x"}).status_code
        for _ in range(store.MOST_ANSWERS + 1)
    ]
    assert statuses == [201] * store.MOST_ANSWERS + [409]


@given(st.lists(st.sampled_from(lifecycle.EVENTS), max_size=20))
def test_any_row_of_events_ends_in_a_stage(events: list[str]) -> None:
    stage = "nytt"
    for event in events:
        stage = lifecycle.after(stage, event) or stage
        assert stage in lifecycle.STAGES
        assert lifecycle.allowed(stage)

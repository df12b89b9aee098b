"""Organisations, apps, subscriptions, usage and tokens from the command line."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from console.errors import Invalid
from console.roles import Actor, Via
from console.services import organisations
from storage.database import Database
from tests.gateway.cli.terminal import Terminal


def claims(token: str) -> dict[str, Any]:
    part = token.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return found


def test_an_organisation_needs_no_number_here(terminal: Terminal) -> None:
    made = terminal.good("org create --json --name", "Prövbolaget").json
    assert made["name"] == "Prövbolaget"
    assert made["number"] == ""
    numbered = terminal.good("org create --json --number 559999-0016 --name B").json
    assert numbered["number"] == "5599990016"
    assert {row["id"] for row in terminal.good("org list --json").json} == {made["id"], numbered["id"]}


@pytest.mark.parametrize("operator", [False, True])
async def test_everybody_else_gives_a_number(sqlite_url: str, operator: bool) -> None:
    database = Database(sqlite_url)
    actor = Actor("per_1", operator=operator, via=Via.API, multi_factor=operator)
    try:
        async with database.begin() as session:
            with pytest.raises(Invalid):
                await organisations.create(
                    session, actor, name="A", number="", organisation_type="company", now=1
                )
    finally:
        await database.close()


def test_a_wrong_number_is_told_by_field(terminal: Terminal) -> None:
    outcome = terminal("org create --name A --number 123")
    assert outcome.status == 1
    assert "number: Write an organisation number of ten digits" in outcome.err


def test_a_name_that_is_taken(terminal: Terminal) -> None:
    terminal.good("org create --name", "Ånga AB")
    outcome = terminal("org create --json --name", "ånga  ab")
    assert outcome.status == 1
    assert outcome.out == ""
    assert "already" in outcome.error["message"]


def test_an_app_gets_what_a_first_call_needs(terminal: Terminal) -> None:
    terminal.set(PORT="18080", ADMIN_PORT="18081")
    made = terminal.app("--environment", "sandbox", "--api", "vardenheter", "--plan", "prova")
    assert made["client_id"].startswith("sluss_app_")
    assert made["client_secret"].startswith("sluss_sec_")
    assert made["token_endpoint"] == "http://localhost:18080/oauth2/token"
    assert made["scope"] == "vardenheter:read"
    assert [(row["api"], row["state"]) for row in made["subscriptions"]] == [("vardenheter/v1", "active")]


def test_several_apis_and_the_same_twice(terminal: Terminal) -> None:
    made = terminal.app("--api", "eko", "--api", "behov/v1", "--api", "eko/v1")
    assert {row["api"] for row in made["subscriptions"]} == {"eko/v1", "behov/v1"}
    assert set(made["scope"].split()) == {"behov:read", "behov:write", "eko:call"}


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        ("--org Nobody --name A", "sluss org create --name 'Nobody'"),
        ("--org Provbolaget --name A --api nothing", "behov/v1, eko/v1, vardenheter/v1"),
        ("--org Provbolaget --name A --api eko --plan nothing", "prova"),
        ("--org Provbolaget --name A --api eko --environment production", "environment"),
    ],
)
def test_a_refused_app_leaves_nothing(words: str, hint: str, terminal: Terminal) -> None:
    terminal.good("org create --name Provbolaget")
    outcome = terminal("app create", *words.split())
    assert outcome.status == 1
    assert outcome.err.startswith("sluss: ")
    assert hint in outcome.err
    assert terminal.good("app list --json --org Provbolaget").json == []


def test_a_plan_the_api_is_not_offered_on_names_those_it_is(terminal: Terminal) -> None:
    api = terminal.catalogue("eko") / "eko" / "api.yaml"
    text = api.read_text()
    api.write_text(
        text.replace("prova, ", "", 1) if "prova, " in text else text.replace("  - prova\n", "", 1)
    )
    terminal.good("org create --name Provbolaget")
    outcome = terminal("app create --org Provbolaget --name A --api eko --plan prova")
    assert outcome.status == 1
    assert "eko/v1 is not offered on plan 'prova'; it is on: " in outcome.err


def test_an_app_is_found_by_any_of_its_names_but_never_by_chance(terminal: Terminal) -> None:
    first = terminal.app(name="Samma")
    for wanted in ("Samma", first["id"], first["client_id"]):
        terminal.good("app rotate --org Provbolaget --app", wanted)
    second = terminal.app(name="Samma")
    outcome = terminal("app suspend --org Provbolaget --app Samma")
    assert outcome.status == 1
    assert first["id"] in outcome.err
    assert second["id"] in outcome.err
    suspended = terminal.good("app suspend --json --org Provbolaget --app", second["id"]).json
    assert suspended == {"id": second["id"], "state": "suspended"}
    resumed = terminal.good("app suspend --json --resume --org Provbolaget --app", second["id"]).json
    assert resumed["state"] == "active"
    assert terminal("app suspend --resume --org Provbolaget --app", second["id"]).status == 1
    outcome = terminal("app rotate --org Provbolaget --app Annan")
    assert "it has: Samma, Samma" in outcome.err


def test_rotating_gives_a_new_secret(terminal: Terminal) -> None:
    made = terminal.app()
    found = terminal.good("app rotate --json --overlap 60 --org Provbolaget --app Provappen").json
    assert found["client_id"] == made["client_id"]
    assert found["client_secret"] != made["client_secret"]


def test_a_subscription_waits_is_approved_and_closed(terminal: Terminal) -> None:
    made = terminal.app("--environment", "production", "--api", "eko", "--plan", "leverantor")
    (row,) = made["subscriptions"]
    assert (row["state"], made["scope"]) == ("requested", "")
    assert [each["id"] for each in terminal.good("subscription list --json").json] == [row["id"]]
    assert terminal.good("subscription approve --json", row["id"]).json["state"] == "active"
    assert terminal.good("subscription list --json").json == []
    assert terminal.good("subscription close --json", row["id"]).json["state"] == "closed"
    outcome = terminal("subscription approve", row["id"])
    assert outcome.status == 1
    assert "not possible in the present state" in outcome.err
    held = terminal.good("subscription list --json --org Provbolaget").json
    assert [each["state"] for each in held] == ["closed"]


def test_an_unknown_subscription(terminal: Terminal) -> None:
    outcome = terminal("subscription close sub_nothing")
    assert outcome.status == 1
    assert "sluss subscription list" in outcome.err


def test_usage_is_empty_at_first(terminal: Terminal) -> None:
    terminal.app()
    assert terminal.good("usage show --json --org Provbolaget --by day,api").json == []
    assert terminal.good("usage show --org Provbolaget").out == "(none)\n"


def test_a_token_of_the_sandbox(terminal: Terminal) -> None:
    made = terminal.app("--api", "eko")
    outcome = terminal("token issue --json --org Provbolaget --app Provappen")
    assert outcome.status == 1
    assert "sluss keys rotate" in outcome.error["message"]
    terminal.good("keys rotate")
    found = terminal.good("token issue --json --seconds 60 --org provbolaget --app Provappen").json
    held = claims(found["access_token"])
    assert held["client_id"] == made["client_id"]
    assert held["exp"] - held["iat"] == 60
    assert held["scope"] == found["scope"] == "eko:call"


def test_no_token_for_production_or_behind_a_public_address(terminal: Terminal) -> None:
    terminal.good("keys rotate")
    terminal.app("--environment", "production")
    outcome = terminal("token issue --org Provbolaget --app Provappen")
    assert outcome.status == 1
    assert "sandbox" in outcome.err
    terminal.set(ISSUER="https://api.region.example")
    outcome = terminal("token issue --org Provbolaget --app Provappen")
    assert outcome.status == 1
    assert "for development" in outcome.err

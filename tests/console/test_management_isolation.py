"""Another organisation's objects do not exist: every route, by every id, told apart by nothing (Z1, Z2, Z3)."""

from __future__ import annotations

from dataclasses import dataclass

import httpx
import pytest

from console.management.operation import Operation
from console.management.operations import TABLE
from tests.console.callers import PASSWORD, Console, Program
from tests.console.examples import ABSENT, body_of

WITH_OBJECTS = [operation for operation in TABLE if "Id}" in operation.path]
IDS = [operation.id for operation in WITH_OBJECTS]


@dataclass
class World:
    """Two organisations with everything in them, and what the first one owns."""

    stranger: Program
    own: str
    theirs: dict[str, str]


async def world(console: Console) -> World:
    owner = await console.person("agare@example.org")
    stranger = await console.person("framling@example.org")
    organisation = await console.organisation(owner, "Ånga AB")
    own = await console.organisation(stranger, "Bris AB")
    app = await console.app(owner, organisation)
    home = f"/organisations/{organisation}/apps/{app}"
    credential = (await owner.post(f"{home}/credentials", {})).json()["id"]
    subscription = (await owner.post(f"{home}/subscriptions", {"api": "behov/v1", "plan": "prova"})).json()[
        "id"
    ]
    token = (await owner.get("/personal-tokens")).json()["items"][0]["id"]
    invited = await owner.post(
        f"/organisations/{organisation}/invitations", {"email": "inbjuden@example.org", "role": "viewer"}
    )
    await console.browser().sign_in("agare@example.org", PASSWORD)
    theirs = {
        "invitationId": invited.json()["id"],
        "sessionId": (await owner.get("/sessions")).json()["items"][0]["id"],
        "organisationId": organisation,
        "appId": app,
        "credentialId": credential,
        "subscriptionId": subscription,
        "personId": owner.person_id,
        "tokenId": token,
    }
    return World(stranger, own, theirs)


def same(first: httpx.Response, second: httpx.Response) -> None:
    """Equal but for what names the one request."""

    def comparable(answer: httpx.Response) -> tuple[int, dict[str, object], dict[str, str]]:
        headers = {name: value for name, value in answer.headers.items() if name != "request-id"}
        return answer.status_code, {**answer.json(), "instance": ""}, headers

    assert comparable(first) == comparable(second)


@pytest.mark.parametrize("operation", WITH_OBJECTS, ids=IDS)
async def test_theirs_looks_as_absent(console: Console, operation: Operation) -> None:
    there = await world(console)
    body = body_of(operation)
    theirs = await there.stranger.call(operation.method, operation.path.format_map(there.theirs), body)
    absent = await there.stranger.call(operation.method, operation.path.format_map(ABSENT), body)
    assert theirs.status_code in (403, 404)
    same(theirs, absent)


@pytest.mark.parametrize(
    "operation",
    [operation for operation in WITH_OBJECTS if operation.path.count("Id}") > 1],
    ids=lambda operation: operation.id,
)
async def test_theirs_under_ones_own_organisation(console: Console, operation: Operation) -> None:
    """The id in the middle is one's own: the object's must be checked against it."""
    there = await world(console)
    body = body_of(operation)
    mixed = operation.path.format_map({**there.theirs, "organisationId": there.own})
    absent = operation.path.format_map({**ABSENT, "organisationId": there.own})
    first = await there.stranger.call(operation.method, mixed, body)
    second = await there.stranger.call(operation.method, absent, body)
    assert first.status_code in (403, 404)
    same(first, second)


async def test_nothing_was_changed_by_trying(console: Console) -> None:
    there = await world(console)
    owner = await console.person("tredje@example.org", operator=True)
    before = (await owner.get(f"/organisations/{there.theirs['organisationId']}/apps")).text
    for operation in WITH_OBJECTS:
        await there.stranger.call(
            operation.method, operation.path.format_map(there.theirs), body_of(operation)
        )
    after = (await owner.get(f"/organisations/{there.theirs['organisationId']}/apps")).text
    assert before == after
    state = await owner.get(
        f"/organisations/{there.theirs['organisationId']}/subscriptions/{there.theirs['subscriptionId']}"
    )
    assert state.json()["state"] == "active"


@pytest.mark.parametrize("parameter", ["organisationId", "appId"])
@pytest.mark.parametrize("route", ["/usage", "/audit-entries"])
async def test_filters_open_nothing(console: Console, route: str, parameter: str) -> None:
    there = await world(console)
    if route == "/audit-entries" and parameter == "appId":
        answer = await there.stranger.get(route, params={"appId": there.theirs["appId"]})
        assert answer.status_code == 400
        return
    base = {} if parameter == "organisationId" else {"organisationId": there.own}
    first = await there.stranger.get(route, params={**base, parameter: there.theirs[parameter]})
    second = await there.stranger.get(route, params={**base, parameter: ABSENT[parameter]})
    assert first.status_code == 404
    same(first, second)


async def test_a_list_holds_only_ones_own(console: Console) -> None:
    there = await world(console)
    for route in (
        "/organisations",
        f"/organisations/{there.own}/apps",
        f"/organisations/{there.own}/subscriptions",
    ):
        shown = (await there.stranger.get(route)).text
        for found in there.theirs.values():
            assert found not in shown


async def test_a_removed_member_loses_access_at_once(console: Console) -> None:
    owner = await console.person("agare@example.org")
    member = await console.person("medlem@example.org")
    organisation = await console.organisation(owner)
    added = await owner.post(
        f"/organisations/{organisation}/members", {"email": "medlem@example.org", "role": "owner"}
    )
    assert added.status_code == 201
    assert (await member.get(f"/organisations/{organisation}")).status_code == 200
    removed = await owner.delete(f"/organisations/{organisation}/members/{member.person_id}")
    assert removed.status_code == 204
    assert (await member.get(f"/organisations/{organisation}")).status_code == 404
    last = await owner.delete(f"/organisations/{organisation}/members/{owner.person_id}")
    assert last.json()["code"] == "last-owner"

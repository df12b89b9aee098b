"""Each role at each operation, over HTTP: the table of `console.roles` is what really holds (Z7)."""

from __future__ import annotations

import pytest

from console.management.operation import Door, Operation
from console.management.operations import TABLE
from console.roles import ALLOWED, Act, Role
from tests.console.callers import Console, Program
from tests.console.examples import ABSENT, body_of

# Which act each operation of an organisation asks for.
ACTS = {
    "getOrganisation": Act.ORGANISATION_READ,
    "listMembers": Act.MEMBER_READ,
    "getMember": Act.MEMBER_READ,
    "addMember": Act.MEMBER_ADD,
    "changeRole": Act.MEMBER_CHANGE,
    "createInvitation": Act.MEMBER_ADD,
    "listInvitations": Act.MEMBER_ADD,
    "withdrawInvitation": Act.MEMBER_ADD,
    "removeMember": Act.MEMBER_REMOVE,
    "disableOrganisation": Act.ORGANISATION_DISABLE,
    "enableOrganisation": Act.ORGANISATION_DISABLE,
    "createApp": Act.APP_CREATE,
    "listApps": Act.APP_READ,
    "getApp": Act.APP_READ,
    "deleteApp": Act.APP_DELETE,
    "getClient": Act.APP_READ,
    "replaceClient": Act.APP_CONFIGURE,
    "suspendApp": Act.APP_SUSPEND,
    "resumeApp": Act.APP_RESUME,
    "createCredential": Act.CREDENTIAL_CREATE,
    "listCredentials": Act.CREDENTIAL_READ,
    "getCredential": Act.CREDENTIAL_READ,
    "revokeCredential": Act.CREDENTIAL_REVOKE,
    "rotateCredentials": Act.CREDENTIAL_ROTATE,
    "requestSubscription": Act.SUBSCRIPTION_REQUEST,
    "listAppSubscriptions": Act.SUBSCRIPTION_READ,
    "listOrganisationSubscriptions": Act.SUBSCRIPTION_READ,
    "getSubscription": Act.SUBSCRIPTION_READ,
    "closeSubscription": Act.SUBSCRIPTION_CLOSE,
}
OF_ORGANISATION = [operation for operation in TABLE if operation.path.startswith("/organisations/{")]
OF_OPERATOR = [operation for operation in TABLE if operation.door is Door.OPERATOR]


def test_every_operation_has_its_act() -> None:
    assert {operation.id for operation in OF_ORGANISATION} == ACTS.keys()


async def cast(console: Console) -> tuple[str, dict[Role, Program]]:
    owner = await console.person("owner@example.org")
    organisation = await console.organisation(owner)
    people = {Role.OWNER: owner}
    for role in (Role.DEVELOPER, Role.BILLING, Role.VIEWER):
        people[role] = await console.person(f"{role}@example.org")
        added = await owner.post(
            f"/organisations/{organisation}/members", {"email": f"{role}@example.org", "role": role.value}
        )
        assert added.status_code == 201
    people[Role.OPERATOR] = await console.person("operator@example.org", operator=True)
    await console.person("medlem@example.org")
    return organisation, people


async def test_every_role_at_every_operation(console: Console) -> None:
    """Objects below the organisation are absent ones: who may act is told 404, who may not 403, before any look-up."""
    organisation, people = await cast(console)
    ids = {**ABSENT, "organisationId": organisation}
    wrong = []
    # Reads before changes, and what stops the organisation last of all.
    for operation in sorted(OF_ORGANISATION, key=lambda each: (each.mutates, each.door is Door.OPERATOR)):
        for role, person in people.items():
            answer = await person.call(operation.method, operation.path.format_map(ids), body_of(operation))
            refused = answer.status_code == 403
            if refused is (ACTS[operation.id] in ALLOWED[role]):
                wrong.append((operation.id, role, answer.status_code))
    assert wrong == []


@pytest.mark.parametrize("operation", OF_OPERATOR, ids=lambda operation: operation.id)
async def test_operators_routes_are_closed_to_owners(console: Console, operation: Operation) -> None:
    owner = await console.person("owner@example.org")
    organisation = await console.organisation(owner)
    path = operation.path.format_map({**ABSENT, "organisationId": organisation})
    answer = await owner.call(operation.method, path, body_of(operation))
    assert answer.status_code == 403
    assert answer.json()["code"] == "operator-only"


@pytest.mark.parametrize(
    "operation",
    [operation for operation in TABLE if operation.door is not Door.OPEN],
    ids=lambda operation: operation.id,
)
async def test_nothing_is_open_to_nobody(console: Console, operation: Operation) -> None:
    answer = await console.anyone().call(
        operation.method, operation.path.format_map(ABSENT), body_of(operation)
    )
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Bearer realm="sluss-management"'


async def test_a_refusal_is_on_record(console: Console) -> None:
    organisation, people = await cast(console)
    denied = await people[Role.VIEWER].post(
        f"/organisations/{organisation}/apps",
        {"name": "Prov", "environment": "sandbox"},
        headers={"Request-Id": "req-1"},
    )
    assert denied.status_code == 403
    entries = (await people[Role.OPERATOR].get("/audit-entries?limit=5")).json()["items"]
    assert entries[0]["act"] == "refused"
    assert entries[0]["actorId"] == people[Role.VIEWER].person_id
    assert entries[0]["objectId"] == "POST /management/v1/organisations/{organisationId}/apps"
    assert entries[0]["requestId"] == "req-1"


async def test_an_operator_empties_the_caches(console: Console) -> None:
    operator = await console.person("operator@example.org", operator=True)
    assert (await operator.post("/cache/purge", {"api": "behov/v1"})).json() == {"done": True}
    assert (await operator.post("/cache/purge", {})).status_code == 200
    unknown = await operator.post("/cache/purge", {"api": "finns-inte"})
    assert unknown.status_code in (400, 422)
    assert "behov/v1" in unknown.text
    entries = (await operator.get("/audit-entries?limit=2")).json()["items"]
    assert [(entry["act"], entry["objectId"]) for entry in entries] == [
        ("cache.purge", "*"),
        ("cache.purge", "behov/v1"),
    ]
    assert entries[0]["actorId"] == operator.person_id


async def test_nobody_makes_an_internal_organisation_but_operators(console: Console) -> None:
    """`internal` opens plans without invoices: the type is not the customer's to choose (Z5)."""
    owner = await console.person("owner@example.org")
    operator = await console.person("operator@example.org", operator=True)
    body = {"name": "Regionen", "number": "232100-0016", "type": "internal"}
    assert (await owner.post("/organisations", body)).status_code == 403
    assert (await operator.post("/organisations", body)).status_code == 201


async def test_a_disabled_organisation_can_look_but_not_touch(console: Console) -> None:
    organisation, people = await cast(console)
    owner, operator = people[Role.OWNER], people[Role.OPERATOR]
    assert (await operator.post(f"/organisations/{organisation}/disable")).status_code == 200
    assert (await owner.get(f"/organisations/{organisation}")).json()["disabled"] is True
    stopped = await owner.post(
        f"/organisations/{organisation}/apps", {"name": "Prov", "environment": "sandbox"}
    )
    assert stopped.json()["code"] == "organisation-disabled"
    assert (await operator.post(f"/organisations/{organisation}/enable")).status_code == 200
    assert await console.app(owner, organisation)


async def test_an_owner_cannot_undo_an_operators_stop(console: Console) -> None:
    organisation, people = await cast(console)
    app = await console.app(people[Role.OWNER], organisation)
    home = f"/organisations/{organisation}/apps/{app}"
    assert (await people[Role.OPERATOR].post(f"{home}/suspend")).json()["state"] == "suspended"
    assert (await people[Role.OWNER].post(f"{home}/resume")).status_code == 403
    assert (await people[Role.OWNER].post(f"{home}/credentials", {})).json()["code"] == "app-not-active"
    assert (await people[Role.OPERATOR].post(f"{home}/resume")).json()["state"] == "active"

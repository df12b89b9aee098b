"""What a hostile program sends to the management API: never taken, never 500, told nothing (Z4, P4)."""

from __future__ import annotations

import json

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from console.management.operation import Door, Operation
from console.management.operations import TABLE
from tests.console.callers import PASSWORD, ROOT, Console, Program
from tests.console.examples import ABSENT, BODIES, body_of

JSON = {"Content-Type": "application/json"}
TAKING = [operation for operation in TABLE if operation.takes is not None]


async def own(console: Console) -> tuple[Program, dict[str, str]]:
    owner = await console.person("owner@example.org")
    organisation = await console.organisation(owner)
    return owner, {**ABSENT, "organisationId": organisation, "appId": await console.app(owner, organisation)}


async def caller(console: Console, operation: Operation) -> tuple[Program, dict[str, str]]:
    """One who is let in at the operation's door."""
    owner, ids = await own(console)
    if operation.door is Door.OPERATOR:
        return await console.person("operator@example.org", operator=True), ids
    return owner, ids


PROTECTED = {
    "id": "org_" + "1" * 32,
    "organisationId": "org_" + "1" * 32,
    "role": "owner",
    "operator": True,
    "isAdmin": True,
    "state": "active",
    "tier": "gold",
    "limit": 10**9,
    "planVersion": 99,
    "price": 0,
    "createdAt": "2020-01-01T00:00:00Z",
    "createdBy": "per_1",
    "clientId": "sluss_app_1",
    "tokensValidFrom": 0,
    "__proto__": {"operator": True},
    "constructor": {},
}


@pytest.mark.parametrize("operation", TAKING, ids=lambda operation: operation.id)
async def test_fields_that_are_not_the_callers(console: Console, operation: Operation) -> None:
    owner, ids = await caller(console, operation)
    path = operation.path.format_map(ids)
    assert operation.takes is not None
    known = {field.alias or name for name, field in operation.takes.model_fields.items()}
    for name, value in PROTECTED.items():
        if name in known:
            continue
        answer = await owner.call(operation.method, path, {**BODIES[operation.id], name: value})
        assert answer.status_code == 400, (name, answer.text)
        assert answer.json()["errors"][0] == {
            "field": name,
            "code": "unknown-field",
            "detail": "Fältet finns inte här.",
        }


@pytest.mark.parametrize("operation", TAKING, ids=lambda operation: operation.id)
async def test_fields_by_their_python_names_are_unknown(console: Console, operation: Operation) -> None:
    """One spelling only: `overlap_seconds` beside `overlapSeconds` would be two values for one field."""
    owner, ids = await caller(console, operation)
    assert operation.takes is not None
    fields = operation.takes.model_fields
    for name, field in fields.items():
        if field.alias and field.alias != name:
            answer = await owner.call(
                operation.method, operation.path.format_map(ids), {**BODIES[operation.id], name: 1}
            )
            assert answer.status_code == 400, answer.text


BODIES_NEVER_TAKEN = [
    b"",
    b"null",
    b"[]",
    b"1",
    b'"x"',
    b"{",
    b'{"name": "a", "name": "b"}',
    b'{"name": NaN}',
    b'{"name": 1e999}',
    b'{"name": ' + b"9" * 5000 + b"}",
    b'{"name": "\\ud800"}',
    b'{"name": "\\u0000"}',
    b'{"name": "\xff"}',
    b"[" * 100_000,
    b'{"a":' * 20_000,
    b'{"name": true}',
    b'{"name": {"$ne": null}}',
    b'{"name": ["a"]}',
    b'{"name": "' + b"a" * 300_000 + b'"}',
]


@pytest.mark.parametrize("operation", TAKING, ids=lambda operation: operation.id)
async def test_bodies_that_are_never_taken(console: Console, operation: Operation) -> None:
    owner, ids = await caller(console, operation)
    path = operation.path.format_map(ids)
    for body in BODIES_NEVER_TAKEN:
        answer = await owner.call(operation.method, path, content=body, headers=JSON)
        assert answer.status_code in (400, 413), (body[:60], answer.text)
        assert "Traceback" not in answer.text


@pytest.mark.parametrize(
    "media",
    [
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/xml",
    ],
)
async def test_only_json_is_read(console: Console, media: str) -> None:
    owner, _ = await own(console)
    body = json.dumps(BODIES["createOrganisation"]).encode()
    answer = await owner.call("POST", "/organisations", content=body, headers={"Content-Type": media})
    assert answer.status_code == 415
    packed = await owner.call(
        "POST", "/organisations", content=body, headers={**JSON, "Content-Encoding": "gzip"}
    )
    assert packed.status_code == 415


async def test_charset_beside_json_is_no_other_type(console: Console) -> None:
    owner, _ = await own(console)
    body = json.dumps({"name": "Bris AB", "number": "5566778899", "type": "company"}).encode()
    answer = await owner.call(
        "POST", "/organisations", content=body, headers={"Content-Type": "Application/JSON; charset=utf-8"}
    )
    assert answer.status_code == 201


@pytest.mark.parametrize(
    "operation",
    [operation for operation in TABLE if operation.method == "GET"],
    ids=lambda operation: operation.id,
)
async def test_unknown_and_repeated_parameters(console: Console, operation: Operation) -> None:
    owner = await console.person("drift@example.org", operator=True)
    organisation = await console.organisation(owner)
    path = operation.path.format_map({**ABSENT, "organisationId": organisation})
    for query in (
        "access_token=x",
        "organisation_id=x",
        "page=1&page=2",
        "limit=0",
        "limit=101",
        "limit=1e9",
        "page=-1",
    ):
        answer = await owner.get(f"{path}?{query}")
        assert answer.status_code == 400, (query, answer.text)
        assert answer.json()["code"] == "unknown-parameter"


@pytest.mark.parametrize(
    "query",
    [
        "groupBy=password",
        "groupBy=api,api,nope",
        "groupBy=",
        "from=2026-13-01",
        "from=x",
        "to=0001-01-01",
        "from=2026-02-01&to=2026-01-01",
        "from=1990-01-01&to=2026-01-01",
        "appId=' OR 1=1",
        "organisationId=org_x",
        "groupBy=day,hour",
        "from=2026-01-01%00",
    ],
)
async def test_usage_takes_only_what_it_says(console: Console, query: str) -> None:
    owner, ids = await own(console)
    given = query if "organisationId" in query else f"{query}&organisationId={ids['organisationId']}"
    assert (await owner.get(f"/usage?{given}")).status_code == 400


@pytest.mark.parametrize(
    "path",
    [
        "/organisations/%00",
        "/organisations/org_%E0%80%80",
        "/organisations/" + "a" * 5000,
        "/organisations/org_1'--/apps",
        "/organisations/ORG_" + "0" * 32,
        "/organisations/%6frg_" + "0" * 32 + "%0a",
        "/apis/..%2f..%2fetc/v1",
        "/personal-tokens/%F0%9F%92%A9",
        "/",
        "",
        "/nope",
        "/people/",
        "/organisations//apps",
    ],
)
async def test_addresses_that_name_nothing(console: Console, path: str) -> None:
    owner, _ = await own(console)
    answer = await owner.client.get(f"{ROOT}{path}", headers={"Authorization": f"Bearer {owner.token}"})
    assert answer.status_code == 404
    assert answer.json()["code"] == "not-found"


@pytest.mark.parametrize("method", ["PUT", "PATCH", "TRACE", "OPTIONS", "PROPFIND", "post", "DELETE"])
async def test_methods_that_are_not_in_the_table(console: Console, method: str) -> None:
    owner, _ = await own(console)
    answer = await owner.client.request(
        method, f"{ROOT}/organisations", headers={"Authorization": f"Bearer {owner.token}"}
    )
    if method == "post":
        assert answer.status_code == 415  # httpx writes it in capitals
        return
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD, POST"


@pytest.mark.parametrize(
    "authorization",
    [
        "Bearer",
        "Bearer ",
        "Bearer x",
        "Basic YTpi",
        "bearer sluss_pat_" + "a" * 49,
        "Bearer sluss_sec_" + "a" * 49,
        "Bearer \xff\xfe",
        "sluss_pat_" + "a" * 49,
        "Bearer " + "a" * 60_000,
        "Bearer ' OR 1=1 --",
    ],
)
async def test_proofs_that_do_not_hold(console: Console, authorization: str) -> None:
    answer = await console.anyone().get(
        "/organisations",
        headers={"Authorization": authorization.encode("latin-1")},
    )
    assert answer.status_code == 401


@pytest.mark.parametrize("path", ["/apis", "/plans", "/apis/behov/v1"])
async def test_a_false_proof_is_refused_where_none_is_needed(console: Console, path: str) -> None:
    assert (await console.anyone().get(path)).status_code == 200
    answer = await console.anyone().get(path, headers={"Authorization": "Bearer x"})
    assert answer.status_code == 401


async def test_two_proofs_are_one_too_many(console: Console) -> None:
    owner, _ = await own(console)
    pairs = [("Authorization", f"Bearer {owner.token}"), ("Authorization", "Bearer x")]
    answer = await owner.client.get(f"{ROOT}/organisations", headers=pairs)
    assert answer.status_code == 400


async def test_a_token_works_in_its_header_only(console: Console) -> None:
    owner, _ = await own(console)
    assert (await owner.client.get(f"{ROOT}/people/me?access_token={owner.token}")).status_code == 401
    cookie = {"Cookie": f"sluss_session={owner.token}"}
    assert (await owner.client.get(f"{ROOT}/people/me", headers=cookie)).status_code == 401


async def test_an_ended_token_is_no_proof(console: Console) -> None:
    owner, _ = await own(console)
    made = await owner.post("/personal-tokens", {"name": "kort", "expiresInDays": 1})
    short = Program(console.client, made.json()["token"])
    assert (await short.get("/people/me")).status_code == 200
    assert (await owner.delete(f"/personal-tokens/{made.json()['id']}")).status_code == 204
    assert (await short.get("/people/me")).status_code == 401
    console.clock.at += 91 * 86_400
    assert (await owner.get("/people/me")).status_code == 401


async def test_sign_up_tells_what_is_wrong_without_repeating_it(console: Console) -> None:
    body = {"email": "kort@example.org", "name": "Kort", "password": "hemligt"}
    answer = await console.anyone().post("/people", body, headers={"Accept-Language": "en"})
    assert answer.status_code == 400
    assert "hemligt" not in answer.text
    assert answer.json()["errors"] == [
        {
            "field": "password",
            "code": "password-too-short",
            "detail": "The password must have at least 12 characters.",
        }
    ]


async def test_wrong_password_and_unknown_person_are_one_answer(console: Console) -> None:
    await console.person("finns@example.org")
    answers = [
        await console.anyone().post(
            "/personal-tokens", {"name": "x", "email": email, "password": "fel lösenord här"}
        )
        for email in ("finns@example.org", "finns-inte@example.org")
    ]
    assert [answer.status_code for answer in answers] == [401, 401]
    first, second = ({**answer.json(), "instance": ""} for answer in answers)
    assert first == second


async def test_guessing_is_slowed(console: Console) -> None:
    await console.person("finns@example.org")
    body = {"name": "x", "email": "finns@example.org", "password": "fel lösenord här"}
    answers = [await console.anyone().post("/personal-tokens", body) for _ in range(11)]
    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["retry-after"]) > 0
    right = await console.anyone().post("/personal-tokens", {**body, "password": PASSWORD})
    assert right.status_code == 429


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200), st.sampled_from(TAKING))
async def test_no_body_is_a_fault_of_ours(console: Console, body: bytes, operation: Operation) -> None:
    answer: httpx.Response = await console.anyone().call(
        operation.method, operation.path.format_map(ABSENT), content=body, headers=JSON
    )
    assert 400 <= answer.status_code < 500


def test_every_operation_that_takes_a_body_was_tried() -> None:
    assert {operation.id for operation in TAKING} == BODIES.keys()
    assert all(body_of(operation) is not None for operation in TAKING)

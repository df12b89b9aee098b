"""The main job through the management API: from nobody to a working client and its figures."""

from __future__ import annotations

import httpx

from storage import usage
from storage.usage import UsageRow
from tests.console.browser import ISSUER
from tests.console.callers import PASSWORD, Console, Program


async def token_of(client: httpx.AsyncClient, created: dict[str, str]) -> httpx.Response:
    return await client.post(
        "/oauth2/token",
        data={"grant_type": "client_credentials"},
        auth=(created["clientId"], created["clientSecret"]),
    )


async def test_from_sign_up_to_usage(console: Console) -> None:
    anyone = console.anyone()
    signed_up = await anyone.post(
        "/people", {"email": "Astrid@Example.org", "name": "Astrid", "password": PASSWORD}
    )
    assert signed_up.status_code == 201
    assert signed_up.json()["email"] == "astrid@example.org"
    made = await anyone.post(
        "/personal-tokens", {"name": "dator", "email": "astrid@example.org", "password": PASSWORD}
    )
    assert made.status_code == 201
    astrid = Program(console.client, made.json()["token"])

    organisation = await console.organisation(astrid)
    app = await console.app(astrid, organisation)
    home = f"/organisations/{organisation}/apps/{app}"
    for api in ("behov/v1", "vardenheter/v1"):
        answer = await astrid.post(f"{home}/subscriptions", {"api": api, "plan": "prova"})
        assert answer.status_code == 201, answer.text
        assert answer.json()["state"] == "active"
        shown = await console.client.get(
            answer.headers["location"], headers={"Authorization": f"Bearer {astrid.token}"}
        )
        assert shown.json() == answer.json()

    created = (await astrid.post(f"{home}/credentials", {})).json()
    assert created["clientSecret"].startswith("sluss_sec_")
    assert created["tokenEndpoint"] == f"{ISSUER}/oauth2/token"
    assert {"behov:read", "vardenheter:read"} <= set(created["scope"].split())
    listed = await astrid.get(f"{home}/credentials")
    assert created["clientSecret"] not in listed.text
    assert listed.json()["items"][0]["last4"] == created["clientSecret"][-4:]

    token = await token_of(console.client, created)
    assert token.status_code == 200, token.text

    subscription = (await astrid.get(f"{home}/subscriptions")).json()["items"][0]
    async with console.database.begin() as session:
        row = UsageRow(
            source="test",
            hour=console.clock.now() // 3600,
            subscription_id=subscription["id"],
            operation="listNeeds",
            outcome="served",
            organisation_id=organisation,
            app_id=app,
            api="behov/v1",
            plan="prova",
            plan_version=1,
            units=7,
            calls=7,
        )
        await usage.write(session, [row])
    figures = (await astrid.get("/usage", params={"organisationId": organisation})).json()
    assert [(row["api"], row["units"], row["calls"]) for row in figures["items"]] == [("behov/v1", 7, 7)]


async def test_operator_revokes_and_closes(console: Console) -> None:
    owner = await console.person("owner@example.org")
    operator = await console.person("drift@example.org", operator=True)
    organisation = await console.organisation(owner)
    app = await console.app(owner, organisation)
    home = f"/organisations/{organisation}/apps/{app}"
    made = await owner.post(f"{home}/subscriptions", {"api": "behov/v1", "plan": "prova"})
    created = (await owner.post(f"{home}/credentials", {})).json()
    token = (await token_of(console.client, created)).json()["access_token"]
    revoked = await operator.post("/revocations", {"token": token})
    assert revoked.status_code == 200, revoked.text
    closed = await operator.post(f"/subscriptions/{made.json()['id']}/close")
    assert closed.json()["state"] == "closed"
    assert (await operator.post(f"/subscriptions/{made.json()['id']}/close")).status_code == 409
    verified = await operator.get("/audit-verification")
    assert verified.json()["intact"] is True
    acts = [entry["act"] for entry in (await operator.get("/audit-entries?limit=100")).json()["items"]]
    assert {"app.create", "subscription.request", "credential.create", "token.revoke"} <= set(acts)

"""An app as an OAuth client, through the management API: replaced whole, judged, audited, and its tokens end (T14)."""

from __future__ import annotations

import httpx

from storage import apps
from storage.audit import latest
from tests.auth.holder import Holder
from tests.console.callers import Console, Program


async def own(console: Console) -> tuple[Program, str, str]:
    """An owner, the address of an app's metadata, the app."""
    owner = await console.person("owner@example.org")
    organisation = await console.organisation(owner)
    app = await console.app(owner, organisation)
    return owner, f"/organisations/{organisation}/apps/{app}/client", app


async def test_a_client_is_read_and_replaced_whole(console: Console) -> None:
    owner, path, app = await own(console)
    before = await owner.get(path)
    assert before.status_code == 200
    assert (before.json()["profile"], before.json()["authMethod"], before.json()["updatedAt"]) == (
        "default", "client_secret", None,
    )  # fmt: skip
    holder = Holder()
    keys = {"keys": [holder.public]}
    body = {"profile": "fapi2", "authMethod": "private_key_jwt", "jwks": keys}
    changed = await owner.call("PUT", path, body)
    assert changed.status_code == 200, changed.text
    assert changed.json()["jwks"] == keys
    assert (await owner.get(path)).json() == changed.json()
    again = await owner.call("PUT", path, {})
    assert again.json()["jwks"] is None
    async with console.database.read() as session:
        entries = [entry for entry in await latest(session) if entry.act == "app.configure"]
    assert [entry.object_id for entry in entries] == [app] * 2
    assert '"auth_method": "private_key_jwt"' in (entries[1].after or "").replace('":"', '": "')
    assert str(holder.public["x"]) not in (entries[1].after or "")


async def test_every_fault_is_named_at_once_by_its_name_in_json(console: Console) -> None:
    owner, path, _ = await own(console)
    body = {"profile": "fapi2", "redirectUris": ["javascript:alert(1)"], "jwksUri": "http://a.example/"}
    answer: httpx.Response = await owner.call("PUT", path, body, headers={"Accept-Language": "en"})
    assert answer.status_code == 400
    found = {each["field"]: each["detail"] for each in answer.json()["errors"]}
    assert found.keys() == {"redirectUris", "jwksUri", "authMethod"}
    assert "change the method or the profile" in found["authMethod"]


async def test_t14_tokens_end_when_the_key_goes_and_not_when_a_link_changes(console: Console) -> None:
    owner, path, app = await own(console)
    await owner.call("PUT", path, {"authMethod": "private_key_jwt", "jwks": {"keys": [Holder().public]}})
    line = await valid_from(console, app)
    console.clock.at += 10
    body = {"authMethod": "private_key_jwt", "jwks": {"keys": [Holder().public]}}
    assert (await owner.call("PUT", path, body)).status_code == 200
    moved = await valid_from(console, app)
    assert moved > line
    console.clock.at += 10
    assert (await owner.call("PUT", path, {**body, "clientUri": "https://a.example/"})).status_code == 200
    assert await valid_from(console, app) == moved


async def valid_from(console: Console, app_id: str) -> int:
    async with console.database.read() as session:
        (row,) = [each for each in await session.execute(apps.table.select()) if each.id == app_id]
    return int(row.tokens_valid_from)

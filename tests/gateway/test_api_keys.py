"""API keys on the line, where a publication takes them, and from the database into the snapshot (T33)."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path

import pytest

from auth.credentials import rotation
from auth.credentials.secrets import Prefix, make, well_formed
from auth.origin import system
from auth.policy import ApiKey
from gateway.catalog.model import Access, Catalog
from gateway.snapshot.keeper import SnapshotKeeper
from storage.database import Database
from tests.gateway.line_of_one import CLIENT, Remembered, Stand, reference, rows
from tests.storage.samples import tenant

KEY = make(Prefix.API_KEY)
ROOT = Path(__file__).resolve().parents[2]


def with_keys() -> Catalog:
    catalog = reference()
    apis = dict(catalog.apis)
    api = apis["eko/v1"]
    apis["eko/v1"] = replace(api, access=Access(credentials=("oauth2", "api_key")))
    return replace(catalog, apis=apis)


def put(stand: Stand, catalog: Catalog, expires_at: int | None = None) -> None:
    assert stand.snapshot is not None
    stand.use(rows(stand.mint), catalog)
    access = replace(stand.snapshot.access, api_keys={KEY.hash: ApiKey("cre_1", CLIENT, expires_at)})
    stand.snapshot = replace(stand.snapshot, access=access)


def call(stand: Stand, authorization: str) -> Remembered:
    return stand.call(stand.request("/eko/v1/echo", "GET", authorization))


def code_of(answer: Remembered) -> tuple[int, str]:
    return answer.status, json.loads(answer.body)["code"]


@pytest.mark.parametrize("scheme", ["ApiKey", "apikey"])
async def test_a_key_stands_for_every_scope_of_the_api(stand: Stand, scheme: str) -> None:
    put(stand, with_keys())
    answer = call(stand, f"{scheme} {KEY.text}")
    assert b"Sluss-App: app_1\r\n" in answer.order.injected
    assert b"Sluss-Scope: eko:call\r\n" in answer.order.injected
    assert KEY.text.encode() not in answer.order.injected
    assert not answer.order.terms.pass_authorization
    assert stand.counters.said == ["take 1", "sent", "keep"]


async def test_an_api_that_takes_tokens_alone_takes_no_key(stand: Stand) -> None:
    put(stand, reference())
    assert code_of(call(stand, f"ApiKey {KEY.text}")) == (403, "api-key-not-accepted")


@pytest.mark.parametrize(
    "text",
    [
        KEY.text[:-1],
        KEY.text + "x",
        KEY.text.swapcase(),
        make(Prefix.API_KEY).text,
        "x",
        "sluss_key_" + "A" * 49,
        "%",
        "_",
    ],
    ids=["shorter", "longer", "other case", "another", "x", "no checksum", "per cent", "underscore"],
)  # fmt: skip
async def test_t33_every_other_text_is_unknown(stand: Stand, text: str) -> None:
    put(stand, with_keys())
    assert code_of(call(stand, f"ApiKey {text}")) == (401, "unknown-api-key")
    assert stand.counters.said == []


@pytest.mark.parametrize(
    ("authorization", "code"),
    [
        (f"ApiKey  {KEY.text}", "missing-token"),
        (f"ApiKey {KEY.text} x", "missing-token"),
        ("ApiKey", "missing-token"),
        ("ApiKey " + "x" * 201, "missing-token"),
        (f"Bearer {KEY.text}", "malformed-token"),
    ],
    ids=["two spaces", "more behind it", "no key", "too long", "as Bearer"],
)
async def test_another_form_is_no_key(stand: Stand, authorization: str, code: str) -> None:
    put(stand, with_keys())
    assert code_of(call(stand, authorization)) == (401, code)


async def test_a_key_in_the_address_or_another_header_is_not_read(stand: Stand) -> None:
    put(stand, with_keys())
    request = stand.request(f"/eko/v1/echo?api_key={KEY.text}", "GET", None, X_API_Key=KEY.text)
    assert code_of(stand.call(request)) == (401, "missing-token")


async def test_a_key_ends_at_its_time(stand: Stand) -> None:
    put(stand, with_keys(), expires_at=int(time.time()) - 1)
    assert code_of(call(stand, f"ApiKey {KEY.text}")) == (401, "unknown-api-key")


async def test_the_edge_sees_keys_come_roll_and_go(database: Database) -> None:
    """Made, rolled with an overlap and ended: each is in the snapshot at the next look, and no secret is."""
    who = await tenant(database)
    keeper = SnapshotKeeper(database, [ROOT / "backends"], {}, "http://localhost:8080")
    await keeper.start()

    async def known() -> set[str]:
        await keeper._look(files=False)
        assert keeper.current is not None
        return set(keeper.current.access.api_keys)

    now, origin = int(time.time()), system("test")
    async with database.begin() as session:
        secret = await rotation.issue(session, who.id, who.app.id, now=now, origin=origin)
        first = await rotation.issue(session, who.id, who.app.id, now=now, origin=origin, kind="api_key")
    assert well_formed(first.secret.text, Prefix.API_KEY)
    assert await known() == {first.secret.hash}
    async with database.begin() as session:
        second = await rotation.rotate(
            session, who.id, who.app.id, overlap=3600, now=now, origin=origin, kind="api_key"
        )
    assert await known() == {first.secret.hash, second.secret.hash}
    assert keeper.current is not None
    assert keeper.current.access.api_keys[first.secret.hash].expires_at == now + 3600
    assert keeper.current.access.api_keys[second.secret.hash].expires_at is None
    async with database.begin() as session:
        await rotation.revoke(session, who.id, second.credential.id, now=now, origin=origin)
    assert await known() == {first.secret.hash}
    assert set(keeper.current.access.live_keys) == {first.credential.id}
    assert secret.secret.hash not in keeper.current.access.api_keys
    again = SnapshotKeeper(database, [ROOT / "backends"], {}, "http://localhost:8080")
    await again.start()  # everything anew, as at a start
    assert again.current is not None
    assert set(again.current.access.api_keys) == {first.secret.hash}
    await again.stop()
    await keeper.stop()

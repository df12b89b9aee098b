"""Client metadata: the usual without a row, replaced whole, and nobody's but its organisation's."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from storage import apps, changes, clients
from storage.clients import ClientMetadata
from storage.database import Database
from storage.errors import NotFound
from tests.storage.samples import NOW, tenant, two_tenants


def filled(app_id: str) -> ClientMetadata:
    """Every member set, and otherwise than it is by default."""
    return ClientMetadata(
        app_id=app_id,
        profile="fapi2",
        auth_method="private_key_jwt",
        auth_signing_alg="PS256",
        application_type="native",
        redirect_uris=("https://a.example/cb", "https://a.example/å"),
        post_logout_redirect_uris=("https://a.example/out",),
        grant_types=("authorization_code", "refresh_token"),
        response_types=("code",),
        scopes=("behov:read",),
        jwks='{"keys":[]}',
        jwks_uri="https://a.example/jwks",
        tls_client_auth_name="san_dns",
        tls_client_auth_value="a.example",
        dpop_bound_access_tokens=True,
        tls_client_certificate_bound_access_tokens=True,
        require_pushed_authorization_requests=True,
        id_token_signed_response_alg="RS256",
        backchannel_logout_uri="https://a.example/logout",
        backchannel_logout_session_required=True,
        client_uri="https://a.example/",
        logo_uri="https://a.example/logo.png",
        tos_uri="https://a.example/tos",
        policy_uri="https://a.example/policy",
        contacts=("a@a.example",),
        software_id="s",
        software_version="1",
        updated_at=NOW,
    )


async def test_an_app_without_a_row_is_the_usual_client(database: Database) -> None:
    who = await tenant(database)
    async with database.read() as session:
        found = await clients.get(session, who.id, who.app.id)
    assert found == clients.usual(who.app.id)
    assert (found.auth_method, found.grant_types) == ("client_secret", ("client_credentials",))


async def test_every_member_comes_back_and_is_replaced_whole(database: Database) -> None:
    who = await tenant(database)
    client, usual = filled(who.app.id), clients.usual(who.app.id)
    same = [each.name for each in fields(client) if getattr(client, each.name) == getattr(usual, each.name)]
    assert same == ["app_id"]
    async with database.begin() as session:
        before = await changes.current(session)
        await clients.put(session, who.id, client)
        assert await clients.get(session, who.id, who.app.id) == client
        assert await changes.current(session) == before + 1  # the edge looks again
        less = replace(usual, scopes=(), updated_at=NOW + 1)
        await clients.put(session, who.id, less)
        assert await clients.get(session, who.id, who.app.id) == less


async def test_only_its_own_organisation_reads_and_writes_it(database: Database) -> None:
    us, them = await two_tenants(database)
    async with database.begin() as session:
        await clients.put(session, us.id, filled(us.app.id))
        assert await clients.get(session, them.id, us.app.id) == clients.usual(us.app.id)
        with pytest.raises(NotFound):
            await clients.put(session, them.id, clients.usual(us.app.id))
        assert await clients.get(session, us.id, us.app.id) == filled(us.app.id)
        await apps.set_state(session, us.id, us.app.id, "deleted", NOW)
        with pytest.raises(NotFound):
            await clients.put(session, us.id, clients.usual(us.app.id))

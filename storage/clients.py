"""What an app is as an OAuth client: how it proves itself, what it may ask for, where answers may be sent.

The names are those of the client metadata registry (RFC 7591, 2; RFC 8705, RFC 9449, OpenID Connect). An app
without a row is a client with `usual`: a secret, client credentials, nothing else. What each profile demands
is `auth.profiles`; here nothing is judged.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Table, Text, select
from sqlalchemy.ext.asyncio import AsyncSession

from storage import apps, changes
from storage.errors import NotFound
from storage.schema.metadata import metadata
from storage.schema.rows import columns, insert_into, one, row_of
from storage.schema.texts import Texts


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientMetadata:
    app_id: str
    profile: str = "default"  # default, fapi2, smart
    # client_secret (basic or post, as the client likes), client_secret_basic, client_secret_post,
    # private_key_jwt, tls_client_auth, self_signed_tls_client_auth, none
    auth_method: str = "client_secret"
    auth_signing_alg: str | None = None  # the one algorithm of its assertions; None: any its profile allows
    application_type: str = "web"  # web, native
    redirect_uris: tuple[str, ...] = ()
    post_logout_redirect_uris: tuple[str, ...] = ()
    grant_types: tuple[str, ...] = ("client_credentials",)
    response_types: tuple[str, ...] = ()
    scopes: tuple[str, ...] | None = None  # at most these; None: all that its subscriptions give
    jwks: str | None = None  # a JWK Set as JSON, public members only; x5c for self-signed certificates
    jwks_uri: str | None = None  # never together with `jwks`
    tls_client_auth_name: str | None = None  # subject_dn, san_dns, san_uri, san_ip, san_email
    tls_client_auth_value: str | None = None
    dpop_bound_access_tokens: bool = False
    tls_client_certificate_bound_access_tokens: bool = False
    require_pushed_authorization_requests: bool = False
    id_token_signed_response_alg: str = "ES256"  # noqa: S105 - an algorithm
    backchannel_logout_uri: str | None = None
    backchannel_logout_session_required: bool = False
    client_uri: str | None = None
    logo_uri: str | None = None
    tos_uri: str | None = None
    policy_uri: str | None = None
    contacts: tuple[str, ...] = ()
    software_id: str | None = None
    software_version: str | None = None
    updated_at: int = 0


table = Table(
    "clients",
    metadata,
    Column("app_id", ForeignKey("apps.id"), primary_key=True),
    Column("profile", Text, nullable=False),
    Column("auth_method", Text, nullable=False),
    Column("auth_signing_alg", Text),
    Column("application_type", Text, nullable=False),
    Column("redirect_uris", Texts, nullable=False),
    Column("post_logout_redirect_uris", Texts, nullable=False),
    Column("grant_types", Texts, nullable=False),
    Column("response_types", Texts, nullable=False),
    Column("scopes", Texts),
    Column("jwks", Text),
    Column("jwks_uri", Text),
    Column("tls_client_auth_name", Text),
    Column("tls_client_auth_value", Text),
    Column("dpop_bound_access_tokens", Boolean, nullable=False),
    Column("tls_client_certificate_bound_access_tokens", Boolean, nullable=False),
    Column("require_pushed_authorization_requests", Boolean, nullable=False),
    Column("id_token_signed_response_alg", Text, nullable=False),
    Column("backchannel_logout_uri", Text),
    Column("backchannel_logout_session_required", Boolean, nullable=False),
    Column("client_uri", Text),
    Column("logo_uri", Text),
    Column("tos_uri", Text),
    Column("policy_uri", Text),
    Column("contacts", Texts, nullable=False),
    Column("software_id", Text),
    Column("software_version", Text),
    Column("updated_at", BigInteger, nullable=False),
)


def usual(app_id: str) -> ClientMetadata:
    """What an app without a row is."""
    return ClientMetadata(app_id=app_id)


async def get(session: AsyncSession, organisation_id: str, app_id: str) -> ClientMetadata:
    """The app's metadata, `usual` without a row. Another organisation's app looks like one without a row, so the
    caller has the app already.
    """
    owned = select(apps.table.c.id).where(apps.table.c.organisation_id == organisation_id)
    found = select(*columns(table, ClientMetadata)).where(table.c.app_id == app_id, table.c.app_id.in_(owned))
    return await one(session, ClientMetadata, found) or usual(app_id)


async def put(session: AsyncSession, organisation_id: str, client: ClientMetadata) -> None:
    """Replaces the whole. Raises `NotFound` when the organisation has no such app or it is deleted."""
    app = await apps.get(session, organisation_id, client.app_id)
    if app is None or app.state == "deleted":
        raise NotFound("app")
    row = row_of(client)
    statement = insert_into(session, table).values(row)
    await session.execute(statement.on_conflict_do_update(index_elements=[table.c.app_id], set_=row))
    await changes.bump(session, changes.APP, client.app_id)

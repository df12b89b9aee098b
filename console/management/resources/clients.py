"""An app as an OAuth client: its metadata, read and replaced whole."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints
from pydantic.alias_generators import to_camel

from console.errors import Invalid
from console.management.operation import Answer, Call
from console.management.shapes import Shape, Timestamp, optional_timestamp
from console.services import clients
from storage.clients import ClientMetadata

Text = Annotated[str, StringConstraints(min_length=1, max_length=2048)]
Texts = Annotated[list[Text], Field(max_length=100)]
Profile = Literal["default", "fapi2", "smart"]
Method = Literal[
    "client_secret", "client_secret_basic", "client_secret_post", "private_key_jwt",
    "tls_client_auth", "self_signed_tls_client_auth", "none",
]  # fmt: skip


class NewClient(Shape):
    """The whole: what is left out is as usual. `jwks` is a JWK Set with public keys."""

    profile: Profile = "default"
    auth_method: Method = "client_secret"
    auth_signing_alg: Text | None = None
    application_type: Literal["web", "native"] = "web"
    redirect_uris: Texts = Field(default_factory=list)
    post_logout_redirect_uris: Texts = Field(default_factory=list)
    grant_types: Texts = Field(default_factory=lambda: ["client_credentials"])
    scopes: Annotated[
        Texts | None, Field(description="At most these; null: all that subscriptions give.")
    ] = None
    jwks: dict[str, object] | None = None
    jwks_uri: Text | None = None
    tls_client_auth_name: Text | None = None
    tls_client_auth_value: Text | None = None
    dpop_bound_access_tokens: bool = False
    tls_client_certificate_bound_access_tokens: bool = False
    require_pushed_authorization_requests: bool = False
    id_token_signed_response_alg: Literal["ES256"] = "ES256"  # noqa: S105 - an algorithm
    backchannel_logout_uri: Text | None = None
    backchannel_logout_session_required: bool = False
    client_uri: Text | None = None
    logo_uri: Text | None = None
    tos_uri: Text | None = None
    policy_uri: Text | None = None
    contacts: Texts = Field(default_factory=list)
    software_id: Text | None = None
    software_version: Text | None = None


class ClientShape(NewClient):
    app_id: str
    updated_at: Timestamp | None


async def get(call: Call) -> Answer:
    found = await clients.get(call.session, call.person, call.path["organisationId"], call.path["appId"])
    return Answer(_shown(found))


async def put(call: Call) -> Answer:
    body = call.body_as(NewClient)
    given: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in body}
    jwks = None if body.jwks is None else json.dumps(body.jwks)
    wanted = ClientMetadata(app_id=call.path["appId"], **{**given, "jwks": jwks})
    try:
        changed = await clients.put(
            call.session, call.person, call.path["organisationId"], wanted, now=call.now
        )
    except Invalid as refusal:  # its fields bear the names of storage, the caller's those of JSON
        named = [replace(each, name=to_camel(each.name)) for each in refusal.fields]
        raise Invalid("client", fields=named) from refusal
    return Answer(_shown(changed))


def _shown(row: ClientMetadata) -> ClientShape:
    members = {
        name: list(value) if isinstance(value, tuple) else value for name, value in asdict(row).items()
    }
    del members["response_types"]  # follows from the grant types
    members["jwks"] = None if row.jwks is None else json.loads(row.jwks)
    members["updated_at"] = optional_timestamp(row.updated_at or None)
    return ClientShape.model_validate(members, by_name=True, by_alias=False)

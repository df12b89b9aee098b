"""The device code grant at the token endpoint (RFC 8628, 3.4 and 3.5): a device asks if the person has answered."""

from __future__ import annotations

from auth.authorization.faults import AccessDenied
from auth.credentials.secrets import hash_of
from auth.grants.authorization_code import alive, narrowed
from auth.grants.faults import AuthorizationPending, DeviceCodeExpired, DeviceCodeRefused, SlowDown
from auth.grants.issuing import Issuing, may_refresh, new_refresh_token
from auth.grants.scopes import ApiScopes
from auth.server.call import Call
from auth.server.clients import Client
from auth.server.core import Body
from auth.server.faults import MissingParameter
from storage.oauth import device_codes, grants
from storage.oauth.device_codes import DeviceCode
from storage.oauth.grants import Grant

SLOWER = 5  # seconds that one question too early adds (3.5)


class Device:
    def __init__(self, issuer: str, issuing: Issuing, api_scopes: ApiScopes) -> None:
        self._issuer = issuer
        self._issuing = issuing
        self._api_scopes = api_scopes

    async def __call__(self, call: Call, client: Client) -> Body:
        """Raises the errors of 3.5, DeviceCodeRefused and MissingParameter."""
        text = call.form.get("device_code")
        if text is None:
            raise MissingParameter
        row = await device_codes.by_device(call.session, hash_of(text))
        if row is None or row.app_id != client.app.id:
            raise DeviceCodeRefused
        if row.state == "pending":
            await _wait(call, row)
        if row.state == "denied":
            raise AccessDenied
        grant = await self._taken(call, row)
        api = narrowed(call.form.get("resource"), grant, self._issuer, self._api_scopes)
        scope = frozenset(grant.scope.split())
        body = await self._issuing.answer(call, client, grant, scope, api, None)
        if may_refresh(client, scope):
            body["refresh_token"] = await new_refresh_token(call.session, client, grant, call.now)
        return body

    async def _taken(self, call: Call, row: DeviceCode) -> Grant:
        grant = None if row.grant_id is None else await grants.get(call.session, row.grant_id)
        if grant is None or not await device_codes.move(call.session, row.device_hash, "used"):
            raise DeviceCodeRefused
        if call.now >= row.expires_at or grant.revoked_at is not None or not await alive(call, grant):
            raise DeviceCodeExpired
        return grant


async def _wait(call: Call, row: DeviceCode) -> None:
    """Raises DeviceCodeExpired, SlowDown, AuthorizationPending."""
    if call.now >= row.expires_at:
        raise DeviceCodeExpired
    early = row.polled_at is not None and call.now - row.polled_at < row.interval
    interval = row.interval + SLOWER if early else row.interval
    await device_codes.polled(call.session, row.device_hash, call.now, interval)
    raise SlowDown if early else AuthorizationPending

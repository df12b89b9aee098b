"""An endpoint where a client proves itself and asks for something: what Authlib's core wants of one."""

from __future__ import annotations

from authlib.oauth2.rfc6749.token_endpoint import TokenEndpoint  # type: ignore[import-untyped]
from sqlalchemy.util import await_only

from auth.grants.token_grant import Work
from auth.server.clients import Client
from auth.server.core import Body, OAuthRequest
from auth.server.faults import NO_STORE, Headers


class ClientEndpoint(TokenEndpoint):  # type: ignore[misc]
    """`work` answers an authenticated client, with `status` when it raises nothing."""

    def __init__(self, name: str, status: int, work: Work) -> None:
        super().__init__()
        self.ENDPOINT_NAME = name
        self._status = status
        self._work = work

    def create_endpoint_response(self, request: OAuthRequest) -> tuple[int, Body, Headers]:
        client: Client = self.server.authenticate_client(request)
        return self._status, await_only(self._work(request.call, client)), list(NO_STORE)

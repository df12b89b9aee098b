"""What the grants of the token endpoint share: Authlib's core asks these methods and nothing else."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from authlib.oauth2.rfc6749.grants.base import BaseGrant, TokenEndpointMixin  # type: ignore[import-untyped]
from sqlalchemy.util import await_only

from auth.authorization.faults import UnauthorizedClient
from auth.server.call import Call
from auth.server.clients import Client
from auth.server.core import Body, Core, OAuthRequest
from auth.server.faults import NO_STORE, Headers

Work = Callable[[Call, Client], Awaitable[Body]]


def token_grant(grant_type: str, work: Work) -> type[TokenEndpointMixin]:
    """The class for one grant type: an authenticated client that is registered for it, then `work`."""

    class TokenGrant(BaseGrant, TokenEndpointMixin):  # type: ignore[misc]
        GRANT_TYPE = grant_type
        request: OAuthRequest
        server: Core

        def validate_token_request(self) -> None:
            client = self.server.authenticate_client(self.request)
            if not client.check_grant_type(grant_type):
                raise UnauthorizedClient

        def create_token_response(self) -> tuple[int, Body, Headers]:
            return 200, await_only(work(self.request.call, self.request.client)), list(NO_STORE)

    return TokenGrant

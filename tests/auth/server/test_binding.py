"""Where a client's tokens must be bound, and where they need not be yet (RFC 9449, 10.1)."""

from __future__ import annotations

import pytest

from auth.proofs.nonces import Nonces
from auth.server.binding import bound
from auth.server.call import Call
from auth.server.clients import Client
from auth.server.faults import UnboundRequest
from auth.server.presented import Presented
from storage import apps
from storage.clients import ClientMetadata
from tests.auth.mint import ISSUER, NOW
from tests.auth.platform import NOBODY, Platform


@pytest.mark.parametrize(
    "members",
    [
        {"profile": "fapi2"},
        {"dpop_bound_access_tokens": True},
        {"tls_client_certificate_bound_access_tokens": True},
    ],
)
async def test_a_pushed_request_needs_no_proof_and_a_token_does(
    platform: Platform, members: dict[str, object]
) -> None:
    made = await platform.client("behov/v1")
    async with platform.database.begin() as session:
        app = await apps.by_client_id(session, made.client_id)
        assert app is not None
        metadata = ClientMetadata(app_id=app.id, **members)  # type: ignore[arg-type]  # by name
        client = Client(app, "private_key_jwt", metadata)
        shown, nonces = Presented(made.client_id, "private_key_jwt"), Nonces(b"k" * 32)
        pushed = Call(session, NOW, NOBODY, shown, {}, f"{ISSUER}/oauth2/par", None, True)
        assert (await bound(pushed, client, nonces)).claims == {}
        asked = Call(session, NOW, NOBODY, shown, {}, f"{ISSUER}/oauth2/token", None, True)
        with pytest.raises(UnboundRequest):
            await bound(asked, client, nonces)

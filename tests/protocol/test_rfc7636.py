"""RFC 7636 and RFC 9700, 2.1.1: PKCE with S256 for every client (promise T18)."""

from __future__ import annotations

from tests.protocol.flow import Flow


async def test_section_4_the_verifier_redeems_the_code(any_flow: Flow) -> None:
    app, person = await any_flow.app(), await any_flow.person()
    body = await app.tokens(person)
    assert body["scope"] == "behov:read offline_access openid"

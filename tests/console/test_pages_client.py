"""The page of an app's metadata: filled with what is there, saved whole, every fault beside its field."""

from __future__ import annotations

import json

from tests.auth.holder import Holder
from tests.console.callers import PASSWORD, Console


async def test_the_page_shows_changes_and_refuses(console: Console) -> None:
    owner = await console.person("owner@example.org")
    organisation = await console.organisation(owner)
    app = await console.app(owner, organisation)
    browser = console.browser(**{"Accept-Language": "en"})
    await browser.sign_in("owner@example.org", PASSWORD)
    path = f"/console/organisations/{organisation}/apps/{app}/client"
    shown = await browser.get(path)
    assert shown.status == 200
    assert "Key or certificate, never a secret" in shown.text
    keys = Holder().jwks
    fields = {
        "profile": "fapi2",
        "auth_method": "private_key_jwt",
        "grant_types": "client_credentials authorization_code",
        "redirect_uris": "https://a.example/cb\r\nhttps://b.example/cb",
        "jwks": keys,
        "dpop_bound_access_tokens": "y",
    }
    nonsense = {**fields, "auth_method": "client_secret", "redirect_uris": "javascript:alert(1)"}
    wrong = await browser.submit(shown, "/client", nonsense)
    assert wrong.status == 400
    assert "change the method or the profile" in wrong.text
    assert 'id="redirect_uris-error"' in wrong.answer.text
    saved = await browser.submit(shown, "/client", fields)
    assert saved.path == path.removesuffix("/client")
    held = (await owner.get(path.removeprefix("/console"))).json()
    assert held["profile"] == "fapi2"
    assert held["redirectUris"] == ["https://a.example/cb", "https://b.example/cb"]
    assert held["jwks"] == json.loads(keys)
    assert held["dpopBoundAccessTokens"] is True
    assert "https://b.example/cb" in (await browser.get(path)).answer.text

"""The management API with the console's cookie: reading is free, changing needs proof of origin (Z13)."""

from __future__ import annotations

import pytest

from tests.console.browser import ISSUER
from tests.console.callers import PASSWORD, ROOT, Console

BODY = {"name": "Bris AB", "number": "556677-8899", "type": "company"}
PROOF = {"Origin": ISSUER, "X-Sluss-CSRF": "1"}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 403),
        ({"X-Sluss-CSRF": "1"}, 403),
        ({"Origin": ISSUER}, 403),
        ({"Origin": "https://evil.example", "X-Sluss-CSRF": "1"}, 403),
        ({"Origin": "null", "X-Sluss-CSRF": "1"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": ISSUER, "X-Sluss-CSRF": "1"}, 403),
        ({"Sec-Fetch-Site": "same-site", "X-Sluss-CSRF": "1"}, 403),
        ({**PROOF, "X-Sluss-CSRF": "0"}, 403),
        (PROOF, 201),
        ({"Sec-Fetch-Site": "same-origin", "X-Sluss-CSRF": "1"}, 201),
    ],
)
async def test_changing(console: Console, headers: dict[str, str], status: int) -> None:
    await console.person("astrid@example.org")
    browser = console.browser()
    await browser.sign_in("astrid@example.org", PASSWORD)
    answer = await browser.client.post(f"{ROOT}/organisations", json=BODY, headers=headers)
    assert answer.status_code == status, answer.text
    if status == 403:
        assert answer.json()["code"] == "cross-site"
    shown = (await browser.client.get(f"{ROOT}/organisations")).json()
    assert len(shown["items"]) == (1 if status == 201 else 0)


async def test_a_personal_token_needs_proof_too(console: Console) -> None:
    """Its route is open to anyone with a password, but a session's cookie alone must not make one."""
    await console.person("astrid@example.org")
    browser = console.browser()
    await browser.sign_in("astrid@example.org", PASSWORD)
    refused = await browser.client.post(f"{ROOT}/personal-tokens", json={"name": "x"})
    assert refused.status_code == 403
    open_too = await browser.client.post(f"{ROOT}/people", json={})
    assert open_too.status_code == 403
    taken = await browser.client.post(f"{ROOT}/personal-tokens", json={"name": "x"}, headers=PROOF)
    assert taken.status_code == 201


async def test_the_cookie_ends_with_the_session(console: Console) -> None:
    await console.person("astrid@example.org")
    browser = console.browser()
    page = await browser.sign_in("astrid@example.org", PASSWORD)
    kept = "; ".join(f"{name}={value}" for name, value in browser.client.cookies.items())
    assert (await browser.client.get(f"{ROOT}/people/me")).status_code == 200
    await browser.submit(page, "/sign-out")
    again = await console.client.get(f"{ROOT}/people/me", headers={"Cookie": kept})
    assert again.status_code == 401


async def test_no_other_origin_may_read(console: Console) -> None:
    """No CORS header anywhere: a page of another site can send, but is told nothing."""
    for headers in ({"Origin": "https://evil.example"}, {"Origin": "null"}):
        answer = await console.client.get(f"{ROOT}/apis", headers=headers)
        assert not [name for name in answer.headers if name.startswith("access-control-")]

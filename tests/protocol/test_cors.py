"""Pages of other origins (RFC 9700, 2.6): the endpoints an app in a browser fetches from, and none that it goes to."""

from __future__ import annotations

import pytest

from tests.protocol.flow import Flow

ELSEWHERE = {"Origin": "https://app.example"}
ASKING = {**ELSEWHERE, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "dpop"}


@pytest.mark.parametrize("name", ["token", "par", "device", "revoke", "userinfo"])
async def test_an_app_in_a_browser_may_call_and_read(flow: Flow, name: str) -> None:
    asked = await flow.outside.request("OPTIONS", f"/oauth2/{name}", headers=ASKING)
    assert asked.status_code == 204
    assert "POST" in asked.headers["Access-Control-Allow-Methods"]
    assert {"Authorization", "DPoP"} <= set(asked.headers["Access-Control-Allow-Headers"].split(", "))
    answer = await flow.outside.post(f"/oauth2/{name}", data={"client_id": "x"}, headers=ELSEWHERE)
    assert answer.status_code in (400, 401)
    for headers in (asked.headers, answer.headers):
        assert headers["Access-Control-Allow-Origin"] == "*"
        assert "Access-Control-Allow-Credentials" not in headers


@pytest.mark.parametrize(
    "path",
    ["/oauth2/authorize", "/oauth2/logout", "/oauth2/introspect", "/console/sign-in", "/console/consent"],
)
async def test_nobody_else_reads_where_a_person_goes(flow: Flow, path: str) -> None:
    for method in ("GET", "POST", "OPTIONS"):
        answer = await flow.outside.request(method, path, headers=ASKING)
        assert not [name for name in answer.headers if name.startswith("access-control")]

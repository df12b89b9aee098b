"""Each refusal of the line, walked over a real socket: its status, its own code, and nothing reached the upstream."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator

import httpx
import pytest

from gateway.catalog.model import Environment
from tests.line.platform import Client, Platform


@pytest.fixture(scope="module")
def client(platform: Platform) -> Client:
    return platform.client(("eko/v1",))


@pytest.fixture
def untouched(platform: Platform) -> Iterator[None]:
    """The upstream answers nothing during the test."""
    before = platform.seen()
    yield
    assert platform.seen() == before


def refused(answer: httpx.Response, status: int, code: str) -> dict[str, object]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, object] = answer.json()
    assert set(body) == {"type", "title", "status", "detail", "instance", "code"}
    assert body["code"] == code
    assert str(body["type"]).endswith(f"/portal/problems/{code}/")
    assert body["instance"] == f"urn:sluss:request:{answer.headers['request-id']}"
    assert answer.headers["cache-control"] == "no-store"
    return body


def test_a_call_with_everything_in_order_passes(platform: Platform, client: Client) -> None:
    answer = platform.get("/eko/v1/echo?a=1&a=2", platform.token(client))
    assert answer.status_code == 200
    echoed = answer.json()
    headers = {field["name"].lower(): field["value"] for field in echoed["headers"]}
    assert "authorization" not in headers
    assert headers["sluss-app"] == client.app_id
    assert headers["sluss-organisation"] == client.organisation_id
    assert headers["sluss-environment"] == "sandbox"
    assert headers["forwarded"].startswith("for=127.0.0.1;host=")
    assert headers["traceparent"] == answer.headers["traceparent"]
    assert echoed["query"] == [{"name": "a", "value": "1"}, {"name": "a", "value": "2"}]
    assert {"ratelimit", "ratelimit-policy", "request-id"} <= set(answer.headers)


@pytest.mark.usefixtures("untouched")
class TestRefused:
    def test_unknown_api(self, platform: Platform) -> None:
        refused(platform.get("/finns-inte/v1/x"), 404, "no-such-api")

    def test_unknown_operation(self, platform: Platform) -> None:
        refused(platform.get("/eko/v1/finns-inte"), 404, "no-such-operation")

    def test_method(self, platform: Platform) -> None:
        answer = httpx.post(platform.url("/eko/v1/stream"), trust_env=False)
        refused(answer, 405, "method-not-allowed")
        assert answer.headers["allow"] == "GET, HEAD"

    def test_unpublished_path_of_the_upstream(self, platform: Platform, client: Client) -> None:
        refused(platform.get("/eko/v1/_count", platform.token(client)), 404, "no-such-operation")

    def test_host(self, platform: Platform) -> None:
        answer = platform.get("/eko/v1/echo", headers={"Host": "evil.example"})
        assert answer.status_code == 421
        assert answer.json()["code"] == "unknown-host"

    def test_unread(self, platform: Platform) -> None:
        """Refused before the line: problem, language, Request-Id; the record says no more than it may."""
        with socket.create_connection(("127.0.0.1", platform.ports[0]), timeout=30) as raw:
            raw.sendall(
                b"POST /eko/v1/1912121212?pnr=1912121212 HTTP/1.1\r\nHost: localhost\r\nAccept-Language: en\r\n"
                b"Authorization: Bearer secret\r\nContent-Length: +5\r\n\r\n"
            )
            answer = b""
            while piece := raw.recv(65536):
                answer += piece
        head, _, body = answer.partition(b"\r\n\r\n")
        problem = json.loads(body)
        assert head.startswith(b"HTTP/1.1 400")
        assert b"Content-Language: en" in head
        assert problem["code"] == "ambiguous-length"
        request_id = problem["instance"].removeprefix("urn:sluss:request:")
        assert f"Request-Id: {request_id}".encode() in head
        path = platform.folder / "access-0.log"
        platform.wait(lambda: request_id in path.read_text())
        (record,) = [json.loads(line) for line in path.read_text().splitlines() if request_id in line]
        assert (record["template"], record["method"], record["status"]) == ("(unread)", "POST", 400)
        assert (record["code"], record["peer"]) == ("ambiguous-length", "127.0.0.1")
        assert not any("1912121212" in str(value) or "secret" in str(value) for value in record.values())

    def test_no_token(self, platform: Platform) -> None:
        answer = platform.get("/eko/v1/echo")
        refused(answer, 401, "missing-token")
        assert answer.headers["www-authenticate"] == 'Bearer realm="sluss"'

    def test_garbage_token(self, platform: Platform) -> None:
        answer = platform.get("/eko/v1/echo", "garbage")
        refused(answer, 401, "malformed-token")
        assert 'error="invalid_token"' in answer.headers["www-authenticate"]

    def test_changed_signature(self, platform: Platform, client: Client) -> None:
        head, claims, signature = platform.token(client).split(".")
        other = platform.token(client).split(".")[2]
        assert other != signature
        refused(platform.get("/eko/v1/echo", f"{head}.{claims}.{other}"), 401, "foreign-token")

    def test_expired(self, platform: Platform, client: Client) -> None:
        refused(platform.get("/eko/v1/echo", platform.token(client, life=-120)), 401, "expired-token")

    def test_scope(self, platform: Platform, client: Client) -> None:
        answer = platform.get("/eko/v1/echo", platform.token(client, scopes=""))
        refused(answer, 403, "missing-scope")
        assert 'scope="eko:call"' in answer.headers["www-authenticate"]

    def test_no_subscription(self, platform: Platform, client: Client) -> None:
        refused(platform.get("/behov/v1/needs", platform.token(client)), 403, "no-subscription")

    def test_environment(self, platform: Platform, client: Client) -> None:
        wrong = platform.token(client, environment="production")
        refused(platform.get("/eko/v1/echo", wrong), 403, "wrong-environment")

    def test_body_too_large(self, platform: Platform, client: Client) -> None:
        answer = httpx.post(
            platform.url("/eko/v1/echo"),
            headers={"Authorization": f"Bearer {platform.token(client)}"},
            content=b"x" * (1024 * 1024 + 1),
            trust_env=False,
        )
        refused(answer, 413, "body-too-large")

    def test_language(self, platform: Platform) -> None:
        swedish = refused(platform.get("/eko/v1/echo"), 401, "missing-token")["detail"]
        english = platform.get("/eko/v1/echo", headers={"Accept-Language": "en"})
        assert english.headers["content-language"] == "en"
        assert english.json()["detail"] != swedish

    def test_too_fast(self, platform: Platform) -> None:
        # Used up on behov, so that the upstream of this class stays untouched.
        slow = platform.client(("behov/v1",), plan="forskning")
        token = platform.token(slow)
        answers = [platform.get("/behov/v1/needs", token) for _ in range(7)]
        assert [answer.status_code for answer in answers] == [200] * 5 + [429] * 2
        refused(answers[-1], 429, "rate-exceeded")
        assert 1 <= int(answers[-1].headers["retry-after"]) <= 10
        assert answers[-1].headers["ratelimit-policy"].startswith('"rate";q=5;w=50')

    def test_quota(self, platform: Platform) -> None:
        small = platform.client(("behov/v1",), plan="innovation")
        token = platform.token(small)
        with httpx.Client(headers={"Authorization": f"Bearer {token}"}, trust_env=False) as http:
            answers = [http.get(platform.url("/behov/v1/needs")) for _ in range(53)]
        assert [answer.status_code for answer in answers] == [200] * 50 + [429] * 3
        refused(answers[-1], 429, "quota-exceeded")
        left = [int(a.headers["ratelimit"].split('"day";r=')[1].split(";")[0]) for a in answers[:50]]
        assert left == list(range(49, -1, -1))


def test_a_plan_that_bills_at_the_end_goes_on(platform: Platform) -> None:
    client = platform.client(("eko/v1",), plan="leverantor", environment=Environment.PRODUCTION)
    token = platform.token(client, environment="production")
    with httpx.Client(headers={"Authorization": f"Bearer {token}"}, trust_env=False) as http:
        assert {http.get(platform.url("/eko/v1/echo")).status_code for _ in range(55)} == {200}


def test_documents_beside_an_api_are_open(platform: Platform) -> None:
    info = platform.get("/eko/v1/api-info")
    assert info.json()["apiStatus"] == "active"
    document = platform.get("/eko/v1/openapi.json")
    assert document.json()["servers"][0]["url"] == f"{platform.issuer}/eko/v1"
    assert platform.get("/eko/v1/openapi.yaml").headers["content-type"] == "application/yaml"


def test_the_control_plane_is_reached_through_the_same_port(platform: Platform) -> None:
    metadata = platform.get("/.well-known/oauth-authorization-server").json()
    assert metadata["issuer"] == platform.issuer
    assert metadata["token_endpoint"] == f"{platform.issuer}/oauth2/token"


def test_a_token_of_the_authorization_server_passes(platform: Platform, client: Client) -> None:
    answer = httpx.post(
        platform.url("/oauth2/token"),
        data={"grant_type": "client_credentials"},
        auth=(client.client_id, client.secret),
        trust_env=False,
    )
    assert answer.status_code == 200, answer.text
    assert platform.get("/eko/v1/echo", answer.json()["access_token"]).status_code == 200


def test_identity_headers_of_the_client_never_pass(platform: Platform, client: Client) -> None:
    answer = platform.get(
        "/eko/v1/echo",
        platform.token(client),
        {
            "Sluss-Organisation": "org_evil",
            "SLUSS-APP": "app_evil",
            "X-Forwarded-For": "6.6.6.6",
            "Cookie": "a=b",
        },
    )
    text = json.dumps(answer.json()["headers"])
    assert "evil" not in text
    assert "6.6.6.6" not in text
    assert "cookie" not in text.lower()


def test_records_hold_templates_and_no_secrets(platform: Platform, client: Client) -> None:
    token = platform.token(client)
    platform.get("/eko/v1/echo/19121212-1212?pnr=191212121212", token)
    path = platform.folder / "access-0.log"
    platform.wait(lambda: "/eko/v1/echo/{word}" in path.read_text())
    text = path.read_text()
    assert "1212121" not in text
    assert "19121212" not in text
    assert token not in text
    for line in text.splitlines():
        json.loads(line)


def test_metrics_are_bounded(platform: Platform) -> None:
    for number in range(5):
        platform.get(f"/finns-inte-{number}/v1/x")
    page = httpx.get(f"http://127.0.0.1:{platform.admin_ports[0]}/metrics", trust_env=False).text
    assert "finns-inte" not in page
    assert 'sluss_refusals_total{code="no-such-api"}' in page


def test_usage_is_in_the_ledger_to_the_unit(platform: Platform) -> None:
    client = platform.client(("eko/v1",))
    token = platform.token(client)
    before = platform.seen()
    with httpx.Client(headers={"Authorization": f"Bearer {token}"}, trust_env=False, timeout=10) as http:
        for path in ["/echo"] * 20 + ["/status/404"] * 3 + ["/status/503"] * 4:
            http.get(platform.url(f"/eko/v1{path}"))
    assert platform.seen() - before == 27
    until = time.monotonic() + 10
    while (found := platform.ledger(client)) != {
        "served": 23,
        "upstream_failed": 4,
    } and time.monotonic() < until:
        time.sleep(0.05)
    assert found == {"served": 23, "upstream_failed": 4}

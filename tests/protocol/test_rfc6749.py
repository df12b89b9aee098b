"""RFC 6749: the token endpoint and the client credentials grant (promises T22-T24, Z6)."""

from __future__ import annotations

import asyncio
import json
import logging
from base64 import b64encode
from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.applications import Starlette

from auth.server.app import AuthorizationServer, routes
from storage import apps, signing_keys, subscriptions
from storage.database import Database
from tests.auth.mint import ISSUER, NOW
from tests.auth.platform import API_SCOPES, Client, Platform, basic, from_address

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
GRANT = {"grant_type": "client_credentials"}


@pytest.fixture
async def client(platform: Platform) -> Client:
    return await platform.client("behov/v1", "eko/v1")


def is_error(answer: httpx.Response, status: int, error: str) -> None:
    """Section 5.2: the form of every refusal."""
    assert (answer.status_code, answer.json()["error"]) == (status, error), answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Type"] == "application/json"
    assert ("WWW-Authenticate" in answer.headers) == (status == 401)


async def test_section_4_4_a_token_for_basic_and_for_post(any_platform: Platform) -> None:
    client = await any_platform.client("behov/v1")
    by_header = await any_platform.ask(client)
    secret = {"client_id": client.client_id, "client_secret": client.secret}
    by_body = await any_platform.http.post("/oauth2/token", data={**GRANT, **secret})
    for answer in (by_header, by_body):
        assert answer.status_code == 200
        body = answer.json()
        assert body.keys() == {"access_token", "token_type", "expires_in", "scope"}
        assert (body["token_type"], body["expires_in"]) == ("Bearer", 300)
        assert body["scope"] == "behov:read behov:write"
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Pragma"] == "no-cache"
        principal = await any_platform.principal(body["access_token"])
        assert principal.client_id == principal.subject == client.client_id
        assert (principal.organisation_id, principal.app_id) == (client.organisation_id, client.app_id)
        assert (principal.issued_at, principal.expires_at) == (NOW, NOW + 300)
        assert principal.environment == "sandbox"


async def test_section_5_1_two_tokens_differ(platform: Platform, client: Client) -> None:
    one, other = [await platform.principal(await platform.token(client)) for _ in range(2)]
    assert one.token_id != other.token_id
    assert len(one.token_id) >= 22  # 128 bits


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        ("behov:read", "behov:read"),
        ("behov:write behov:read", "behov:read behov:write"),
        ("behov:read behov:read", "behov:read"),
        ("", "behov:read behov:write eko:call"),
    ],
)
async def test_section_3_3_scopes_as_asked(
    platform: Platform, client: Client, asked: str, given: str
) -> None:
    answer = await platform.ask(client, scope=asked)
    assert answer.json()["scope"] == given
    principal = await platform.principal(answer.json()["access_token"])
    assert principal.scopes == frozenset(given.split(" "))


EVIL_SCOPES = [
    "vardenheter:read", "behov:read vardenheter:read", "admin", "*", "behov:*", "BEHOV:READ", "behov:read,behov:write",
    " behov:read", "behov:read ", "behov:read  behov:write", "behov:read\tbehov:write", "behov:read\n",
    "behov:read\x00",
    'behov:read"', "behov:read\\", "behöv:read", "\U0001f600", "openid", "offline_access", "' OR 1=1 --", "a" * 5000,
]  # fmt: skip


@pytest.mark.parametrize("scope", EVIL_SCOPES)
async def test_section_3_3_no_scope_beyond_the_subscriptions(
    platform: Platform, client: Client, scope: str
) -> None:
    """T22, T24, Z6."""
    is_error(await platform.ask(client, scope=scope), 400, "invalid_scope")


@pytest.mark.parametrize("state", ["requested", "suspended", "closed"])
async def test_section_3_3_only_active_subscriptions_count(
    platform: Platform, client: Client, state: str
) -> None:
    async with platform.database.begin() as session:
        sub = await subscriptions.add(
            session, client.organisation_id, client.app_id, api="vardenheter/v1", plan="prova", plan_version=1,
            state="requested", now=NOW,
        )  # fmt: skip
        for step in {"requested": [], "suspended": ["active", "suspended"], "closed": ["closed"]}[state]:
            await subscriptions.set_state(session, client.organisation_id, sub.id, step, NOW)
    is_error(await platform.ask(client, scope="vardenheter:read"), 400, "invalid_scope")
    assert "vardenheter" not in (await platform.ask(client)).json()["scope"]


async def test_section_3_3_without_subscriptions_a_token_without_scopes(platform: Platform) -> None:
    answer = await platform.ask(await platform.client())
    assert answer.status_code == 200
    assert "scope" not in answer.json()
    assert (await platform.principal(answer.json()["access_token"])).scopes == frozenset()


async def test_z6_another_apps_subscription_lends_nothing(platform: Platform, client: Client) -> None:
    sibling = await platform.client("vardenheter/v1", organisation=client.organisation_id)
    is_error(await platform.ask(client, scope="vardenheter:read"), 400, "invalid_scope")
    is_error(await platform.ask(sibling, scope="behov:read"), 400, "invalid_scope")


@pytest.mark.parametrize(
    "grant",
    [
        "password", "implicit", "CLIENT_CREDENTIALS", "client_credentials ", "authorization_code ", "Refresh_Token",
        "urn:ietf:params:oauth:grant-type:jwt-bearer", "urn:ietf:params:oauth:grant-type:token-exchange",
        'x"y', "x\\y", "å", "\x00", "__class__",
    ],
)  # fmt: skip
async def test_section_5_2_no_other_grant(platform: Platform, client: Client, grant: str) -> None:
    """T24, and pitfall 1: what a client sent is never repeated, so it can break nothing."""
    answer = await platform.ask(client, grant_type=grant)
    is_error(answer, 400, "unsupported_grant_type")
    assert grant not in answer.text


@pytest.mark.parametrize("form", [{}, {"grant_type": ""}, {"scope": "behov:read"}])
async def test_section_5_2_a_missing_grant_type(
    platform: Platform, client: Client, form: dict[str, str]
) -> None:
    headers = {"Authorization": client.basic, **FORM}
    is_error(await platform.http.post("/oauth2/token", data=form, headers=headers), 400, "invalid_request")


def wrong_headers(client: Client, other: Client) -> list[str]:
    """T23."""
    me, secret = client.client_id, client.secret
    flipped = secret[:-1] + ("A" if secret[-1] != "A" else "B")

    def raw(text: bytes) -> str:
        return "Basic " + b64encode(text).decode()

    return [
        basic(me, ""), basic(me, flipped), basic(me, secret.swapcase()), basic(me, secret + "\x00"),
        basic(me, secret + " "),
        basic(me, " " + secret), basic(me, secret[:-1]), basic(me, secret * 2), basic(me, other.secret),
        basic(me.upper(), secret), basic(me + "\x00", secret), basic(me + " ", secret), basic(me + "%00", secret),
        basic("", secret), basic("", ""), basic("%", secret), basic("*", secret), basic("_" * len(me), secret),
        basic("' OR 1=1 --", secret), basic("x" * 3000, secret), basic(me, "x" * 3000), basic(other.client_id, secret),
        basic("unknown", "secret"), raw(me.encode()), raw(b"\xff\xfe:\xff"), raw(f"{me}:".encode() + b"\xc3\x28"),
        raw(f"{me}:%ff".encode()), raw(b"\xed\xa0\x80:x"), raw(b"::"), "Basic", "Basic ", "Basic !!!", "Basic a",
        "Basic =", f"Basic  {client.basic[6:]}", f"Basic {client.basic[6:]} ", f"Basic\t{client.basic[6:]}",
        f"Basic {client.basic[6:]},x", "Bearer abc", "Digest x", "DPoP x", client.basic[6:], f"Basic {secret}", "å",
    ]  # fmt: skip


async def test_section_2_3_wrong_client_credentials_in_the_header(platform: Platform, client: Client) -> None:
    other = await platform.client("behov/v1")
    answers = []
    for number, header in enumerate(wrong_headers(client, other)):
        headers = {"Authorization": header.encode("utf-8"), **_address(number)}
        answer = await platform.http.post("/oauth2/token", data=GRANT, headers=headers)  # type: ignore[arg-type]
        is_error(answer, 401, "invalid_client")
        answers.append((answer.content, {n: v for n, v in answer.headers.items() if n != "content-length"}))
    assert all(answer == answers[0] for answer in answers)  # one answer for every reason


async def test_section_2_3_wrong_client_credentials_in_the_body(platform: Platform, client: Client) -> None:
    me, secret = client.client_id, client.secret
    cases = [
        {"client_id": me}, {"client_secret": secret}, {}, {"client_id": me, "client_secret": ""},
        {"client_id": me, "client_secret": secret + "\x00"}, {"client_id": me, "client_secret": secret.lower()},
        {"client_id": me.upper(), "client_secret": secret}, {"client_id": me + "\x00", "client_secret": secret},
        {"client_id": "\udcff".encode("utf-8", "surrogatepass").decode("latin-1"), "client_secret": "x"},
        {"client_id": me, "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
        {"client_id": me, "client_assertion": b64encode(b'{"alg":"none"}').decode() + ".e30."},
    ]  # fmt: skip
    for number, case in enumerate(cases):
        answer = await platform.http.post("/oauth2/token", data={**GRANT, **case}, headers=_address(number))
        is_error(answer, 401, "invalid_client")


def _address(number: int) -> dict[str, str]:
    return from_address(f"198.51.100.{number + 1}")  # an address each, so that no limit on tries is met


async def test_section_2_3_a_name_that_the_database_cannot_hold(any_platform: Platform) -> None:
    """PostgreSQL refuses NUL in a text; that must not become a 500."""
    for name in ("\x00", "a\x00b", "x" * 5000, "å", "\U0001f600"):
        form = {**GRANT, "client_id": name, "client_secret": "x"}
        is_error(await any_platform.http.post("/oauth2/token", data=form), 401, "invalid_client")


async def test_section_2_3_one_method_only(platform: Platform, client: Client) -> None:
    """T23, pitfall 11."""
    other = await platform.client("behov/v1")
    both = {"Authorization": client.basic}
    cases = [
        ({"client_secret": client.secret}, both),
        ({"client_id": client.client_id, "client_secret": client.secret}, both),
        ({"client_id": other.client_id}, both),
        ({"client_assertion": "x"}, both),
        ({"client_assertion_type": "x"}, both),
        ({"client_id": client.client_id, "client_secret": client.secret, "client_assertion": "x"}, {}),
        ({"client_id": client.client_id, "client_secret": client.secret}, {"Authorization": "Bearer x"}),
    ]
    for form, headers in cases:
        answer = await platform.http.post("/oauth2/token", data={**GRANT, **form}, headers=headers)
        is_error(answer, 400, "invalid_request")
    two = [("Authorization", client.basic), ("Authorization", client.basic)]
    is_error(await platform.http.post("/oauth2/token", data=GRANT, headers=two), 400, "invalid_request")
    named_too = {**GRANT, "client_id": client.client_id}
    assert (await platform.http.post("/oauth2/token", data=named_too, headers=both)).status_code == 200


@pytest.mark.parametrize("path", ["token", "revoke", "introspect"])
async def test_section_3_2_the_form(platform: Platform, client: Client, path: str) -> None:
    good = b"grant_type=client_credentials&token=x"
    headers = {"Authorization": client.basic, **FORM}
    cases: list[tuple[str, bytes, dict[str, str], int]] = [
        (f"?client_secret={client.secret}", good, {}, 400),
        ("?client_id=x", good, {}, 400),
        ("?token=x", good, {}, 400),
        ("?anything=x", good, {}, 400),
        ("", good + b"&grant_type=client_credentials", {}, 400),
        ("", good + b"&token=x", {}, 400),
        ("", good + b"&scope=behov:read&scope=behov:write", {}, 400),
        ("", good + b"&unknown=1&unknown=1", {}, 400),
        ("", good + b"&unknown=&unknown=1", {}, 400),
        ("", good + b"&scope=%ff", {}, 400),
        ("", good + b"&scope=\xff", {}, 400),
        ("", good + b"&a%ed%a0%80=1", {}, 400),
        ("", good + b"".join(b"&p%d=1" % number for number in range(40)), {}, 400),
        ("", good, {"Content-Type": "application/json"}, 400),
        ("", good, {"Content-Type": "text/plain"}, 400),
        ("", good, {"Content-Type": "multipart/form-data; boundary=x"}, 400),
        ("", good, {"Content-Type": "application/x-www-form-urlencoded; charset=utf-16"}, 400),
        ("", good, {"Content-Type": ""}, 400),
        ("", b"token=" + b"x" * 17_000, {}, 413),
    ]
    for query, body, extra, status in cases:
        answer = await platform.http.post(
            f"/oauth2/{path}{query}", content=body, headers={**headers, **extra}
        )
        is_error(answer, status, "invalid_request")
        assert client.secret not in answer.text


async def test_section_3_2_a_body_without_length_is_counted(platform: Platform, client: Client) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 1
            yield b"x" * 4096

    answer = await platform.http.post(
        "/oauth2/token",
        content=endless(),
        headers={"Authorization": client.basic, **FORM},
    )
    is_error(answer, 413, "invalid_request")
    assert sent < 100


@pytest.mark.parametrize("kind", ["utf-8", "UTF-8", '"utf-8"'])
async def test_section_3_2_the_charset_may_be_named(platform: Platform, client: Client, kind: str) -> None:
    headers = {
        "Authorization": client.basic,
        "Content-Type": f"application/x-www-form-urlencoded;charset={kind}",
    }
    answer = await platform.http.post(
        "/oauth2/token", content=b"grant_type=client_credentials", headers=headers
    )
    assert answer.status_code == 200


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "HEAD"])
@pytest.mark.parametrize("path", ["token", "revoke", "introspect"])
async def test_section_3_2_post_only(platform: Platform, method: str, path: str) -> None:
    answer = await platform.http.request(method, f"/oauth2/{path}")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")


async def test_section_2_3_the_edges_host_header_changes_nothing(platform: Platform, client: Client) -> None:
    headers = {"Authorization": client.basic, "Host": "evil.example", "X-Forwarded-Host": "evil.example"}
    answer = await platform.http.post("/oauth2/token", data=GRANT, headers=headers)
    assert (await platform.principal(answer.json()["access_token"])).client_id == client.client_id
    document = (await platform.http.get("/.well-known/oauth-authorization-server", headers=headers)).text
    assert "evil" not in document
    assert json.loads(document)["issuer"] == ISSUER


@pytest.mark.parametrize("state", ["suspended", "deleted"])
async def test_a_suspended_app_gets_no_token(any_platform: Platform, state: str) -> None:
    """T14."""
    client = await any_platform.client("behov/v1")
    async with any_platform.database.begin() as session:
        await apps.set_state(session, client.organisation_id, client.app_id, state, NOW)
    is_error(await any_platform.ask(client), 401, "invalid_client")


async def test_twenty_parallel_requests_get_twenty_tokens(any_platform: Platform) -> None:
    client = await any_platform.client("behov/v1")
    tokens = await asyncio.gather(*(any_platform.token(client) for _ in range(20)))
    assert len({(await any_platform.principal(token)).token_id for token in tokens}) == 20


async def test_the_log_never_holds_a_token_or_a_secret(
    platform: Platform, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    """Pitfall 6: Authlib prints live tokens at DEBUG."""
    with caplog.at_level(logging.DEBUG):
        token = await platform.token(client)
        headers = {"Authorization": client.basic}
        await platform.http.post("/oauth2/introspect", data={"token": token}, headers=headers)
        await platform.http.post("/oauth2/revoke", data={"token": token}, headers=headers)
        await platform.http.post(
            "/oauth2/token", data=GRANT, headers={"Authorization": client.basic[:-3] + "AAA"}
        )
    for record in caplog.records:
        text = f"{record.getMessage()} {record.args!r}"
        for secret in (token, token.split(".")[2], client.secret, client.basic[6:]):
            assert secret not in text, record.name


async def test_an_away_database_is_said_so() -> None:
    database = Database("postgresql://nobody:secret@127.0.0.1:1/sluss")
    server = AuthorizationServer(database, ISSUER, b"k" * 32, lambda: API_SCOPES, lambda: float(NOW))
    transport = httpx.ASGITransport(Starlette(routes=routes(server)))
    async with httpx.AsyncClient(transport=transport, base_url=ISSUER) as http:
        shown = {"Authorization": basic("sluss_app_x", "sluss_sec_x")}
        answers = [
            await http.post("/oauth2/token", data=GRANT, headers=shown),
            await http.get("/oauth2/jwks"),
        ]
    await database.close()
    for answer in answers:
        is_error(answer, 503, "temporarily_unavailable")
        assert "Retry-After" in answer.headers
        assert "127.0.0.1" not in answer.text


async def test_a_platform_without_keys_signs_nothing(platform: Platform, client: Client) -> None:
    async with platform.database.begin() as session:
        for row in await signing_keys.all_published(session):
            if row.state == "active":
                await signing_keys.set_state(session, row.kid, "retiring", NOW)
    is_error(await platform.ask(client), 500, "server_error")

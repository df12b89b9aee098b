"""What no route answers and what nobody foresaw: one shape, a request id, nothing else (P4)."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from auth.passwords import Passwords
from auth.people import People
from auth.server.interactive.authorize import AuthorizationEndpoint
from auth.server.interactive.device import DeviceAnswers
from auth.server.interactive.endpoints import PersonEndpoints
from auth.server.interactive.logout import LogoutEndpoint
from console.app import create
from console.letters.post import MemoryOutbox, Post
from gateway.catalog.model import Catalog
from storage.database import Database
from tests.console.browser import ISSUER
from tests.console.callers import Clock, Console

PAGE = {"Accept": "text/html,application/xhtml+xml"}


PRIVATE = "hemligt-lösenord"


class SecretInside(Exception):
    """As a driver's error, which names the parameters of its statement."""


async def broken(_: Request) -> Response:
    raise SecretInside(PRIVATE)


@pytest.fixture
async def client(passwords: Passwords, catalog: Catalog, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A control plane whose database is away, and which has one broken route."""
    database = Database("postgresql://sluss@127.0.0.1:1/none")
    app = create(
        database=database,
        issuer=ISSUER,
        catalog=lambda: catalog,
        authorization_server=[Route("/broken", broken, methods=["GET"])],
        endpoints=PersonEndpoints(
            AuthorizationEndpoint(database, ISSUER, dict),
            LogoutEndpoint(database, ISSUER),
            DeviceAnswers(database),
        ),
        portal_tree=tmp_path / "portal",
        clock=Clock(0),
        people=People(database, passwords, master_key=b"k" * 32),
        post=Post(MemoryOutbox()),
    )
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=ISSUER) as made:
        yield made
    await database.close()


async def test_nothing_there(console: Console) -> None:
    for path in ("/nope", "/console/nope", "/console/organisations/org_x", "/oauth2/nope"):
        answer = await console.client.get(path)
        assert answer.status_code in (303, 404)
    page = await console.client.get("/nope", headers={**PAGE, "Accept-Language": "en"})
    assert page.status_code == 404
    assert "<h1>Page not found</h1>" in page.text
    assert page.headers["request-id"] in page.text
    problem = await console.client.get("/nope")
    assert problem.headers["content-type"] == "application/problem+json"
    assert problem.json()["code"] == "not-found"
    program = await console.client.get("/management/v1/nope", headers=PAGE)
    assert program.headers["content-type"] == "application/problem+json"


async def test_wrong_methods(console: Console) -> None:
    for path, allowed in (
        ("/oauth2/token", "POST"),
        ("/console/sign-in", "GET, HEAD, POST"),
        ("/console/sign-out", "POST"),
        ("/console/static/console.css", "GET, HEAD"),
    ):
        answer = await console.client.request("DELETE", path, headers=PAGE)
        assert (answer.status_code, answer.headers["allow"]) == (405, allowed)


async def test_moved_addresses_never_repeat_the_host(console: Console) -> None:
    for path, target in (("/", "/portal/"), ("/console", "/console/"), ("/console/admin", "/console/admin/")):
        answer = await console.client.get(path, headers={"Host": "evil.example"})
        assert (answer.status_code, answer.headers["location"]) == (303, target)
    for path in ("/management/v1", "/console/sign-in/", "/oauth2/token/"):
        answer = await console.client.get(path, headers={"Host": "evil.example"})
        assert answer.status_code == 404
        assert "evil" not in str(answer.headers)


@pytest.mark.parametrize("headers", [{}, PAGE])
async def test_a_fault_of_ours(
    client: httpx.AsyncClient, headers: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        answer = await client.get("/broken", headers={**headers, "Request-Id": "req-77"})
    assert answer.status_code == 500
    assert "req-77" in answer.text
    for private in (PRIVATE, "SecretInside", "Traceback", ".py"):
        assert private not in answer.text
    assert "req-77" in caplog.text
    assert "SecretInside" in caplog.text
    assert "test_failures.py" in caplog.text
    assert PRIVATE not in caplog.text


async def test_the_database_is_away(client: httpx.AsyncClient) -> None:
    token = {"Authorization": "Bearer sluss_pat_" + "A" * 43 + "000000"}
    cookie = {"Cookie": "sluss_session=" + "a" * 43}
    for path, headers in (("/management/v1/people/me", cookie), ("/console/", {**cookie, **PAGE})):
        answer = await client.get(path, headers=headers)
        assert answer.status_code == 503, answer.text
        assert int(answer.headers["retry-after"]) > 0
        assert "postgres" not in answer.text
    assert (await client.get("/management/v1/people/me", headers=token)).status_code in (401, 503)
    assert (await client.get("/management/v1/apis")).status_code == 200
    assert (await client.get("/console/sign-in")).status_code == 200


async def test_static_files(console: Console) -> None:
    for name, media in (("console.css", "text/css"), ("console.js", "text/javascript")):
        answer = await console.client.get(f"/console/static/{name}")
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith(media)
        again = await console.client.get(
            f"/console/static/{name}", headers={"If-None-Match": answer.headers["etag"]}
        )
        assert (again.status_code, again.content) == (304, b"")
    for name in ("", "../errors.py", "%2e%2e/errors.py", "console.css/"):
        assert (await console.client.get(f"/console/static/{name}")).status_code == 404

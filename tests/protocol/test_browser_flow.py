"""An app's person in a real browser: its policy lets every page lead on to the app, and to the app alone.

Browsers hold the redirects after a form to `form-action`; what a client made of httpx follows proves nothing there.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import uvicorn
from axe_core_python.async_playwright import Axe
from playwright.async_api import Page, async_playwright
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from gateway.catalog.model import Catalog
from storage.database import Database
from tests.portal.conftest import CHROMIUM
from tests.protocol.flow import PASSWORD, Flow, flow_over

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine"),
]
RULES = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}}


@asynccontextmanager
async def served(app: object, listener: socket.socket) -> AsyncIterator[None]:
    config = uvicorn.Config(app, log_level="warning", lifespan="off")  # type: ignore[arg-type]  # any ASGI app
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield
    finally:
        server.should_exit = True
        await task


def listening() -> tuple[socket.socket, int]:
    listener = socket.create_server(("127.0.0.1", 0))
    return listener, listener.getsockname()[1]


async def callback(_: Request) -> Response:
    return HTMLResponse("<!doctype html><html lang=sv><title>Appen</title><h1>Tillbaka i appen</h1>")


@pytest.fixture
async def stage(sqlite_url: str, catalog: Catalog, tmp_path: Path) -> AsyncIterator[tuple[Flow, str, str]]:
    """The control plane and an app's own page, each on a port."""
    ours, port = listening()
    theirs, app_port = listening()
    database = Database(sqlite_url)
    issuer = f"http://localhost:{port}"
    app = Starlette(routes=[Route("/cb", callback)])
    async with (
        flow_over(database, catalog, tmp_path, issuer) as flow,
        served(flow.transport.app, ours),
        served(app, theirs),
    ):
        yield flow, issuer, f"http://127.0.0.1:{app_port}/cb"
    await database.close()


async def faults(page: Page) -> list[str]:
    found = await Axe().run(page, options=RULES)
    return [violation["id"] for violation in found["violations"]]


async def test_from_the_app_by_sign_in_and_consent_and_back(stage: tuple[Flow, str, str]) -> None:
    flow, issuer, there = stage
    app, person = await flow.app(redirect_uri=there), await flow.person(signed_in=False)
    start = f"{issuer}/oauth2/authorize?{urlencode(app.request())}"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        )
        page = await browser.new_page()
        await page.goto(start)
        await page.fill("#email", person.email)
        await page.fill("#password", PASSWORD)
        await page.click("form.console-form button")
        await page.wait_for_selector("button[value=yes]")
        assert await faults(page) == []
        await page.click("button[value=yes]")
        await page.wait_for_url(f"{there}?**")
        answer = parse_qs(urlsplit(page.url).query)
        assert answer["state"] == ["af0ifjsldkj"]
        assert answer["iss"] == [issuer]
        assert (await app.redeem(answer["code"][0])).status_code == 200

        # With consent remembered, the sign-in form itself leads on to the app.
        await page.goto(f"{start}&prompt=login")
        await page.fill("#password", PASSWORD)
        await page.fill("#email", person.email)
        await page.click("form.console-form button")
        await page.wait_for_url(f"{there}?**")
        assert "code" in parse_qs(urlsplit(page.url).query)
        await browser.close()

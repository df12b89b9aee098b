"""The console's own pages in a real browser: passkeys by a virtual authenticator, axe in both languages and schemes,
silent under the strict policy.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyotp
import pytest
import uvicorn
from argon2 import PasswordHasher
from axe_core_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from auth.federation.named import Provider
from auth.passwords import Passwords
from auth.people import People
from auth.server.app import AuthorizationServer
from console.app import create
from console.letters.post import FolderOutbox, Post
from gateway.catalog.model import Catalog
from portal_docs.build import BuildReport
from storage.database import Database
from tests.parts import templates
from tests.portal.conftest import CHROMIUM, built
from tests.portal.test_browser import RULES

__all__ = ["built"]

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine"),
]
PASSWORD = "ett långt lösenord med åäö"


@pytest.fixture(scope="module")
def address(
    built: tuple[Path, BuildReport],
    catalog: Catalog,
    tmp_path_factory: pytest.TempPathFactory,
    sqlite_template: Path,
) -> Iterator[str]:
    """The console on `localhost`, where browsers allow passkeys without TLS."""
    folder = tmp_path_factory.mktemp("console")
    database = Database(templates.sqlite_copy(sqlite_template, folder / "sluss.db"))
    passwords = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        issuer = f"http://localhost:{listening.getsockname()[1]}"
        app = create(
            database=database,
            issuer=issuer,
            catalog=lambda: catalog,
            authorization_server=[],
            endpoints=AuthorizationServer(database, issuer, b"k" * 32, dict, time.time).endpoints,
            portal_tree=built[0],
            clock=time.time,
            people=People(database, passwords, master_key=b"k" * 32),
            post=Post(FolderOutbox(folder / "outbox")),
            provider=Provider("https://id.region.example", "sluss", "Legitimera dig", "Identify yourself"),
        )
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="on"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        yield issuer
        server.should_exit = True
        thread.join(10)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        )
        yield launched
        launched.close()


def opened(
    browser: Browser, address: str, scheme: Any = "light", language: str = "sv"
) -> tuple[Page, list[str]]:
    page = browser.new_context(base_url=address, color_scheme=scheme, locale=language).new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    return page, said


def signed_up(page: Page, email: str) -> None:
    page.goto("/console/sign-up")
    page.fill("#name", "Astrid")
    page.fill("#email", email)
    page.fill("#password", PASSWORD)
    page.click(".console-form button")
    page.wait_for_url("**/console/")


def signed_out(page: Page) -> None:
    page.click("form[action='/console/sign-out'] button")
    page.wait_for_url("**/console/sign-in?done=signed-out")


def authenticator(page: Page, *, verifies: bool = True) -> None:
    client = page.context.new_cdp_session(page)
    client.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": verifies,
        "automaticPresenceSimulation": True,
    }
    client.send("WebAuthn.addVirtualAuthenticator", {"options": options})


def test_a_passkey_is_added_and_signs_in_alone_and_as_the_second_step(browser: Browser, address: str) -> None:
    page, said = opened(browser, address)
    authenticator(page)
    signed_up(page, "passkey@example.org")
    page.goto("/console/security")
    page.click("form[data-passkey=create] button")
    page.get_by_role("heading", name="Återställningskoder", exact=True).wait_for()
    assert page.locator(".console-codes li").count() == 10
    page.goto("/console/security")
    assert "Du loggar in i två steg." in page.inner_text("main")

    signed_out(page)
    page.click("form[data-passkey=get] button")
    page.wait_for_url("**/console/")

    signed_out(page)
    page.fill("#email", "passkey@example.org")
    page.fill("#password", PASSWORD)
    page.click("form[action='/console/sign-in'] button")
    page.wait_for_url("**/console/sign-in/code?*")
    page.click("form[data-passkey=get] button")
    page.wait_for_url("**/console/")
    page.context.close()
    assert said == []


def test_a_browser_that_knows_no_passkey_is_told_so(browser: Browser, address: str) -> None:
    page, _ = opened(browser, address)
    authenticator(page)
    page.goto("/console/sign-in")
    page.click("form[data-passkey=get] button")
    page.get_by_text("Det gick inte med passkey. Försök igen.").wait_for()
    page.context.close()


def test_without_javascript_nothing_of_it_is_seen(browser: Browser, address: str) -> None:
    page = browser.new_context(base_url=address, java_script_enabled=False).new_page()
    page.goto("/console/sign-in")
    assert not page.locator("form[data-passkey]").is_visible()
    assert page.locator("#password").is_visible()
    page.context.close()


def _violations(page: Page, path: str) -> list[str]:
    return [
        f"{path}: {violation['id']}: {node['html'][:200]} {node['any'][:1]}"
        for violation in Axe().run(page, options=RULES)["violations"]
        for node in violation["nodes"]
    ]


@pytest.mark.parametrize(("scheme", "language"), [("light", "sv"), ("dark", "en")])
def test_no_violation_of_wcag_a_or_aa(browser: Browser, address: str, scheme: str, language: str) -> None:
    """Every new page of accounts, before and after sign-in, with a second step half added and with a fault shown."""
    page, said = opened(browser, address, scheme, language)
    told = []
    for path in ("/console/sign-in", "/console/sign-up", "/console/forgotten"):
        page.goto(f"{path}?lang={language}")
        told += _violations(page, path)
    signed_up(page, f"axe-{language}@example.org")
    page.goto("/console/organisations/new")
    page.fill("#name", f"Ånga {language}")
    page.fill("#number", "556677-8899")
    page.check("#type-company")
    page.click(".console-form button")
    page.wait_for_url("**/console/organisations/org_*")
    page.fill("#email", "inbjuden@example.org")
    page.click("form[action$='/invitations'] button")
    page.wait_for_url("**done=invitation-sent")
    told += _violations(page, "organisation")
    page.goto("/console/security")
    told += _violations(page, "security")
    page.click("form[action='/console/security/codes'] button")
    page.wait_for_selector("svg.console-qr")
    told += _violations(page, "new codes")
    key = page.inner_text("#codes-key")
    page.fill("#code", pyotp.TOTP(key).now())
    page.click("form[action='/console/security/codes/confirm'] button")
    page.wait_for_selector(".console-codes")
    told += _violations(page, "recovery codes")
    page.click("form[action='/console/sign-out'] button")
    page.fill("#email", f"axe-{language}@example.org")
    page.fill("#password", PASSWORD)
    page.click("form[action='/console/sign-in'] button")
    page.wait_for_selector("#code")
    told += _violations(page, "code")
    page.context.close()
    assert told == []
    assert said == []

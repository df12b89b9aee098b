"""The portal in a real browser: accessible in light and dark, and silent under its strict policy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from axe_core_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Dialog, Page, sync_playwright

from tests.portal.conftest import CHROMIUM

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine"),
]
PAGES = (
    "/portal/",
    "/portal/get-started/",
    "/portal/apis/",
    "/portal/apis/behov/v1/",
    "/portal/apis/elak/v1/",
    "/portal/plans/",
    "/portal/problems/rate-limited/",
    "/portal/operate/settings/",
    "/portal/about/accessibility/",
    "/portal/nowhere/",
    "/portal/en/",
    "/portal/en/apis/behov/v1/",
    "/console/",
)
RULES = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        )
        yield launched
        launched.close()


def _open(browser: Browser, url: str, scheme: Any = "light", width: int = 1280) -> tuple[Page, list[str]]:
    page = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 900}).new_page()
    said: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        # A page that answers 404 says so in the console; that is not the page's fault.
        if message.type in ("error", "warning") and "404 (Not Found)" not in message.text:
            said.append(message.text)

    page.on("console", hear)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(url, wait_until="networkidle")
    return page, said


def _close(page: Page) -> None:
    page.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", PAGES)
def test_no_violation_of_wcag_a_or_aa(browser: Browser, address: str, path: str, scheme: str) -> None:
    page, said = _open(browser, address + path, scheme)
    wanted = {"light": "default", "dark": "slate"}[scheme]
    assert page.locator("body").get_attribute("data-md-color-scheme") == wanted
    found = Axe().run(page, options=RULES)
    _close(page)
    told = [
        f"{violation['id']}: {node['html'][:200]} {node['any'][:1]}"
        for violation in found["violations"]
        for node in violation["nodes"]
    ]
    assert told == []
    assert said == []


def test_nothing_is_wider_than_a_small_screen(browser: Browser, address: str) -> None:
    page, said = _open(browser, f"{address}/portal/apis/behov/v1/", width=320)
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    _close(page)
    assert wide <= 0
    assert said == []


def test_the_keyboard_reaches_the_content_first_and_the_language_stays_on_the_page(
    browser: Browser, address: str
) -> None:
    page, _ = _open(browser, f"{address}/portal/plans/")
    page.keyboard.press("Tab")
    assert page.locator(":focus").inner_text().strip() == "Gå till innehållet"
    page.keyboard.press("Enter")
    assert page.evaluate("location.hash") == "#content"
    page.get_by_role("link", name="English", exact=True).click()
    assert page.url == f"{address}/portal/en/plans/"
    page.get_by_role("link", name="Svenska", exact=True).click()
    assert page.url == f"{address}/portal/plans/"
    _close(page)


def _search(page: Page, words: str) -> None:
    """Types as a person does: the theme listens to keys, not to changed values."""
    page.locator("[data-md-component=search-query]").press_sequentially(words)
    page.locator(".md-search-result__item").first.wait_for(state="attached")


@pytest.mark.parametrize("word", ["gränserna", "prenumerationerna", "hemligheterna"])
def test_an_inflected_swedish_word_is_found(browser: Browser, address: str, word: str) -> None:
    page, said = _open(browser, f"{address}/portal/")
    _search(page, word)
    _close(page)
    assert said == []


def test_a_publisher_s_script_never_runs(browser: Browser, address: str) -> None:
    page, said = _open(browser, f"{address}/portal/apis/elak/v1/")
    opened: list[str] = []

    def refuse(dialog: Dialog) -> None:
        opened.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", refuse)
    _search(page, "script alert")
    assert page.locator("article iframe, article img, article script, .md-search-result iframe").count() == 0
    _close(page)
    assert opened == []
    assert said == []

"""The main job through the pages, in a browser without JavaScript, in both languages."""

from __future__ import annotations

import re

import pytest

from tests.console.browser import Browser, Shown
from tests.console.callers import PASSWORD, Console

SECRET = re.compile(r"sluss_sec_[A-Za-z0-9_-]{49}")


async def signed_up(console: Console, email: str = "astrid@example.org") -> tuple[Browser, Shown]:
    browser = console.browser()
    page = await browser.get("/console/")
    assert page.path == "/console/sign-in"
    page = await browser.get("/console/sign-up")
    page = await browser.submit(page, "/sign-up", {"name": "Astrid", "email": email, "password": PASSWORD})
    assert page.path == "/console/", page.text
    return browser, page


async def with_app(console: Console) -> tuple[Browser, Shown, str]:
    """A browser on the page that shows the first secret, and the secret."""
    browser, _ = await signed_up(console)
    page = await browser.get("/console/organisations/new")
    page = await browser.submit(page, "/new", {"name": "Ånga AB", "number": "556677-8899", "type": "company"})
    assert "Organisationen är skapad" in page.text
    page = await browser.get(f"{page.path}/apps/new")
    page = await browser.submit(page, "/apps/new", {"name": "Prov", "environment": "sandbox"})
    found = SECRET.findall(page.text)
    assert page.status == 200
    assert len(set(found)) == 1
    return browser, page, found[0]


async def test_from_sign_up_to_usage(console: Console) -> None:
    browser, page, secret = await with_app(console)
    assert secret not in str(page.answer.url)
    home = next(link for link in page.reader.links if re.search(r"/apps/app_[0-9a-f]+$", link))

    page = await browser.get(home)
    assert secret not in page.answer.text
    assert f"…{secret[-4:]}" in page.text
    page = await browser.submit(page, "/subscriptions", {"offer": "behov/v1 prova"})
    assert "Prenumerationen är aktiv." in page.text
    assert "behov:read" in page.text

    client_id = re.findall(r"sluss_app_[0-9a-f]+", page.answer.text)[0]
    token = await console.client.post(
        "/oauth2/token", data={"grant_type": "client_credentials"}, auth=(client_id, secret)
    )
    assert token.status_code == 200
    page = await browser.get(home)
    assert "Den har hämtat en token klart" in page.text
    assert "Den har gjort sitt första anrop återstår" in page.text

    export = await browser.client.get(f"{home}/usage.csv")
    assert export.headers["content-type"] == "text/csv; charset=utf-8"
    assert export.text.splitlines()[0] == '"from","app","appName","api","operation","outcome","units","calls"'

    page = await browser.submit(page, "/rotations", {"overlap": "3600"})
    assert SECRET.findall(page.text)[0] != secret
    page = await browser.get(home)
    page = await browser.submit(page, "/sign-out")
    assert page.path == "/console/sign-in"
    assert (await browser.get(home)).path == "/console/sign-in"


async def test_from_an_api_page_in_the_portal(console: Console) -> None:
    """The link on an API's page leads through sign-up, organisation and app to the right choice."""
    browser = console.browser()
    page = await browser.get("/console/?api=behov%2Fv1")
    assert page.path == "/console/sign-in"
    page = await browser.get(next(link for link in page.reader.links if "sign-up" in link))
    page = await browser.submit(
        page, "/sign-up", {"name": "Astrid", "email": "astrid@example.org", "password": PASSWORD}
    )
    assert page.path == "/console/subscribe"
    page = await browser.get(next(link for link in page.reader.links if "organisations/new" in link))
    page = await browser.submit(page, "/new", {"name": "Ånga AB", "number": "5566778899", "type": "company"})
    assert page.path == "/console/subscribe"
    page = await browser.get(next(link for link in page.reader.links if "apps/new" in link))
    page = await browser.submit(page, "/apps/new", {"name": "Prov", "environment": "sandbox"})
    page = await browser.get(next(link for link in page.reader.links if "#subscribe" in link))
    assert page.form("/subscriptions").values["offer"] == "behov/v1 prova"


@pytest.mark.parametrize("language", ["sv", "en"])
async def test_each_page_speaks_one_language(console: Console, language: str) -> None:
    browser, page, _ = await with_app(console)
    await browser.get(f"/console/?lang={language}")
    home = next(link for link in page.reader.links if re.search(r"/apps/app_[0-9a-f]+$", link))
    words = {"sv": ("Översikt", "Logga ut"), "en": ("Overview", "Sign out")}
    other = "sv" if language == "en" else "en"
    for path in ("/console/", "/console/tokens", home, f"{home}/delete", home.partition("/apps/")[0]):
        page = await browser.get(path)
        assert page.answer.headers["content-language"] == language
        assert f'lang="{language}"' in page.answer.text
        for word in words[language]:
            assert word in page.text
        for word in words[other]:
            assert word not in page.text

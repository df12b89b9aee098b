"""Another provider through the pages: linked with a form, begun with a link, never led elsewhere (T25, T28)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest

from auth.federation.named import Provider
from auth.people import People
from auth.server.app import AuthorizationServer
from console.app import create
from console.letters.post import MemoryOutbox, Post
from gateway.catalog.model import Catalog
from storage.database import Database
from tests.auth.federation import foreign
from tests.auth.federation.foreign import NEVER, Foreign
from tests.console.browser import ISSUER, Browser
from tests.console.callers import PASSWORD, Clock, Console

EMAIL = "astrid@example.org"
START = "/console/sign-in/provider/start"


@pytest.fixture
def there(clock: Clock) -> Foreign:
    return Foreign(clock.now)


@pytest.fixture
async def console(
    database: Database, people: People, catalog: Catalog, clock: Clock, there: Foreign, tmp_path: Path
) -> AsyncIterator[Console]:
    post = Post(MemoryOutbox())
    app = create(
        database=database,
        issuer=ISSUER,
        catalog=lambda: catalog,
        authorization_server=[],
        endpoints=AuthorizationServer(database, ISSUER, b"k" * 32, dict, clock).endpoints,
        portal_tree=tmp_path / "portal",
        clock=clock,
        people=people,
        post=post,
        provider=Provider(foreign.ISSUER, foreign.CLIENT, "Legitimera dig", "Identify yourself"),
        provider_transport=there.transport(),
    )
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=True)
    async with httpx.AsyncClient(transport=transport, base_url=ISSUER) as client:
        yield Console(client, transport, database, people, clock, MemoryOutbox(), post)


def back(answer: dict[str, str]) -> str:
    return f"/console/sign-in/provider?{urlencode(answer)}"


async def linked(console: Console, there: Foreign) -> Browser:
    await console.person(EMAIL)
    browser = console.browser()
    await browser.sign_in(EMAIL, PASSWORD)
    page = await browser.submit(await browser.get("/console/security"), "/security/identities")
    page = await browser.get(back(there.authorize(next(a for a in page.reader.links if "id.region" in a))))
    assert "Inloggningen är kopplad" in page.text
    return browser


async def started(browser: Browser, query: str = "") -> httpx.Response:
    return await browser.client.get(f"{START}{query}", headers={"Sec-Fetch-Site": "none"})


async def test_linked_signed_in_and_unlinked(console: Console, there: Foreign) -> None:
    first = await linked(console, there)
    browser = console.browser()
    page = await browser.get("/console/sign-in?next=/console/tokens")
    assert "Legitimera dig" in page.text
    going = await browser.client.get(next(link for link in page.reader.links if START in link))
    assert going.status_code == 303
    page = await browser.get(back(there.authorize(going.headers["location"])))
    assert page.path == "/console/tokens"
    page = await first.get("/console/security")
    remove = next(form.action for form in page.reader.forms if "/identities/idn_" in form.action)
    page = await first.submit(page, remove)
    assert "Kopplingen är borttagen" in page.text
    assert (await browser.client.get("/console/")).status_code == 303, "what it vouched for has ended"


async def test_an_unknown_identity_is_told_what_to_do(console: Console, there: Foreign) -> None:
    browser = console.browser()
    await browser.get("/console/sign-in")
    page = await browser.get(back(there.authorize((await started(browser)).headers["location"])))
    assert page.status == 401
    assert "Inget konto här är kopplat" in page.text


async def test_an_answer_planted_in_another_browser(console: Console, there: Foreign) -> None:
    """Sign-in CSRF: a stranger's finished sign-in must not become the victim's session."""
    await linked(console, there)
    stranger, victim = console.browser(), console.browser()
    await stranger.get("/console/sign-in")
    await victim.get("/console/sign-in")
    answer = there.authorize((await started(stranger)).headers["location"])
    page = await victim.get(back(answer))
    assert page.status == 401
    assert (await victim.client.get("/console/")).status_code == 303


async def test_nothing_is_linked_without_a_form_of_ours(console: Console, there: Foreign) -> None:
    await console.person(EMAIL)
    browser = console.browser()
    await browser.sign_in(EMAIL, PASSWORD)
    answer = await browser.post("/console/security/identities", {"csrf_token": "x" * 43})
    assert answer.status_code == 403
    page = await browser.get(back(there.authorize((await started(browser)).headers["location"])))
    assert page.status == 401, "begun as a sign-in, it links nothing"


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "/\\evil.example"])
async def test_it_leads_nowhere_else(console: Console, there: Foreign, target: str) -> None:
    await linked(console, there)
    browser = console.browser()
    await browser.get("/console/sign-in")
    going = await started(browser, "?" + urlencode({"next": target}))
    answer = await browser.client.get(back(there.authorize(going.headers["location"])))
    assert answer.headers["location"] == "/console/"


@pytest.mark.parametrize(
    "query",
    ["", "state=x", "code=x", "state=a&state=b&code=c", "state=%00&code=%ff", "error=access_denied&state=x",
     "state=" + "x" * 9000, "&".join(f"p{n}=1" for n in range(500))],
    ids=["empty", "state", "code", "twice", "octets", "error", "long", "many"],
)  # fmt: skip
async def test_hostile_answers(console: Console, query: str) -> None:
    browser = console.browser()
    await browser.get("/console/sign-in")
    answer = await browser.client.get(f"/console/sign-in/provider?{query}")
    assert answer.status_code == 401
    assert "location" not in answer.headers


async def test_a_provider_that_is_away(console: Console, there: Foreign) -> None:
    there.answers["/.well-known/openid-configuration"] = httpx.Response(503)
    browser = console.browser()
    await browser.get("/console/sign-in")
    page = await browser.get(START)
    assert page.status == 401
    assert "svarar inte som den ska" in page.text


async def test_back_channel_logout_over_http(console: Console, there: Foreign) -> None:
    await linked(console, there)
    browser = console.browser()
    await browser.get("/console/sign-in")
    await browser.get(back(there.authorize((await started(browser)).headers["location"])))
    assert (await browser.client.get("/console/")).status_code == 200
    events: dict[str, dict[str, str]] = {"http://schemas.openid.net/event/backchannel-logout": {}}
    token = there.signed(nonce=NEVER, events=events, jti="j1")
    address = "/console/provider-logout"
    for body in ("", "logout_token=", "logout_token=x", f"x={token}", f"logout_token={token}&a=b", "å" * 99):
        assert (await console.client.post(address, content=body.encode())).status_code == 400
    assert (await console.client.post(address, content=b"x" * 100_000)).status_code == 400
    assert (await console.client.get(address)).status_code == 405
    assert (await browser.client.get("/console/")).status_code == 200
    done = await console.client.post(address, data={"logout_token": token})
    assert (done.status_code, done.headers["cache-control"]) == (200, "no-store")
    assert (await browser.client.get("/console/")).status_code == 303

"""The pages against the web: forged forms, stolen sessions, frames, redirects, injected names (T26–T28, Z13, Z14)."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest

from auth.people import People
from auth.server.app import AuthorizationServer, routes
from console.app import create
from console.letters.post import MemoryOutbox, Post
from console.pages.handling import Door, PageRoute
from console.pages.routes import TABLE
from gateway.catalog.model import Catalog
from storage.database import Database
from tests.console.browser import ISSUER, Browser, Shown
from tests.console.callers import PASSWORD, Clock, Console
from tests.console.test_pages_journey import with_app

ABSENT = {
    "organisation": "org_" + "0" * 32,
    "app": "app_" + "0" * 32,
    "credential": "cre_" + "0" * 32,
    "subscription": "sub_" + "0" * 32,
    "person": "per_" + "0" * 32,
    "token": "pat_" + "0" * 32,
    "consent": "con_" + "0" * 32,
    "invitation": "inv_" + "0" * 32,
    "passkey": "psk_" + "0" * 32,
    "identity": "idn_" + "0" * 32,
    "session": "ses_" + "0" * 32,
}
POSTS = [route for route in TABLE if route.post]
GETS = [route for route in TABLE if route.get]
OURS = {"Origin": ISSUER, "Sec-Fetch-Site": "same-origin"}


async def signed_in(console: Console, email: str = "astrid@example.org") -> tuple[Browser, Shown]:
    await console.person(email, operator=email.startswith("drift"))
    browser = console.browser()
    return browser, await browser.sign_in(email, PASSWORD)


def address(route: PageRoute) -> str:
    return f"/console{route.path.format_map(ABSENT)}"


def token_in(page: Shown) -> str:
    return page.reader.forms[-1].values["csrf_token"]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": ISSUER, "Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
    ids=["none", "evil", "null", "contradiction", "same-site"],
)
async def test_no_form_from_elsewhere(console: Console, headers: dict[str, str]) -> None:
    """With the right token even: the origin alone must stop it."""
    browser, page = await signed_in(console, "drift@example.org")
    for route in POSTS:
        answer = await browser.post(address(route), {"csrf_token": token_in(page)}, headers)
        assert answer.status_code == 403, route.path
        assert "inte från våra egna sidor" in answer.text


async def test_no_form_without_its_token(console: Console) -> None:
    browser, page = await signed_in(console, "drift@example.org")
    right = token_in(page)
    twice = f"csrf_token={right}&csrf_token={right}"
    form = {**OURS, "Content-Type": "application/x-www-form-urlencoded"}
    for route in POSTS:
        path = address(route)
        for wrong in ("", right[:-1], right.swapcase()):
            assert (await browser.post(path, {"csrf_token": wrong})).status_code == 403, route.path
        assert (await browser.post(path, {"other": "1"})).status_code == 403, route.path
        assert (await browser.client.post(path, content=twice, headers=form)).status_code == 403, route.path
        beside = await browser.post(f"{path}?csrf_token={right}", {"other": "1"})
        assert beside.status_code == 403, route.path


async def test_another_sessions_token_is_no_token(console: Console) -> None:
    _, other = await signed_in(console, "annan@example.org")
    browser, _ = await signed_in(console)
    answer = await browser.post("/console/sign-out", {"csrf_token": token_in(other)})
    assert answer.status_code == 403
    assert (await browser.get("/console/")).path == "/console/"


async def test_forms_before_sign_in_are_bound_to_their_browser(console: Console) -> None:
    """Else a stranger could sign a victim in as themselves, and read what the victim then writes."""
    await console.person("astrid@example.org")
    attacker = await console.browser().get("/console/sign-in")
    victim = console.browser()
    await victim.get("/console/sign-in")
    values = {"csrf_token": token_in(attacker), "email": "astrid@example.org", "password": PASSWORD}
    assert (await victim.post("/console/sign-in", values)).status_code == 403
    assert (await console.browser().post("/console/sign-in", values)).status_code == 403


async def test_the_session_id_is_new_at_every_sign_in(console: Console) -> None:
    await console.person("astrid@example.org")
    browser = console.browser()
    browser.client.cookies.set("sluss_session", "a" * 43, domain="localhost")
    await browser.sign_in("astrid@example.org", PASSWORD)
    first = [cookie.value for cookie in browser.client.cookies.jar if cookie.name == "sluss_session"]
    assert "a" * 43 not in first[-1:]
    fixed = await console.client.get("/console/", headers={"Cookie": "sluss_session=" + "a" * 43})
    assert fixed.status_code == 303


async def test_signing_in_again_ends_the_session_before(console: Console) -> None:
    browser, page = await signed_in(console)
    before = "; ".join(f"{name}={value}" for name, value in browser.client.cookies.items())
    values = {
        "csrf_token": token_in(page),
        "email": "astrid@example.org",
        "password": PASSWORD,
        "next": "/console/",
    }
    assert (await browser.post("/console/sign-in", values)).status_code == 303
    after = "; ".join(f"{name}={value}" for name, value in browser.client.cookies.items())
    assert before != after
    assert (await console.client.get("/console/", headers={"Cookie": before})).status_code == 303
    assert (await console.client.get("/console/", headers={"Cookie": after})).status_code == 200


async def test_signing_out_ends_the_session_on_the_server(console: Console) -> None:
    browser, page = await signed_in(console)
    kept = "; ".join(f"{name}={value}" for name, value in browser.client.cookies.items())
    assert (await console.client.get("/console/", headers={"Cookie": kept})).status_code == 200
    left = await browser.submit(page, "/sign-out")
    assert "Du är utloggad." in left.text
    assert (await console.client.get("/console/", headers={"Cookie": kept})).status_code == 303


async def test_a_session_ends_by_itself(console: Console) -> None:
    browser, _ = await signed_in(console)
    console.clock.at += 3601
    assert (await browser.get("/console/")).path == "/console/sign-in"


async def test_headers_of_every_page(console: Console) -> None:
    browser, _ = await signed_in(console, "drift@example.org")
    for route in GETS:
        answer = await browser.client.get(address(route))
        assert answer.status_code in (200, 303, 404, 409), route.path
        if answer.status_code == 303:
            continue
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "form-action 'self'" in policy
        assert "unsafe" not in policy
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert not re.search(r"<[^>]+\s(?:style|on[a-z]+)=", answer.text), "the policy would stop it"


async def sent(browser: Browser, route: PageRoute, token: str) -> httpx.Response:
    path = address(route)
    return await browser.client.get(path) if route.get else await browser.post(path, {"csrf_token": token})


async def test_every_page_behind_the_door_asks_for_sign_in(console: Console) -> None:
    browser = console.browser()
    page = await browser.get("/console/sign-in")
    for route in TABLE:
        if route.door is not Door.OPEN:
            answer = await sent(browser, route, token_in(page))
            assert answer.status_code == 303, route.path
            assert answer.headers["location"].startswith("/console/sign-in"), route.path


async def test_operators_pages_are_closed_to_others(console: Console) -> None:
    browser, page = await signed_in(console)
    for route in TABLE:
        assert (route.door is Door.OPERATOR) is route.path.startswith("/admin"), route.path
        if route.door is Door.OPERATOR:
            answer = await sent(browser, route, token_in(page))
            assert answer.status_code == 403, route.path
            assert "plattformens drift" in answer.text


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "/console/../..//evil.example",
        "javascript:alert(1)",
    ],
)
async def test_sign_in_leads_nowhere_else(console: Console, target: str) -> None:
    await console.person("astrid@example.org")
    browser = console.browser()
    page = await browser.get(f"/console/sign-in?next={httpx.QueryParams({'n': target})['n']}")
    assert "evil" not in page.form("/sign-in").values["next"]
    values = {
        **page.form("/sign-in").values,
        "email": "astrid@example.org",
        "password": PASSWORD,
        "next": target,
    }
    answer = await browser.post("/console/sign-in", values)
    assert answer.headers["location"] == "/console/"


async def test_sign_in_leads_back(console: Console) -> None:
    await console.person("astrid@example.org")
    browser = console.browser()
    page = await browser.get("/console/tokens?x=1")
    assert page.path == "/console/sign-in"
    page = await browser.submit(page, "/sign-in", {"email": "astrid@example.org", "password": PASSWORD})
    assert page.answer.url.raw_path == b"/console/tokens?x=1"


NAMES = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'-alert(1)-'",
    "{{ 7*7 }}{% raw %}",
    "\\1\\g<0>",
    "<!--sluss:main-->",
    '=HYPERLINK("https://evil.example")',
]


@pytest.mark.parametrize("name", NAMES)
async def test_names_are_text_everywhere(console: Console, name: str) -> None:
    owner = await console.person("astrid@example.org")
    await console.person("drift@example.org", operator=True)
    organisation = await console.organisation(owner, name)
    app = await console.app(owner, organisation, name)
    await owner.post(f"/organisations/{organisation}/apps/{app}/credentials", {})
    await owner.post("/personal-tokens", {"name": name})
    home = f"/console/organisations/{organisation}"
    one = f"{home}/apps/{app}"
    admin = f"/console/admin/organisations/{organisation}"
    pages = {
        "astrid@example.org": [
            "/console/",
            "/console/tokens",
            home,
            one,
            f"{one}/delete",
            f"{home}/apps/new",
        ],
        "drift@example.org": ["/console/admin/", admin, "/console/admin/audit"],
    }
    for email, paths in pages.items():
        browser = console.browser()
        await browser.sign_in(email, PASSWORD)
        for path in paths:
            page = await browser.get(path)
            assert page.status == 200, path
            for dangerous in ("<script>alert", "<img", "<!--sluss"):
                assert dangerous not in page.answer.text, path
            assert "&lt;" in page.answer.text or "<" not in name
    export = await browser_csv(console, home)
    assert '"=' not in export


async def browser_csv(console: Console, home: str) -> str:
    browser = console.browser()
    await browser.sign_in("astrid@example.org", PASSWORD)
    answer = await browser.client.get(f"{home}/usage.csv")
    assert answer.headers["content-disposition"] == 'attachment; filename="usage.csv"'
    assert "sandbox" in answer.headers["content-security-policy"]
    return answer.text


@pytest.mark.parametrize(
    "query", ["api=%3Cscript%3E&plan=x", "done=%3Cscript%3E", "lang=%3Cscript%3E", "next=%3Cscript%3E"]
)
async def test_queries_are_text(console: Console, query: str) -> None:
    browser, page, _ = await with_app(console)
    home = next(link for link in page.reader.links if re.search(r"/apps/app_[0-9a-f]+$", link))
    for path in (home, "/console/sign-in", "/console/subscribe", "/console/organisations/new"):
        shown = await browser.get(f"{path}?{query}")
        assert "<script>" not in shown.answer.text.replace('<script src="', "")


async def test_secrets_are_shown_once_and_in_no_address(console: Console) -> None:
    browser, page, secret = await with_app(console)
    assert page.answer.request.method == "POST"
    assert page.answer.headers["cache-control"] == "no-store"
    assert page.answer.text.count(secret) == 1
    made = await browser.submit(
        await browser.get("/console/tokens"), "/tokens", {"name": "dator", "days": "7"}
    )
    found = re.findall(r"sluss_pat_[A-Za-z0-9_-]{49}", made.answer.text)
    assert len(found) == 1
    for path in ("/console/", "/console/tokens"):
        assert found[0] not in (await browser.get(path)).answer.text


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff",
        b"a=%ff",
        b"&".join([b"a=1"] * 60),
        b"csrf_token=" + b"a" * 100_000,
        b"csrf_token=%00",
        b"=&=&=",
    ],
)
async def test_forms_that_cannot_be_read(console: Console, body: bytes) -> None:
    headers = {**OURS, "Content-Type": "application/x-www-form-urlencoded"}
    answer = await console.client.post("/console/sign-in", content=body, headers=headers)
    assert answer.status_code in (400, 403, 413)


@pytest.mark.parametrize("media", ["text/plain", "application/json", "multipart/form-data; boundary=x"])
async def test_forms_of_other_types(console: Console, media: str) -> None:
    answer = await console.client.post(
        "/console/sign-in", content=b"", headers={**OURS, "Content-Type": media}
    )
    assert answer.status_code == 400


async def test_another_organisations_pages_look_absent(console: Console) -> None:
    owner = await console.person("agare@example.org")
    organisation = await console.organisation(owner)
    app = await console.app(owner, organisation)
    browser, page = await signed_in(console)
    pairs = [
        (f"/console/organisations/{organisation}", f"/console/organisations/{ABSENT['organisation']}"),
        (
            f"/console/organisations/{organisation}/apps/{app}",
            f"/console/organisations/{organisation}/apps/{ABSENT['app']}",
        ),
        (
            f"/console/organisations/{organisation}/usage.csv",
            f"/console/organisations/{ABSENT['organisation']}/usage.csv",
        ),
    ]
    for theirs, absent in pairs:
        answers = [await browser.client.get(path) for path in (theirs, absent)]
        assert [answer.status_code for answer in answers] == [404, 404]
        texts = [
            re.sub(r"(org|app)_[0-9a-f]{32}", "id", answer.text.replace(answer.headers["request-id"], ""))
            for answer in answers
        ]
        assert texts[0] == texts[1]
    for post in ("credentials", "rotations", "subscriptions", "delete"):
        path = f"/console/organisations/{organisation}/apps/{app}/{post}"
        values = {"csrf_token": token_in(page), "overlap": "0", "offer": "eko/v1 prova"}
        assert (await browser.post(path, values)).status_code == 404
    assert (
        len((await owner.get(f"/organisations/{organisation}/apps/{app}/credentials")).json()["items"]) == 0
    )


async def test_a_hidden_field_moves_nothing(console: Console) -> None:
    """The organisation is the path's, held to membership; what a form adds is not looked at (Z9)."""
    victim = await console.person("agare@example.org")
    theirs = await console.organisation(victim, "Offer AB")
    own = await console.person("astrid@example.org")
    organisation = await console.organisation(own, "Egen AB")
    browser = console.browser()
    page = await browser.sign_in("astrid@example.org", PASSWORD)
    values = {
        "csrf_token": token_in(page),
        "name": "Prov",
        "environment": "sandbox",
        "organisation": theirs,
        "organisation_id": theirs,
        "state": "suspended",
    }
    assert (await browser.post(f"/console/organisations/{organisation}/apps/new", values)).status_code == 200
    assert (await victim.get(f"/organisations/{theirs}/apps")).json()["items"] == []
    assert [
        app["state"] for app in (await own.get(f"/organisations/{organisation}/apps")).json()["items"]
    ] == ["active"]


async def test_cookies_over_tls(
    database: Database, people: People, catalog: Catalog, clock: Clock, tmp_path: Path
) -> None:
    issuer = "https://api.region.example"
    server = AuthorizationServer(database, issuer, b"k" * 32, dict, clock)
    app = create(
        database=database,
        issuer=issuer,
        catalog=lambda: catalog,
        authorization_server=routes(server),
        endpoints=server.endpoints,
        portal_tree=tmp_path,
        clock=clock,
        people=people,
        post=Post(MemoryOutbox()),
    )
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=issuer) as client:
        browser = Browser(client)
        page = await browser.get("/console/sign-up")
        values = {**page.form("/sign-up").values, "name": "A", "email": "a@example.org", "password": PASSWORD}
        answer = await browser.post("/console/sign-up", values, {"Origin": issuer})
        assert answer.status_code == 303
        cookie = next(
            text for text in answer.headers.get_list("set-cookie") if text.startswith("__Host-sluss=")
        )
        parts = {part.strip().lower() for part in cookie.split(";")[1:]}
        assert {"secure", "httponly", "samesite=lax", "path=/"} <= parts
        assert not any(part.startswith("domain") for part in parts)
        refused = await browser.post("/console/sign-out", {}, {"Origin": "http://api.region.example"})
        assert refused.status_code == 403


async def test_cookies_on_a_developers_machine(console: Console) -> None:
    await console.person("astrid@example.org")
    browser = console.browser()
    page = await browser.get("/console/sign-in")
    values = {**page.form("/sign-in").values, "email": "astrid@example.org", "password": PASSWORD}
    answer = await browser.post("/console/sign-in", values)
    cookie = next(text for text in answer.headers.get_list("set-cookie") if text.startswith("sluss_session="))
    assert "httponly" in cookie.lower()
    assert "samesite=lax" in cookie.lower()
    assert "secure" not in cookie.lower()

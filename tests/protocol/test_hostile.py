"""Hostile input at every endpoint for people: never a 500, never a redirect to an unregistered place (T28, P4)."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlencode, urlsplit

import httpx
import pytest

from tests.auth.mint import ISSUER
from tests.protocol.flow import App, Flow, Person

VALUES = [
    "", '"', "\\", "\x00", "\r\nLocation: https://evil.example", "å", "\U0001f600", "\udcff", "x" * 3000, "[" * 1500,
    '{"a":' * 400, "https://evil.example", "//evil.example", "javascript:alert(1)", "%00", "<script>alert(1)</script>",
    "-1", "9" * 400, "a b",
]  # fmt: skip
AUTHORIZE = (
    "response_type", "client_id", "redirect_uri", "scope", "state", "nonce", "code_challenge", "code_challenge_method",
    "prompt", "max_age", "acr_values", "login_hint", "resource", "aud", "request", "request_uri", "response_mode",
    "dpop_jkt", "ui_locales", "claims", "id_token_hint", "sluss_since", "registration",
)  # fmt: skip
LOGOUT = ("id_token_hint", "logout_hint", "client_id", "post_logout_redirect_uri", "state", "ui_locales")
PARAMETERS = {
    "/oauth2/par": (*AUTHORIZE, "client_secret", "client_assertion", "client_assertion_type"),
    "/oauth2/device": ("client_id", "scope", "resource"),
    "/oauth2/token": (
        *("grant_type", "code", "redirect_uri", "code_verifier", "refresh_token", "scope", "resource"),
        *("device_code", "client_id"),
    ),
}
GRANTS = ("authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code")


def quoted(pairs: list[tuple[str, str]]) -> str:
    return urlencode(pairs, errors="surrogateescape")


def changed(good: dict[str, str], name: str) -> Iterator[list[tuple[str, str]]]:
    """The parameter missing, with every odd value, and twice."""
    others = [(other, value) for other, value in good.items() if other != name]
    yield others
    for value in VALUES:
        yield [*others, (name, value)]
    yield [*good.items(), (name, "x")]
    yield [*others, (name, "x"), (name, "x")]
    yield [*others, (f"{name}[]", "x")]


def harmless(answer: httpx.Response, sent: object) -> None:
    assert answer.status_code < 500, (sent, answer.text)
    assert "Traceback" not in answer.text
    location = answer.headers.get("location")
    if location is not None:
        parts = urlsplit(location)
        own = not parts.scheme and not parts.netloc and location.startswith("/")
        assert own or location.startswith("https://app.example/callback?"), (sent, location)
        assert "\r" not in location
        assert not location.startswith(("//", "/\\"))


@pytest.fixture
async def ready(any_flow: Flow) -> tuple[App, Person]:
    """A person who has consented, so that a good request is answered with a code at once."""
    app = await any_flow.app(grant_types=(*GRANTS, "client_credentials"))
    person = await any_flow.person()
    await person.authorize(app)
    return app, person


async def test_the_authorization_endpoint(ready: tuple[App, Person]) -> None:
    app, person = ready
    for name in AUTHORIZE:
        for pairs in changed(app.request(), name):
            harmless(await person.browser.client.get(f"/oauth2/authorize?{quoted(pairs)}"), pairs)
    for raw in (
        "%",
        "%zz=%zz",
        "&&&",
        "=x",
        "a=%ff",
        "client_id",
        "?",
        "client_id=%00",
        "&".join("a=1" for _ in range(99)),
    ):
        harmless(await person.browser.client.get(f"/oauth2/authorize?{raw}"), raw)


async def test_the_logout_endpoint(ready: tuple[App, Person]) -> None:
    app, person = ready
    good = {"client_id": app.client.client_id}
    for name in LOGOUT:
        for pairs in changed(good, name):
            harmless(await person.browser.client.get(f"/oauth2/logout?{quoted(pairs)}"), pairs)


async def test_the_endpoints_that_clients_call(ready: tuple[App, Person]) -> None:
    app, person = ready
    token = (await app.tokens(person))["refresh_token"]
    kinds = {
        "/oauth2/par": app.request(),
        "/oauth2/device": {"scope": "openid"},
        "/oauth2/token": {"grant_type": "refresh_token", "refresh_token": token},
    }
    headers = {"Authorization": app.client.basic, "Content-Type": "application/x-www-form-urlencoded"}
    for path, good in kinds.items():
        for name in PARAMETERS[path]:
            for pairs in changed(good, name):
                answer = await app.flow.outside.post(path, content=quoted(pairs), headers=headers)
                harmless(answer, (path, pairs))
                assert answer.headers["Cache-Control"] == "no-store"
                if answer.status_code >= 400:
                    assert answer.json()["error"]


async def test_the_forms_of_our_pages(ready: tuple[App, Person]) -> None:
    app, person = ready
    page = await person.browser.read(await person.open(app, prompt="consent"))
    good = {**page.form("/consent").values, "answer": "yes"}
    sent = {
        "Origin": ISSUER,
        "Sec-Fetch-Site": "same-origin",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    for path, names in (
        ("/console/consent", ("request", "bound", "answer")),
        ("/console/logout", ("request",)),
        ("/console/device", ("user_code", "answer")),
    ):
        for name in names:
            for pairs in changed({**good, "user_code": "BBBB-BBBB"}, name):
                answer = await person.browser.client.post(path, content=quoted(pairs), headers=sent)
                harmless(answer, (path, pairs))
                if path == "/console/logout" and answer.status_code == 303:
                    await person.sign_in()
                    page = await person.browser.read(await person.open(app, prompt="consent"))
                    good = {**page.form("/consent").values, "answer": "yes"}

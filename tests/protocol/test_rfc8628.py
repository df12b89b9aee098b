"""RFC 8628: a device without a browser, and a person who answers on another screen."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import httpx

from auth.server.interactive.device import GRANT_TYPE, INTERVAL, LIFE, TRIES
from storage.oauth import device_codes
from tests.auth.mint import ISSUER
from tests.console.browser import Shown
from tests.protocol.flow import App, Flow, Person, is_invalid_grant, refused_at_the_edge

GRANTS = (GRANT_TYPE, "refresh_token")
SCOPE = "openid behov:read offline_access"


async def tv(flow: Flow, **metadata: Any) -> App:
    return await flow.app(**{"grant_types": GRANTS, "auth_method": "none", "redirect_uris": (), **metadata})


async def begin(app: App, **changes: str) -> dict[str, Any]:
    answer = await app.post("/oauth2/device", {"scope": SCOPE, **changes})
    assert answer.status_code == 200, answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    body: dict[str, Any] = answer.json()
    return body


async def poll(app: App, device_code: str, **more: str) -> httpx.Response:
    return await app.post("/oauth2/token", {"grant_type": GRANT_TYPE, "device_code": device_code, **more})


def is_error(answer: httpx.Response, error: str) -> None:
    assert (answer.status_code, answer.json()["error"]) == (400, error), answer.text


async def enter(person: Person, user_code: str) -> Shown:
    answer = await person.browser.client.get("/console/device", params={"user_code": user_code})
    return await person.browser.read(answer)


async def press(person: Person, page: Shown, answer: str) -> Shown:
    return await person.browser.submit(page, "/device", {"answer": answer})


async def test_section_3_from_the_code_on_the_screen_to_a_token(any_flow: Flow) -> None:
    app, person = await tv(any_flow), await any_flow.person()
    begun = await begin(app)
    assert re.fullmatch(r"[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}", begun["user_code"])
    assert begun["verification_uri"] == f"{ISSUER}/console/device"
    assert begun["verification_uri_complete"].endswith(f"?user_code={begun['user_code']}")
    assert (begun["expires_in"], begun["interval"]) == (LIFE, INTERVAL)
    is_error(await poll(app, begun["device_code"]), "authorization_pending")
    page = await enter(person, begun["user_code"].lower().replace("-", " "))
    assert "Ge App åtkomst?" in page.text
    done = await press(person, page, "yes")
    assert "Enheten har fått åtkomst" in done.text
    assert "Inga appar har åtkomst" not in done.text, "and is listed where it is taken back"
    any_flow.platform.now += INTERVAL
    answer = await poll(app, begun["device_code"])
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert (await any_flow.platform.principal(body["access_token"])).subject == person.id
    assert (await app.refresh(body["refresh_token"])).status_code == 200
    await person.browser.submit(await person.browser.get("/console/access"), "/withdraw")
    assert await refused_at_the_edge(any_flow, app, body["access_token"])


async def test_section_3_5_no(any_flow: Flow) -> None:
    app, person = await tv(any_flow), await any_flow.person()
    begun = await begin(app)
    done = await press(person, await enter(person, begun["user_code"]), "no")
    assert "Enheten fick ingen åtkomst" in done.text
    is_error(await poll(app, begun["device_code"]), "access_denied")


async def test_section_3_5_slow_down(flow: Flow) -> None:
    app = await tv(flow)
    code = (await begin(app))["device_code"]
    is_error(await poll(app, code), "authorization_pending")
    flow.platform.now += INTERVAL - 1
    is_error(await poll(app, code), "slow_down")
    flow.platform.now += INTERVAL
    is_error(await poll(app, code), "slow_down")
    flow.platform.now += INTERVAL + 10
    is_error(await poll(app, code), "authorization_pending")


async def test_section_3_5_too_late(any_flow: Flow) -> None:
    app, person = await tv(any_flow), await any_flow.person()
    begun, other = await begin(app), await begin(app)
    await press(person, await enter(person, other["user_code"]), "yes")
    any_flow.platform.now += LIFE
    for each in (begun, other):
        is_error(await poll(app, each["device_code"]), "expired_token")
    page = await enter(person, begun["user_code"])
    assert page.status == 400
    assert "Ingen enhet väntar" in page.text


async def test_section_3_4_once_and_for_its_client(any_flow: Flow) -> None:
    app, other, person = await tv(any_flow), await tv(any_flow), await any_flow.person()
    begun = await begin(app)
    page = await enter(person, begun["user_code"])
    await press(person, page, "yes")
    assert (await press(person, page, "yes")).status == 400, "one answer"
    is_invalid_grant(await poll(other, begun["device_code"]))
    answers = await asyncio.gather(*(poll(app, begun["device_code"]) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 7
    for wrong in ("x", "å", "\x00", "x" * 3000, begun["user_code"]):
        is_invalid_grant(await poll(app, wrong))
    is_error(await app.post("/oauth2/token", {"grant_type": GRANT_TYPE}), "invalid_request")


async def test_section_3_1_what_may_be_asked(flow: Flow) -> None:
    app = await tv(flow)
    for changes, error in (
        ({"scope": "admin"}, "invalid_scope"),
        ({"scope": ""}, "invalid_scope"),
        ({"resource": "https://evil.example"}, "invalid_target"),
    ):
        is_error(await app.post("/oauth2/device", {"scope": SCOPE, **changes}), error)
    browser = await flow.app()
    is_error(await browser.post("/oauth2/device", {"scope": SCOPE}), "unauthorized_client")
    is_error(
        await browser.post("/oauth2/token", {"grant_type": GRANT_TYPE, "device_code": "x"}),
        "unauthorized_client",
    )


async def test_section_5_1_guessing_at_codes_is_stopped(flow: Flow) -> None:
    app, person, other = await tv(flow), await flow.person(), await flow.person()
    begun = await begin(app)
    for _ in range(TRIES.tries):
        assert (await enter(person, "BBBB-BBBB")).status == 400
    assert (await enter(person, begun["user_code"])).status == 429
    assert (await enter(other, begun["user_code"])).status == 200, "nobody else is kept out"


async def test_section_5_4_a_link_with_the_code_still_asks(flow: Flow) -> None:
    """Remote phishing: it says whose app it is, and warns."""
    app, person = await tv(flow), await flow.person(signed_in=False)
    begun = await begin(app)
    answer = await person.browser.client.get(begun["verification_uri_complete"])
    assert answer.headers["location"].startswith("/console/sign-in?")
    await person.sign_in()
    page = await enter(person, begun["user_code"])
    assert "Säg bara ja om du har enheten framför dig" in page.text
    is_error(await poll(app, begun["device_code"]), "authorization_pending")
    forged = {**page.form("/device").values, "answer": "yes", "csrf_token": "x"}
    assert (await person.browser.post("/console/device", forged)).status_code == 403
    for odd in ("<script>", "' OR 1=1", "\x00", "å" * 100, "B" * 5000):
        assert (await enter(person, odd)).status == 400


async def test_codes_are_stored_as_hashes(flow: Flow) -> None:
    begun = await begin(await tv(flow))
    async with flow.database.read() as session:
        rows = str((await session.execute(device_codes.table.select())).all())
    assert begun["device_code"] not in rows
    assert begun["user_code"].replace("-", "") not in rows

"""OpenID Connect RP-Initiated Logout 1.0: ends the session, and leads to no unregistered place (promises T27, T28)."""

from __future__ import annotations

from urllib.parse import urlencode

import httpx

from storage import apps
from tests.auth.mint import NOW
from tests.protocol.flow import App, Flow, Person, is_invalid_grant

GONE = "https://app.example/gone?a=1"


async def signed_in(flow: Flow) -> tuple[App, Person, str]:
    app, person = await flow.app(post_logout_redirect_uris=(GONE,)), await flow.person()
    id_token: str = (await app.tokens(person, scope="openid behov:read"))["id_token"]
    return app, person, id_token


async def leave(person: Person, **parameters: str) -> httpx.Response:
    return await person.browser.client.get(f"/oauth2/logout?{urlencode(parameters)}")


async def is_out(person: Person) -> bool:
    return (await person.browser.client.get("/console/")).status_code == 303


async def test_section_2_with_its_id_token_an_app_ends_the_session(any_flow: Flow) -> None:
    _, person, id_token = await signed_in(any_flow)
    any_flow.platform.now += 600  # long expired: it is a hint
    stolen = person.browser.client.cookies["sluss_session"]
    answer = await leave(person, id_token_hint=id_token, post_logout_redirect_uri=GONE, state="å&b")
    assert answer.status_code == 303
    assert answer.headers["location"] == "https://app.example/gone?a=1&state=%C3%A5%26b"
    assert await is_out(person)
    person.browser.client.cookies.set("sluss_session", stolen)
    assert await is_out(person), "on the server, whatever becomes of the cookie"


async def test_section_2_without_it_the_person_is_asked(any_flow: Flow) -> None:
    app, person, id_token = await signed_in(any_flow)
    stranger = await any_flow.person()
    theirs: str = (await app.tokens(stranger))["id_token"]
    where = {"client_id": app.client.client_id, "post_logout_redirect_uri": GONE}
    hints: tuple[dict[str, str], ...] = (
        {},
        {"id_token_hint": theirs},
        {"id_token_hint": "x.y.z"},
        {"id_token_hint": id_token[:-3] + "AAA"},
    )
    for hint in hints:
        page = await leave(person, **where, **hint)
        assert page.status_code == 200
        assert "form-action 'self' https://app.example;" in page.headers["Content-Security-Policy"]
        assert not await is_out(person)
    shown = await person.browser.read(page)
    form = shown.form("/logout")
    forged = await person.browser.post("/console/logout", {**form.values, "csrf_token": "x"})
    assert forged.status_code == 403
    elsewhere = form.values["request"].replace("gone", "evil")
    assert (
        await person.browser.post("/console/logout", {**form.values, "request": elsewhere})
    ).status_code == 400
    assert not await is_out(person)
    answer = await person.browser.post("/console/logout", form.values)
    assert answer.headers["location"] == GONE
    assert await is_out(person)


async def test_section_3_no_open_redirect(flow: Flow) -> None:
    app, person, id_token = await signed_in(flow)
    other = await flow.app(post_logout_redirect_uris=("https://other.example/",))
    client_id = app.client.client_id
    wrong: list[dict[str, str]] = [
        {"post_logout_redirect_uri": GONE},
        {"post_logout_redirect_uri": GONE, "client_id": "x"},
        {"post_logout_redirect_uri": GONE, "client_id": other.client.client_id},
        {"post_logout_redirect_uri": GONE, "client_id": other.client.client_id, "id_token_hint": id_token},
        {"post_logout_redirect_uri": "https://other.example/", "id_token_hint": id_token},
        *(
            {"post_logout_redirect_uri": uri, "client_id": client_id, "id_token_hint": id_token}
            for uri in (
                *(
                    "https://app.example/gone",
                    GONE + "&b=2",
                    GONE + "#x",
                    "https://evil.example",
                    "//evil.example",
                ),
                *("/\\evil.example", "javascript:alert(1)", app.redirect_uri, '"', "å", "\x00", "x" * 3000),
            )
        ),
    ]
    for parameters in wrong:
        answer = await leave(person, **parameters)
        assert answer.status_code == 400, parameters
        assert "Location" not in answer.headers
        assert not await is_out(person)
    twice = f"post_logout_redirect_uri=https://evil.example&{urlencode({'post_logout_redirect_uri': GONE})}"
    answer = await person.browser.client.get(f"/oauth2/logout?{twice}&client_id={client_id}")
    assert answer.status_code == 400
    async with flow.database.begin() as session:
        await apps.set_state(session, app.client.organisation_id, app.client.app_id, "suspended", NOW)
    answer = await leave(person, post_logout_redirect_uri=GONE, id_token_hint=id_token)
    assert answer.status_code == 400


async def test_section_2_nobody_there_and_nowhere_to_go(flow: Flow) -> None:
    app, person, id_token = await signed_in(flow)
    gone = await flow.person(signed_in=False)
    answer = await leave(gone, client_id=app.client.client_id, post_logout_redirect_uri=GONE)
    assert answer.headers["location"] == GONE
    answer = await leave(person, id_token_hint=id_token)
    assert answer.headers["location"] == "/console/sign-in?done=signed-out"


async def test_section_2_by_post_too(flow: Flow) -> None:
    _, person, id_token = await signed_in(flow)
    form = {"id_token_hint": id_token, "post_logout_redirect_uri": GONE}
    foreign = {"Origin": "https://app.example", "Sec-Fetch-Site": "cross-site"}
    answer = await person.browser.client.post("/oauth2/logout", data=form, headers=foreign)
    assert answer.status_code == 303
    answer = await person.browser.client.get(answer.headers["location"])
    assert answer.headers["location"] == GONE
    assert await is_out(person)


async def test_what_ends_with_the_session_ends(any_flow: Flow) -> None:
    app, person = await any_flow.app(auth_method="none"), await any_flow.person()
    body = await app.tokens(person)
    await leave(person, id_token_hint=body["id_token"])
    is_invalid_grant(await app.refresh(body["refresh_token"]))

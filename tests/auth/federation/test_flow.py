"""Sign-in vouched for elsewhere (OpenID Connect Core 3.1.3.7, RFC 7636, RFC 9207; promises T25, T28, T29)."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import httpx
import pyotp
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc import jwt
from joserfc.jwk import ECKey

from auth import errors
from auth.federation.flow import Federation, Returned
from auth.federation.named import Provider
from auth.federation.provider import MOST_BYTES, Reader
from auth.people import People, authentication_of
from auth.sign_in.visits import Halfway, SignedIn
from storage import people as rows
from storage.database import Database
from storage.people import Person
from tests.auth.federation.foreign import CLIENT, ISSUER, NEVER, SUBJECT, Foreign, by_public_key, unsigned
from tests.auth.mint import NOW
from tests.auth.test_people import HERE, MASTER_KEY, cheap, sign_up

BACK = "http://localhost:8080/console/sign-in/provider"
LOA3 = "http://id.elegnamnden.se/loa/1.0/loa3"
PLAIN = Provider(ISSUER, CLIENT, "Legitimera", "Identify")


@dataclass
class Place:
    database: Database
    people: People
    person: Person
    foreign: Foreign

    def of(self, provider: Provider = PLAIN) -> Federation:
        reader = Reader(provider, self.foreign.transport())
        return Federation(self.database, provider, BACK, self.people.factors, reader)

    async def linked(self, federation: Federation | None = None) -> None:
        made = federation or self.of()
        there = await made.start("session", "/console/security", NOW, link_to=self.person.id)
        answer = self.foreign.authorize(there)
        done = await made.finish("session", answer, NOW, HERE, person_id=self.person.id)
        assert done == Returned(None, "/console/security")

    async def sign_in(
        self, federation: Federation | None = None, changed: dict[str, str] | None = None
    ) -> SignedIn | Halfway:
        made = federation or self.of()
        answer = self.foreign.authorize(await made.start("browser", "/console/", NOW))
        done = await made.finish("browser", answer | (changed or {}), NOW, HERE)
        assert done.begun is not None
        return done.begun


@pytest.fixture
async def place(database: Database) -> AsyncIterator[Place]:
    people = People(database, cheap(), master_key=MASTER_KEY)
    yield Place(database, people, await sign_up(people), Foreign(lambda: NOW))
    people.close()


async def test_linking_and_signing_in(place: Place) -> None:
    await place.linked()
    begun = await place.sign_in()
    assert isinstance(begun, SignedIn)
    assert begun.person.id == place.person.id
    said = authentication_of(begun.session)
    assert (said.amr, said.multi_factor) == (("fed",), False)
    asked = place.foreign.asked
    assert asked["response_type"] == "code"
    assert asked["code_challenge_method"] == "S256"
    assert asked["redirect_uri"] == BACK
    assert len(asked["state"]) == len(asked["nonce"]) == 43


async def test_an_e_mail_address_links_nothing(place: Place) -> None:
    place.foreign.claims = {"email": place.person.email, "email_verified": True}
    with pytest.raises(errors.IdentityUnknown):
        await place.sign_in()


async def test_the_level_that_was_demanded_counts_as_two_factors(place: Place) -> None:
    strong = place.of(replace(PLAIN, acr=("urn:x", LOA3)))
    place.foreign.claims = {"acr": LOA3}
    await place.linked(strong)
    begun = await place.sign_in(strong)
    assert isinstance(begun, SignedIn)
    said = authentication_of(begun.session)
    assert (said.acr, said.multi_factor) == (LOA3, True)
    assert place.foreign.asked["acr_values"] == f"urn:x {LOA3}"


@pytest.mark.parametrize("acr", [NEVER, "", LOA3[:-1] + "2", LOA3.upper(), [LOA3], {"x": LOA3}, None, 3])
async def test_a_level_that_was_not_demanded(place: Place, acr: object) -> None:
    await place.linked()
    place.foreign.claims = {"acr": acr}
    with pytest.raises(errors.LevelTooLow):
        await place.sign_in(place.of(replace(PLAIN, acr=(LOA3,))))


async def test_ones_own_second_step_remains_where_no_level_is_demanded(place: Place) -> None:
    await place.linked()
    key = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
    async with place.database.begin() as session:
        await place.people.factors.propose(session, place.person, NOW, key)
        await place.people.factors.confirm(session, place.person, pyotp.TOTP(key).at(NOW - 30), NOW, HERE)
    half = await place.sign_in()
    assert isinstance(half, Halfway)
    done = await place.people.second_step.finish(half.sign_in_id, pyotp.TOTP(key).at(NOW), NOW, HERE)
    assert authentication_of(done.session).amr == ("fed", "otp", "mfa")


async def test_a_closed_account(place: Place) -> None:
    await place.linked()
    async with place.database.begin() as session:
        await rows.set_disabled(session, place.person.id, NOW)
    with pytest.raises(errors.IdentityUnknown):
        await place.sign_in()


async def test_an_identity_is_one_account(place: Place) -> None:
    await place.linked()
    other = await sign_up(place.people, email="b@example.se")
    with pytest.raises(errors.IdentityTaken):
        await Place(place.database, place.people, other, place.foreign).linked()


async def test_only_who_began_links(place: Place) -> None:
    federation = place.of()
    other = await sign_up(place.people, email="b@example.se")
    answer = place.foreign.authorize(await federation.start("s", "/x", NOW, link_to=place.person.id))
    with pytest.raises(errors.VouchingRefused):
        await federation.finish("s", answer, NOW, HERE, person_id=other.id)


async def test_state_is_for_one_browser_once_and_in_time(place: Place) -> None:
    await place.linked()
    federation = place.of()
    first = place.foreign.authorize(await federation.start("browser", "/console/", NOW))
    with pytest.raises(errors.VouchingRefused):
        await federation.finish("another", first, NOW, HERE)
    with pytest.raises(errors.VouchingRefused):
        await federation.finish("browser", first, NOW, HERE)  # used up by the try before
    late = place.foreign.authorize(await federation.start("browser", "/console/", NOW))
    with pytest.raises(errors.VouchingRefused):
        await federation.finish("browser", late, NOW + 600, HERE)


@pytest.mark.parametrize(
    "changed",
    [{"iss": "https://evil.example"}, {"iss": ISSUER + "/"}, {"iss": ""}, {"code": ""}, {"code": "x" * 5000},
     {"error": "access_denied"}, {"state": ""}, {"state": "\x00"}, {"state": "x" * 43}],
)  # fmt: skip
async def test_an_answer_that_is_not_the_right_one(place: Place, changed: dict[str, str]) -> None:
    await place.linked()
    place.foreign.redeemed.clear()
    with pytest.raises(errors.VouchingRefused):
        await place.sign_in(changed=changed)
    assert place.foreign.redeemed == [], "a code that another may have planted is not sent on"


async def test_a_promised_iss_must_be_there(place: Place) -> None:
    """RFC 9207, 2.4."""
    await place.linked()
    for promised, accepted in ((True, False), (False, True)):
        place.foreign.metadata = {"authorization_response_iss_parameter_supported": promised}
        federation = place.of()
        answer = place.foreign.authorize(await federation.start("b", "/", NOW))
        del answer["iss"]
        if accepted:
            await federation.finish("b", answer, NOW, HERE)
        else:
            with pytest.raises(errors.VouchingRefused):
                await federation.finish("b", answer, NOW, HERE)


@pytest.mark.parametrize(
    "claims",
    [{"iss": "https://evil.example"}, {"iss": ISSUER + "/"}, {"iss": [ISSUER]}, {"iss": NEVER},
     {"aud": "another"}, {"aud": []}, {"aud": NEVER}, {"aud": [CLIENT, "another"]}, {"aud": {"x": CLIENT}},
     {"aud": [CLIENT, 1]}, {"azp": "another"}, {"nonce": "another"}, {"nonce": NEVER}, {"nonce": None},
     {"exp": NOW - 61}, {"exp": NEVER}, {"exp": True}, {"exp": "9999999999"}, {"exp": float("nan")},
     {"iat": NOW + 61}, {"iat": NOW - 601}, {"iat": NEVER}, {"iat": float("nan")}, {"iat": True},
     {"sub": ""}, {"sub": NEVER}, {"sub": 1}, {"sub": [SUBJECT]}, {"sub": "x" * 256}, {"sub": "a\x00b"}],
)  # fmt: skip
async def test_a_claim_that_is_wrong(place: Place, claims: dict[str, Any]) -> None:
    await place.linked()
    place.foreign.claims = claims
    with pytest.raises(errors.VouchingRefused) as caught:
        await place.sign_in()
    assert caught.type is errors.VouchingRefused


@pytest.mark.parametrize("wrong", ["none", "key", "hs256", "deep", "long", "empty", "text", "crit", "jwk"])
async def test_a_signature_that_is_wrong(place: Place, wrong: str) -> None:
    await place.linked()
    foreign = place.foreign
    right = {"iss": ISSUER, "aud": CLIENT, "sub": SUBJECT, "iat": NOW, "exp": NOW + 300, "nonce": "x"}
    if wrong == "none":
        foreign.token = unsigned(right)
    elif wrong == "key":
        foreign.token = jwt.encode({"alg": "ES256", "kid": "k1"}, right, ECKey.generate_key("P-256"))
    elif wrong == "hs256":
        foreign.token = by_public_key(foreign, right)
    elif wrong == "deep":
        foreign.token = unsigned({}, "ES256").replace("e30", b64encode(b"[" * 9000).decode().rstrip("="))
    elif wrong == "crit":
        foreign.header = {"crit": ["x"], "x": 1}
        foreign.token = unsigned(right, "ES256")
    elif wrong == "jwk":
        own = ECKey.generate_key("P-256")
        foreign.token = jwt.encode({"alg": "ES256", "jwk": own.as_dict(private=False)}, right, own)
    else:
        foreign.token = {"long": "x" * 20_000, "empty": "", "text": "a.b.c"}[wrong]
    with pytest.raises(errors.VouchingRefused):
        await place.sign_in()


@pytest.mark.parametrize(
    "answer",
    [httpx.Response(500), httpx.Response(302, headers={"Location": "http://127.0.0.1/"}),
     httpx.Response(200, text="no"), httpx.Response(200, json=[]), httpx.Response(200, text="[" * 100_000),
     httpx.Response(200, content=b"x" * (MOST_BYTES + 1)), httpx.Response(200, content=b"\xff\xfe")],
    ids=["500", "redirect", "text", "list", "deep", "large", "octets"],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/jwks", "/token"])
async def test_a_provider_that_answers_badly(place: Place, path: str, answer: httpx.Response) -> None:
    await place.linked()
    place.foreign.answers[path] = answer
    with pytest.raises((errors.ProviderFault, errors.VouchingRefused)):
        await place.sign_in()
    assert not [url for url in place.foreign.fetched if "127.0.0.1" in url]


@pytest.mark.parametrize(
    "endpoint",
    ["http://127.0.0.1/token", "https://127.0.0.1/token", "https://[::1]/token", "https://169.254.169.254/x",
     "https://10.0.0.1/token", "https://[::ffff:10.0.0.1]/token", "https://2130706433/token", "file:///etc/passwd",
     "http://id.region.example/token", "https://user@id.region.example/token", "", "x", "https://"],
)  # fmt: skip
async def test_metadata_leads_nowhere_inside(place: Place, endpoint: str) -> None:
    """T29: no request is made to what the provider's metadata names in this machine's own network."""
    await place.linked()
    place.foreign.metadata = {"token_endpoint": endpoint}
    place.foreign.fetched.clear()
    with pytest.raises((errors.ProviderFault, errors.VouchingRefused)):
        await place.sign_in()
    assert all(url.startswith(f"{ISSUER}/") for url in place.foreign.fetched)
    assert place.foreign.redeemed == place.foreign.redeemed[:1]


async def test_metadata_of_another_issuer(place: Place) -> None:
    place.foreign.metadata = {"issuer": "https://evil.example"}
    with pytest.raises(errors.ProviderFault):
        await place.of().start("b", "/", NOW)


async def test_a_new_key_is_fetched_once_and_a_storm_of_unknown_ones_is_not(place: Place) -> None:
    federation = place.of()
    await place.linked(federation)
    place.foreign.key = ECKey.generate_key("P-256", {"kid": "k2", "alg": "ES256"})
    place.foreign.header = {"kid": "k2"}
    there = place.foreign.authorize(await federation.start("b", "/", NOW + 61))
    place.foreign.claims = {"iat": NOW + 61, "exp": NOW + 300}
    assert (await federation.finish("b", there, NOW + 61, HERE)).begun is not None
    before = len(place.foreign.fetched)
    place.foreign.header = {"kid": "k3"}
    for _ in range(5):
        answer = place.foreign.authorize(await federation.start("b", "/", NOW + 62))
        with pytest.raises(errors.VouchingRefused):
            await federation.finish("b", answer, NOW + 62, HERE)
    assert [url for url in place.foreign.fetched[before:] if url.endswith("/jwks")] == []


async def test_the_client_shows_who_it_is(place: Place) -> None:
    await place.linked()
    assert place.foreign.authorization[-1] == ""
    place.foreign.claims = {"sub": "another"}
    with pytest.raises(errors.IdentityUnknown):
        await place.sign_in(place.of(replace(PLAIN, client_id=CLIENT, secret="a:b å")))
    assert place.foreign.authorization[-1] == "Basic " + b64encode(b"sluss:a%3Ab%20%C3%A5").decode()
    private = ec.generate_private_key(ec.SECP256R1())
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    place.foreign.claims = {}
    await place.sign_in(place.of(replace(PLAIN, key=pem)))
    shown = place.foreign.redeemed[-1]["client_assertion"]
    claims = jwt.decode(shown, ECKey.import_key(pem), algorithms=["ES256"]).claims
    assert (claims["iss"], claims["sub"], claims["aud"]) == (CLIENT, CLIENT, ISSUER)
    assert claims["exp"] - claims["iat"] <= 60
    assert place.foreign.authorization[-1] == ""


async def test_a_strengthened_session_is_still_the_providers_to_end(place: Place) -> None:
    await place.linked()
    federation = place.of()
    begun = await place.sign_in(federation)
    assert isinstance(begun, SignedIn)
    async with place.database.begin() as session:
        strong = await place.people.factors.strengthen(session, begun.session, place.person, NOW, HERE)
    assert authentication_of(strong.session).amr == ("fed", "mfa")
    assert await federation.log_out(logout(place), NOW, HERE) == 1


EVENTS: dict[str, Any] = {"http://schemas.openid.net/event/backchannel-logout": {}}


def logout(place: Place, **changed: Any) -> str:
    return place.foreign.signed(**{"nonce": NEVER, "events": EVENTS, "jti": "j1", **changed})


@pytest.mark.parametrize("named", [{}, {"sid": NEVER}, {"sub": NEVER}])
async def test_the_provider_ends_what_it_vouched_for(place: Place, named: dict[str, object]) -> None:
    """Back-Channel Logout, 2.6 and 2.7: by session, by person, or by both; our own sign-ins remain."""
    await place.linked()
    federation = place.of()
    theirs = await place.sign_in(federation)
    assert isinstance(theirs, SignedIn)
    own = await place.people.sign_in(
        email=place.person.email, password="en bra lösenfras", now=NOW, origin=HERE
    )
    assert isinstance(own, SignedIn)
    token = logout(place, **named)
    assert await federation.log_out(token, NOW, HERE) == 1
    assert await place.people.find(theirs.session_id, NOW) is None
    assert await place.people.find(own.session_id, NOW) is not None
    with pytest.raises(errors.VouchingRefused):
        await federation.log_out(token, NOW, HERE)  # once


@pytest.mark.parametrize(
    "changed",
    [{"nonce": "x"}, {"events": NEVER}, {"events": {}}, {"events": []}, {"events": {"other": {}}},
     {"jti": NEVER}, {"sub": NEVER, "sid": NEVER}, {"aud": "x"}, {"iss": "x"}, {"iat": NOW - 9999}],
)  # fmt: skip
async def test_what_is_no_logout_token(place: Place, changed: dict[str, Any]) -> None:
    await place.linked()
    begun = await place.sign_in()
    assert isinstance(begun, SignedIn)
    with pytest.raises(errors.VouchingRefused):
        await place.of().log_out(logout(place, **changed), NOW, HERE)
    assert await place.people.find(begun.session_id, NOW) is not None

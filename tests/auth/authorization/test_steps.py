"""What comes next for a request, cell by cell (OpenID Connect Core, 3.1.2)."""

from __future__ import annotations

import pytest

from auth.assurance import MULTI_FACTOR, SINGLE_FACTOR, Authentication, acr_of, meets, satisfies
from auth.authorization.request import AuthorizationRequest
from auth.authorization.steps import Next, next_step
from auth.server.faults import OAuthFault

NOW = 1000
FRESH = Authentication(990, ("pwd",), SINGLE_FACTOR)


def request(**changes: object) -> AuthorizationRequest:
    base: dict[str, object] = {
        "redirect_uri": "https://a.example/", "state": None, "scope": frozenset({"openid"}), "challenge": "x",
        "nonce": None, "prompts": frozenset(), "max_age": None, "acr_values": (), "login_hint": "", "resource": "",
        "dpop_jkt": None,
    }  # fmt: skip
    return AuthorizationRequest(**{**base, **changes})  # type: ignore[arg-type]


def step(
    asked: AuthorizationRequest,
    who: Authentication | None = FRESH,
    consented: tuple[str, ...] = ("openid",),
    since: int | None = None,
    consents_now: bool = False,
) -> str:
    """The step's name, or the error."""
    try:
        return next_step(
            asked, who, frozenset(consented), since=since, consents_now=consents_now, now=NOW
        ).value
    except OAuthFault as fault:
        return fault.error


SIGN_IN, CONSENT, CODE = (each.value for each in (Next.SIGN_IN, Next.CONSENT, Next.CODE))
UNMET = "unmet_authentication_requirements"


@pytest.mark.parametrize(
    ("prompt", "nobody", "somebody", "without_consent"),
    [
        ("", SIGN_IN, CODE, CONSENT),
        ("none", "login_required", CODE, "consent_required"),
        ("login", SIGN_IN, SIGN_IN, SIGN_IN),
        ("select_account", SIGN_IN, SIGN_IN, SIGN_IN),
        ("consent", SIGN_IN, CONSENT, CONSENT),
        ("login consent", SIGN_IN, SIGN_IN, SIGN_IN),
    ],
)
def test_prompt(prompt: str, nobody: str, somebody: str, without_consent: str) -> None:
    asked = request(prompts=frozenset(prompt.split()))
    assert (step(asked, None), step(asked), step(asked, consented=())) == (nobody, somebody, without_consent)


@pytest.mark.parametrize(
    ("max_age", "since", "next_"),
    [
        (0, None, SIGN_IN),
        (0, 990, CODE),
        (9, None, SIGN_IN),
        (9, 990, CODE),
        (9, 991, SIGN_IN),
        (10, None, CODE),
    ],
)
def test_max_age(max_age: int, since: int | None, next_: str) -> None:
    assert step(request(max_age=max_age), since=since) == next_


def test_a_sign_in_for_this_request_counts_once_it_is_later() -> None:
    asked = request(prompts=frozenset({"login"}))
    assert step(asked, since=991) == SIGN_IN
    assert step(asked, since=990) == CODE


def test_levels() -> None:
    asked = request(acr_values=(acr_of(3),))
    assert step(asked) == SIGN_IN
    assert step(asked, since=990) == UNMET
    assert step(asked, since=995) == SIGN_IN
    assert step(asked, Authentication(990, (), acr_of(4))) == CODE
    assert step(request(acr_values=(acr_of(3),), prompts=frozenset({"none"}))) == UNMET
    assert step(request(acr_values=("urn:other", acr_of(1)))) == CODE, "one of several is enough"


def test_consent_of_this_moment_stands_for_what_was_not_remembered() -> None:
    assert step(request(prompts=frozenset({"consent"})), consented=(), consents_now=True) == CODE
    assert step(request(), None, consents_now=True) == SIGN_IN, "but never for signing in"


@pytest.mark.parametrize(
    ("held", "wanted", "met"),
    [
        (acr_of(3), acr_of(2), True),
        (acr_of(2), acr_of(3), False),
        ("http://id.sambi.se/loa/loa3", acr_of(3), True),
        (acr_of(3), "http://id.elegnamnden.se/loa/1.0/eidas-nf-sub", True),
        ("urn:x", "urn:x", True),
        ("urn:x", acr_of(1), False),
        (acr_of(4), "urn:x", False),
        ("", acr_of(1), False),
    ],
)
def test_which_level_satisfies_which(held: str, wanted: str, met: bool) -> None:
    assert satisfies(held, wanted) is met
    assert meets(held, [wanted]) is met
    assert meets(held, [])


@pytest.mark.parametrize(
    ("held", "wanted", "enough"),
    [
        (SINGLE_FACTOR, acr_of(1), True),
        (MULTI_FACTOR, acr_of(1), True),
        (MULTI_FACTOR, acr_of(2), False),
        (MULTI_FACTOR, SINGLE_FACTOR, True),
        (SINGLE_FACTOR, MULTI_FACTOR, False),
        (acr_of(3), acr_of(2), True),
        (acr_of(4), MULTI_FACTOR, False),
        (acr_of(1), SINGLE_FACTOR, False),
        ("", acr_of(1), False),
        ("urn:other", "urn:other", True),
    ],
)
def test_what_our_own_sign_in_is_worth(held: str, wanted: str, enough: bool) -> None:
    """How many factors it took says nothing about who somebody is, and the other way about."""
    assert satisfies(held, wanted) is enough

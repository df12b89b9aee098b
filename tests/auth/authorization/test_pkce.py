"""PKCE, S256 alone (RFC 7636, 4 and appendix B)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth.authorization.pkce import acceptable, challenge_of, proves

VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_appendix_b() -> None:
    assert challenge_of(VERIFIER) == CHALLENGE
    assert proves(VERIFIER, CHALLENGE)
    assert acceptable(CHALLENGE, "S256")


@pytest.mark.parametrize(
    ("challenge", "method"),
    [
        *((CHALLENGE, method) for method in (None, "", "plain", "s256", "S512", "S256 ")),
        *(
            (challenge, "S256")
            for challenge in (None, "", CHALLENGE[:-1], CHALLENGE + "A", CHALLENGE[:-1] + "=")
        ),
    ],
)
def test_nothing_else_is_acceptable(challenge: str | None, method: str | None) -> None:
    assert not acceptable(challenge, method)


@pytest.mark.parametrize(
    "verifier", [None, "", CHALLENGE, VERIFIER[:-1], VERIFIER + "x", "x" * 129, "å" * 43, "x" * 42]
)
def test_nothing_else_proves(verifier: str | None) -> None:
    assert not proves(verifier, CHALLENGE)


@given(st.text(alphabet="ABCxyz019-._~", min_size=43, max_size=128))
def test_every_verifier_proves_its_own_challenge(verifier: str) -> None:
    challenge = challenge_of(verifier)
    assert acceptable(challenge, "S256")
    assert proves(verifier, challenge)
    assert not proves(verifier[::-1] + "x", challenge)

"""The life of a sign-in: every cell of the table (promise T27, RFC 8176)."""

from __future__ import annotations

from itertools import product

import pytest

from auth.assurance import MULTI_FACTOR, SINGLE_FACTOR
from auth.errors import StepRefused
from auth.factors.life import PROVES, Event, Stage, following, level, proved

NOBODY, SECOND, SIGNED_IN = Stage
CELLS = {
    (NOBODY, "password"): SIGNED_IN,
    (NOBODY, "password-first"): SECOND,
    (NOBODY, "passkey"): SIGNED_IN,
    (NOBODY, "provider"): SIGNED_IN,
    (NOBODY, "provider-first"): SECOND,
    (SECOND, "code"): SIGNED_IN,
    (SECOND, "recovery-code"): SIGNED_IN,
    (SECOND, "security-key"): SIGNED_IN,
    (SECOND, "wrong"): SECOND,
    (SECOND, "exhausted"): NOBODY,
    (SECOND, "given-up"): NOBODY,
    (SIGNED_IN, "enrolled"): SIGNED_IN,
    (SIGNED_IN, "sign-out"): NOBODY,
}


@pytest.mark.parametrize(("stage", "event"), list(product(Stage, Event)))
def test_every_cell(stage: Stage, event: Event) -> None:
    expected = CELLS.get((stage, event.value))
    if expected is None:
        with pytest.raises(StepRefused):
            following(stage, event)
    else:
        assert following(stage, event) is expected


def test_only_two_factors_are_two_factors() -> None:
    """One factor alone never gives the level of two, in any order."""
    alone = {event for event in Event if "mfa" in PROVES.get(event, ())}
    assert alone == {Event.PASSKEY, Event.CODE, Event.RECOVERY_CODE, Event.SECURITY_KEY, Event.ENROLLED}
    assert level(proved("", Event.PASSWORD)) == SINGLE_FACTOR
    assert level(proved("", Event.PROVIDER)) == SINGLE_FACTOR
    assert level(proved(proved("", Event.PASSWORD_FIRST), Event.CODE)) == MULTI_FACTOR
    assert level("mfab") == SINGLE_FACTOR


def test_methods_are_named_once() -> None:
    assert proved("pwd otp mfa", Event.ENROLLED) == "pwd otp mfa"
    assert proved("pwd", Event.CODE) == "pwd otp mfa"

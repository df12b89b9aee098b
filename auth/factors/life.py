"""The life of a sign-in, as a table, and what each of its steps proves (RFC 8176).

Pure. Which event has happened is told by `auth.people` and `auth.sign_in.second_step`, each inside its transaction;
every step that changes the stage also changes the id in the browser's cookie (promise T27).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from auth.assurance import MULTI_FACTOR, SINGLE_FACTOR
from auth.errors import StepRefused


class Stage(StrEnum):
    NOBODY = "nobody"  # no session
    SECOND_FACTOR = "second-factor"  # the first factor was right, and the account has a second
    SIGNED_IN = "signed-in"


class Event(StrEnum):
    PASSWORD = "password"  # noqa: S105 - right, and the account has no second factor
    PASSWORD_FIRST = "password-first"  # noqa: S105 - right, and the account has a second factor
    PASSKEY = "passkey"  # with the person's own PIN or biometrics: two factors in one act
    PROVIDER = "provider"  # vouched for elsewhere, at the level that was demanded
    PROVIDER_FIRST = "provider-first"  # vouched for elsewhere, and the account has a second factor here
    CODE = "code"  # a one-time code that was right
    RECOVERY_CODE = "recovery-code"
    SECURITY_KEY = "security-key"  # a passkey after a password: possession is enough
    ENROLLED = "enrolled"  # a second factor was shown to work in this very session
    WRONG = "wrong"
    EXHAUSTED = "exhausted"  # one wrong code too many
    GIVEN_UP = "given-up"
    SIGN_OUT = "sign-out"


TABLE: Mapping[tuple[Stage, Event], Stage] = {
    (Stage.NOBODY, Event.PASSWORD): Stage.SIGNED_IN,
    (Stage.NOBODY, Event.PASSWORD_FIRST): Stage.SECOND_FACTOR,
    (Stage.NOBODY, Event.PASSKEY): Stage.SIGNED_IN,
    (Stage.NOBODY, Event.PROVIDER): Stage.SIGNED_IN,
    (Stage.NOBODY, Event.PROVIDER_FIRST): Stage.SECOND_FACTOR,
    (Stage.SECOND_FACTOR, Event.CODE): Stage.SIGNED_IN,
    (Stage.SECOND_FACTOR, Event.RECOVERY_CODE): Stage.SIGNED_IN,
    (Stage.SECOND_FACTOR, Event.SECURITY_KEY): Stage.SIGNED_IN,
    (Stage.SECOND_FACTOR, Event.WRONG): Stage.SECOND_FACTOR,
    (Stage.SECOND_FACTOR, Event.EXHAUSTED): Stage.NOBODY,
    (Stage.SECOND_FACTOR, Event.GIVEN_UP): Stage.NOBODY,
    (Stage.SIGNED_IN, Event.ENROLLED): Stage.SIGNED_IN,
    (Stage.SIGNED_IN, Event.SIGN_OUT): Stage.NOBODY,
}

# Authentication method references that an event adds. A recovery code is a one-time password as RFC 8176 has it.
PROVES: Mapping[Event, tuple[str, ...]] = {
    Event.PASSWORD: ("pwd",),
    Event.PASSWORD_FIRST: ("pwd",),
    Event.PASSKEY: ("swk", "user", "mfa"),
    Event.PROVIDER: ("fed",),
    Event.PROVIDER_FIRST: ("fed",),
    Event.CODE: ("otp", "mfa"),
    Event.RECOVERY_CODE: ("otp", "mfa"),
    Event.SECURITY_KEY: ("swk", "mfa"),
    Event.ENROLLED: ("mfa",),
}


def following(stage: Stage, event: Event) -> Stage:
    """The stage after `event`; raises StepRefused where the table has no cell."""
    after = TABLE.get((stage, event))
    if after is None:
        raise StepRefused(f"{event} at {stage}")
    return after


def proved(before: str, event: Event) -> str:
    """The methods shown so far, as stored: each once, in the order they were shown."""
    return " ".join(dict.fromkeys((*before.split(), *PROVES.get(event, ()))))


def level(amr: str) -> str:
    """The `acr` of an authentication of our own."""
    return MULTI_FACTOR if "mfa" in amr.split() else SINGLE_FACTOR

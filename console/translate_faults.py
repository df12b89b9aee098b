"""Faults of the packages below, turned into this package's own tree at one place."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from auth import errors as auth_errors
from console import errors
from storage import errors as storage_errors


@contextmanager
def translated() -> Iterator[None]:
    """Leaves console errors alone; anything unknown goes through and becomes a 500."""
    try:
        yield
    except storage_errors.NotFound as error:
        raise errors.NotFound(error.detail) from error
    except storage_errors.InvalidValue as error:
        raise errors.Unreadable(error.detail) from error
    except (storage_errors.AlreadyExists, storage_errors.WrongState) as error:
        raise errors.Conflict(error.detail) from error
    except storage_errors.Unavailable as error:
        raise errors.Unavailable(error.detail) from error
    except auth_errors.PersonError as error:
        raise _of_person(error) from error


# Class of ours, and the field it is about; the first row that fits counts.
_PERSON: tuple[tuple[type[auth_errors.PersonError], type[errors.ConsoleError], str], ...] = (
    (auth_errors.CodeRefused, errors.WrongCode, "code"),
    (auth_errors.PasskeyRefused, errors.PasskeyRefused, ""),
    (auth_errors.LevelTooLow, errors.LevelTooLow, ""),
    (auth_errors.IdentityUnknown, errors.IdentityUnknown, ""),
    (auth_errors.IdentityTaken, errors.IdentityTaken, ""),
    (auth_errors.VouchingRefused, errors.VouchingRefused, ""),
    (auth_errors.ProviderFault, errors.ProviderFault, ""),
    (auth_errors.SignInOver, errors.SignInOver, ""),
    (auth_errors.FactorInUse, errors.AlreadyTaken, "code"),
    (auth_errors.LinkOver, errors.LinkOver, ""),
    (auth_errors.NothingToConfirm, errors.NotFound, ""),
    (auth_errors.SignInRefused, errors.WrongPassword, ""),
    (auth_errors.EmailTaken, errors.AlreadyTaken, "email"),
    (auth_errors.WeakPassword, errors.Invalid, "password"),
    (auth_errors.UnacceptableEmail, errors.Invalid, "email"),
)


def _of_person(error: auth_errors.PersonError) -> Exception:
    if isinstance(error, auth_errors.TooManyAttempts):
        return errors.TooManyTries(error.detail, retry_after=error.retry_after)
    for theirs, ours, field in _PERSON:
        if isinstance(error, theirs):
            return ours(error.detail, fields=[_fault(field, error)] if field else ())
    return error


def _fault(field: str, error: auth_errors.PersonError) -> errors.FieldFault:
    return errors.FieldFault(field, error.code, error.sv, error.en)

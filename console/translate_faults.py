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
    except auth_errors.TooManyAttempts as error:
        raise errors.TooManyTries(error.detail, retry_after=error.retry_after) from error
    except auth_errors.SignInRefused as error:
        raise errors.WrongPassword(error.detail) from error
    except auth_errors.EmailTaken as error:
        raise errors.AlreadyTaken(error.detail, fields=[_fault("email", error)]) from error
    except auth_errors.WeakPassword as error:
        raise errors.Invalid(error.detail, fields=[_fault("password", error)]) from error
    except auth_errors.UnacceptableEmail as error:
        raise errors.Invalid(error.detail, fields=[_fault("email", error)]) from error


def _fault(field: str, error: auth_errors.PersonError) -> errors.FieldFault:
    return errors.FieldFault(field, error.code, error.sv, error.en)

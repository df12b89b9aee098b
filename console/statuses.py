"""The one table from refusal to HTTP status, for pages and the management API alike."""

from __future__ import annotations

from collections.abc import Mapping

from console import errors

STATUS: Mapping[type[errors.ConsoleError], int] = {
    errors.Unreadable: 400,
    errors.UnsupportedMedia: 415,
    errors.TooLarge: 413,
    errors.Invalid: 400,
    errors.NotSignedIn: 401,
    errors.TooManyTries: 429,
    errors.CrossSite: 403,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    errors.MethodNotAllowed: 405,
    errors.Conflict: 409,
    errors.AgainstRules: 422,
    errors.Unavailable: 503,
    errors.ConsoleError: 500,
}


def status_of(kind: type[errors.ConsoleError]) -> int:
    """The status of a class: its own row, else its nearest ancestor's."""
    for ancestor in kind.__mro__:
        if ancestor in STATUS:
            return STATUS[ancestor]
    return 500

"""Which scopes a token gets: those asked for, if the app may have them (RFC 6749, 3.3)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

from sqlalchemy.ext.asyncio import AsyncSession

from auth.server.faults import InvalidScope
from storage import subscriptions
from storage.apps import App

ApiScopes = Callable[[], Mapping[str, frozenset[str]]]
"""The scopes of every published API by its key."""

OPENID = "openid"
OFFLINE = "offline_access"
# What belongs to no API and a person alone can allow (OpenID Connect Core, 3.1.2.1, 5.4 and 11).
ABOUT_PERSON = frozenset({OPENID, "profile", "email", OFFLINE})

_LONGEST_SCOPE = 4096
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*")  # RFC 6749, 3.3


def granted(asked: str | None, allowed: frozenset[str]) -> frozenset[str]:
    """The scopes of a token. Raises InvalidScope for anything beyond `allowed`; drops nothing."""
    if asked is None:
        return allowed
    if len(asked) > _LONGEST_SCOPE or not _SCOPE.fullmatch(asked):
        raise InvalidScope
    wanted = frozenset(asked.split(" "))
    if not wanted <= allowed:
        raise InvalidScope
    return wanted


async def allowed_by_api(
    session: AsyncSession, app: App, at_most: Iterable[str] | None, catalogue: Mapping[str, frozenset[str]]
) -> dict[str, frozenset[str]]:
    """What an app may ask for: the scopes of every API that it has an active subscription to, `at_most` those that
    its registration names.
    """
    held = await subscriptions.for_app(session, app.organisation_id, app.id)
    found = {one.api: catalogue.get(one.api, frozenset()) for one in held if one.state == "active"}
    if at_most is None:
        return found
    return {api: scopes & frozenset(at_most) for api, scopes in found.items()}


async def allowed(
    session: AsyncSession, app: App, at_most: Iterable[str] | None, catalogue: Mapping[str, frozenset[str]]
) -> frozenset[str]:
    """The same for all of them together."""
    return frozenset().union(*(await allowed_by_api(session, app, at_most, catalogue)).values())

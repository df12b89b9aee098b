"""The console's cookies: their names and flags.

Over TLS the session cookie is `__Host-sluss` with Secure. A plain-http issuer is a developer's own machine; there the
`__Host-` prefix would keep the browser from storing it at all, so it is `sluss_session` without Secure.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from console.desk import Desk
from console.services import accounts
from console.services.accounts import Visit


def session_name(*, secure: bool) -> str:
    return "__Host-sluss" if secure else "sluss_session"


def form_name(*, secure: bool) -> str:
    """The cookie that binds the token of forms shown before sign-in."""
    return "__Host-sluss-form" if secure else "sluss_form"


def put(response: Response, name: str, value: str, desk: Desk, *, seconds: int | None = None) -> None:
    response.set_cookie(
        name, value, max_age=seconds, path="/", secure=desk.secure, httponly=True, samesite="lax"
    )


def drop(response: Response, name: str, desk: Desk) -> None:
    response.delete_cookie(name, path="/", secure=desk.secure, httponly=True, samesite="lax")


def session_id(request: Request, desk: Desk) -> str:
    """The value of the session cookie, empty when there is none."""
    return request.cookies.get(session_name(secure=desk.secure), "")


async def visit(request: Request, desk: Desk, now: int) -> Visit | None:
    """The live session behind the request's cookie."""
    given = session_id(request, desk)
    return await accounts.find(desk.people, given, now) if given else None

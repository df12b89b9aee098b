"""The way through our pages that an app sends a person on: from its request to sign-in, consent, and back to it.

Browsers hold every redirect after a form to `form-action`, the last one to the app too. So a page on the way names,
beside our own origin, the one the answer goes to; and no other page does.
"""

from __future__ import annotations

from starlette.responses import Response

from auth.server.interactive.authorize import PATH
from console.pages.page import Page
from console.translate_faults import translated

_OWN = "form-action 'self'"
_POLICY = "Content-Security-Policy"


async def widened(page: Page, response: Response) -> Response:
    """The response, allowed to lead on to the app when the page is on the way to one."""
    given = page.sent.get("next") or page.request.query_params.get("next")
    if isinstance(given, str) and given.startswith(f"{PATH}?") and response.status_code != 303:
        with translated():
            query = given.partition("?")[2].encode("utf-8", "replace")
            allow(response, await page.site.desk.endpoints.authorize.answered_at(query, page.now))
    return response


def allow(response: Response, origin: str | None) -> None:
    """Lets the page's forms end at `origin`."""
    policy = response.headers.get(_POLICY)
    if origin and policy:
        response.headers[_POLICY] = policy.replace(_OWN, f"{_OWN} {origin}")

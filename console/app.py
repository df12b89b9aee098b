"""The control plane put together: authorization server, management API, console pages and the built portal."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import RedirectResponse
from starlette.routing import BaseRoute, Mount, Route, Router
from starlette.types import Receive, Scope, Send

from auth.authenticate import Authenticator
from auth.factors.passkeys import Passkeys
from auth.federation.flow import Federation
from auth.federation.named import Provider
from auth.federation.provider import Reader
from auth.people import People
from auth.server.interactive.endpoints import PersonEndpoints
from auth.sign_in.passkey_sign_in import PasskeySignIn
from console.desk import Desk
from console.letters.post import Post
from console.management.routes import routes as management_routes
from console.pages.failures import LastResort, handlers
from console.pages.routes import protocol_pages
from console.pages.routes import routes as page_routes
from console.pages.site import Site
from console.pages.views.provider import BACK
from console.portal_site import PortalSite
from console.shell import Shells
from gateway.catalog.model import Catalog
from storage.database import Database

# What people type without the last slash, and the start page.
MOVED = {"/": "/portal/", "/console": "/console/", "/console/admin": "/console/admin/"}


def _federation(
    database: Database,
    issuer: str,
    people: People,
    provider: Provider | None,
    transport: httpx.AsyncBaseTransport | None,
) -> Federation | None:
    if provider is None:
        return None
    return Federation(database, provider, f"{issuer}{BACK}", people.factors, Reader(provider, transport))


def create(
    *,
    database: Database,
    issuer: str,
    catalog: Callable[[], Catalog],
    authorization_server: Sequence[BaseRoute],
    endpoints: PersonEndpoints,
    portal_tree: Path,
    clock: Callable[[], float],
    people: People,
    post: Post,
    provider: Provider | None = None,
    provider_transport: httpx.AsyncBaseTransport | None = None,
) -> Starlette:
    """`issuer` is the public base URL without a trailing slash; `authorization_server` the routes of
    `auth.server.app.routes`, `endpoints` what stands behind its pages; `portal_tree` the folder that holds the
    portal's `current`, built or not yet. Closes `people` and `database` at the end of the lifespan.
    """
    passkeys = Passkeys(issuer)
    desk = Desk(
        database=database,
        issuer=issuer,
        catalog=catalog,
        people=people,
        authenticator=Authenticator(issuer, frozenset({issuer})),
        passkeys=passkeys,
        passkey_sign_in=PasskeySignIn(database, passkeys),
        federation=_federation(database, issuer, people, provider, provider_transport),
        post=post,
        clock=clock,
        endpoints=endpoints,
    )
    site = Site.build(desk, Shells(portal_tree))

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await post.settled()
        people.close()
        await database.close()

    made = Starlette(
        routes=[
            *authorization_server,
            *protocol_pages(site),
            *(Route(path, _See(target), methods=["GET"]) for path, target in MOVED.items()),
            Mount("/management/v1", app=_router(management_routes(desk))),
            Mount("/console", app=_router(page_routes(site))),
            Mount("/portal", app=PortalSite(portal_tree)),
        ],
        middleware=[Middleware(LastResort, site=site)],
        exception_handlers=handlers(site),
        lifespan=lifespan,
    )
    made.router.redirect_slashes = False
    return made


def _router(routes: Sequence[BaseRoute]) -> Router:
    """Without redirects for a missing slash: those repeat the Host header back as an address."""
    return Router(routes, redirect_slashes=False)


class _See:
    """303 to a path of ours."""

    def __init__(self, target: str) -> None:
        self._target = target

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await RedirectResponse(self._target, 303)(scope, receive, send)

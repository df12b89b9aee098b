"""Every page of the console, with who is let in."""

from __future__ import annotations

from starlette.routing import BaseRoute, Route

from console.pages.handling import Door, PageEndpoint, PageRoute
from console.pages.requests import Posted
from console.pages.site import Site
from console.pages.static import StaticFile, files
from console.pages.views import (
    access,
    accounts,
    admin,
    apps,
    authorize,
    client,
    device,
    logout,
    organisations,
    subscriptions,
    tokens,
    usage,
)

_ORGANISATION = "/organisations/{organisation}"
_APP = f"{_ORGANISATION}/apps/{{app}}"
_ADMIN = "/admin/organisations/{organisation}"

TABLE: tuple[PageRoute, ...] = (
    PageRoute("/sign-up", accounts.show_sign_up, accounts.sign_up, Door.OPEN),
    PageRoute("/sign-in", accounts.show_sign_in, accounts.sign_in, Door.OPEN),
    PageRoute("/sign-out", post=accounts.sign_out),
    PageRoute("/", organisations.overview),
    PageRoute("/subscribe", organisations.choose_app),
    PageRoute("/consent", post=authorize.decide),
    PageRoute("/logout", post=logout.confirmed, door=Door.OPEN),
    PageRoute("/device", device.show, device.answer),
    PageRoute("/access", access.show),
    PageRoute("/access/{consent}/withdraw", post=access.withdraw),
    PageRoute("/tokens", tokens.show, tokens.create),
    PageRoute("/tokens/{token}/end", post=tokens.revoke),
    PageRoute("/organisations/new", organisations.show_new, organisations.create),
    PageRoute(_ORGANISATION, organisations.show),
    PageRoute(f"{_ORGANISATION}/members", post=organisations.add_member),
    PageRoute(f"{_ORGANISATION}/members/{{person}}/remove", post=organisations.remove_member),
    PageRoute(f"{_ORGANISATION}/usage.csv", usage.csv_of),
    PageRoute(f"{_ORGANISATION}/apps/new", apps.show_new, apps.create),
    PageRoute(_APP, apps.show),
    PageRoute(f"{_APP}/usage.csv", usage.csv_of),
    PageRoute(f"{_APP}/credentials", post=apps.create_credential),
    PageRoute(f"{_APP}/rotations", post=apps.rotate),
    PageRoute(f"{_APP}/credentials/{{credential}}/end", post=apps.revoke_credential),
    PageRoute(f"{_APP}/subscriptions", post=subscriptions.request),
    PageRoute(f"{_APP}/subscriptions/{{subscription}}/close", post=subscriptions.close),
    PageRoute(f"{_APP}/client", client.show, client.replace_client),
    PageRoute(f"{_APP}/delete", apps.show_delete, apps.delete),
    PageRoute("/admin/", admin.start, door=Door.OPERATOR),
    PageRoute("/admin/revocations", post=admin.revoke_token, door=Door.OPERATOR),
    PageRoute("/admin/subscriptions/{subscription}/approve", post=admin.approve, door=Door.OPERATOR),
    PageRoute("/admin/subscriptions/{subscription}/decline", post=admin.decline, door=Door.OPERATOR),
    PageRoute("/admin/audit", admin.show_audit, door=Door.OPERATOR),
    PageRoute(_ADMIN, admin.show_organisation, door=Door.OPERATOR),
    PageRoute(f"{_ADMIN}/disable", post=admin.disable, door=Door.OPERATOR),
    PageRoute(f"{_ADMIN}/enable", post=admin.enable, door=Door.OPERATOR),
    PageRoute(f"{_ADMIN}/apps/{{app}}/suspend", post=admin.suspend_app, door=Door.OPERATOR),
    PageRoute(f"{_ADMIN}/apps/{{app}}/resume", post=admin.resume_app, door=Door.OPERATOR),
    PageRoute(
        f"{_ADMIN}/subscriptions/{{subscription}}/close", post=admin.close_subscription, door=Door.OPERATOR
    ),
)


def routes(site: Site) -> list[BaseRoute]:
    """Routes below `/console`."""
    pages: list[BaseRoute] = [Route(row.path, PageEndpoint(site, row)) for row in TABLE]
    return [*pages, *(Route(f"/static/{file.name}", StaticFile(file)) for file in files())]


# Addresses of protocols at which a person is shown a page; below no `/console`.
PROTOCOL: tuple[PageRoute, ...] = (
    PageRoute("/oauth2/authorize", authorize.show, door=Door.OPEN),
    PageRoute("/oauth2/logout", logout.show, door=Door.OPEN),
)


def protocol_pages(site: Site) -> list[BaseRoute]:
    return [
        route
        for row in PROTOCOL
        for route in (
            Route(row.path, Posted(site, row.path), methods=["POST"]),
            Route(row.path, PageEndpoint(site, row), methods=["GET"]),
        )
    ]

"""Every page of the console, with who is let in."""

from __future__ import annotations

from starlette.routing import BaseRoute, Route

from console.pages.handling import Door, PageEndpoint, PageRoute
from console.pages.requests import Posted
from console.pages.site import Site
from console.pages.static import StaticFile, files
from console.pages.views import (
    accounts,
    admin,
    apps,
    client,
    letters,
    organisations,
    passkeys,
    provider,
    security,
    subscriptions,
    tokens,
    usage,
)
from console.pages.views.oauth import access, authorize, device, logout

_ORGANISATION = "/organisations/{organisation}"
_APP = f"{_ORGANISATION}/apps/{{app}}"
_ADMIN = "/admin/organisations/{organisation}"

TABLE: tuple[PageRoute, ...] = (
    PageRoute("/sign-up", accounts.show_sign_up, accounts.sign_up, Door.OPEN),
    PageRoute("/sign-in", accounts.show_sign_in, accounts.sign_in, Door.OPEN),
    PageRoute("/sign-in/passkey", post=passkeys.sign_in, door=Door.OPEN),
    PageRoute("/sign-in/passkey/options", post=passkeys.sign_in_options, door=Door.OPEN),
    PageRoute("/sign-in/code/passkey", post=passkeys.enter, door=Door.OPEN),
    PageRoute("/sign-in/code/passkey/options", post=passkeys.code_options, door=Door.OPEN),
    PageRoute("/sign-in/provider", provider.back, door=Door.OPEN),
    PageRoute("/sign-in/provider/start", provider.start, door=Door.OPEN),
    PageRoute("/sign-in/code", accounts.show_code, accounts.enter_code, Door.OPEN),
    PageRoute("/forgotten", letters.show_forgotten, letters.forgotten, Door.OPEN),
    PageRoute("/new-password", letters.show_new_password, letters.new_password, Door.OPEN),
    PageRoute("/invitation", letters.show_invitation, letters.accept_invitation),
    PageRoute("/sign-out", post=accounts.sign_out),
    PageRoute("/security", security.show),
    PageRoute("/security/codes", post=security.propose_codes, fresh=True),
    PageRoute("/security/codes/confirm", post=security.confirm_codes, fresh=True),
    PageRoute("/security/codes/remove", post=security.remove_codes, fresh=True),
    PageRoute("/security/recovery-codes", post=security.new_recovery_codes, fresh=True),
    PageRoute("/security/passkeys", post=passkeys.add, fresh=True),
    PageRoute("/security/passkeys/options", post=passkeys.options, fresh=True),
    PageRoute("/security/passkeys/{passkey}/remove", post=passkeys.remove, fresh=True),
    PageRoute("/security/identities", post=provider.link, fresh=True),
    PageRoute("/security/identities/{identity}/remove", post=provider.unlink, fresh=True),
    PageRoute("/security/password", post=security.change_password),
    PageRoute("/security/sessions/end", post=security.end_sessions),
    PageRoute("/security/sessions/{session}/end", post=security.end_session),
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
    PageRoute(f"{_ORGANISATION}/invitations", post=organisations.invite),
    PageRoute(f"{_ORGANISATION}/invitations/{{invitation}}/withdraw", post=organisations.withdraw_invitation),
    PageRoute(f"{_ORGANISATION}/members/{{person}}/role", post=organisations.change_role),
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
    told = Route("/provider-logout", provider.BackChannel(site))
    return [*pages, told, *(Route(f"/static/{file.name}", StaticFile(file)) for file in files())]


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

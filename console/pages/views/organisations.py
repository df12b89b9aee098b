"""The start page, organisations and their members."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from console.errors import Conflict, Invalid
from console.pages import forms
from console.pages.local_path import HOME, local
from console.pages.page import Page
from console.roles import Act, Role, allowed
from console.services import apps, organisations
from console.services.people import invitations
from console.services.standing import roles_in
from storage.apps import App
from storage.organisations import Organisation
from storage.people import Person
from storage.proofs.invitations import Invitation


@dataclass(frozen=True, slots=True)
class Home:
    """One organisation on the start page."""

    organisation: Organisation
    role: str
    apps: list[App]


async def overview(page: Page) -> Response:
    """From an API's page in the portal one comes here with `api` and perhaps `plan`, and goes on to subscribing."""
    api = page.query("api")
    homes = await page.read(lambda session: _homes(session, page))
    if api:
        return page.see_other("/console/subscribe", api=api, plan=page.query("plan"))
    return page.html("overview.html", homes=homes)


async def choose_app(page: Page) -> Response:
    """Which app is to subscribe. With one there is nothing to choose."""
    homes = await page.read(lambda session: _homes(session, page))
    wanted = {"api": page.query("api"), "plan": page.query("plan")}
    found = [(home, app) for home in homes for app in home.apps if app.state == "active"]
    if len(found) == 1:
        home, app = found[0]
        return page.see_other(f"/console/organisations/{home.organisation.id}/apps/{app.id}", **wanted)
    return page.html("choose_app.html", homes=homes, found=found, wanted=wanted)


async def show_new(page: Page) -> Response:
    return page.html("new_organisation.html", form=page.filled(forms.NewOrganisation), next=_wanted(page))


async def create(page: Page) -> Response:
    form = page.filled(forms.NewOrganisation)
    if not form.validate():
        return page.refused("new_organisation.html", form, next=_wanted(page))
    try:
        made = await page.write(
            lambda session: organisations.create(
                session,
                page.actor,
                name=form.name.data or "",
                number=form.number.data or "",
                organisation_type=form.type.data,
                now=page.now,
            )
        )
    except (Invalid, Conflict) as refusal:
        return page.refused("new_organisation.html", form, refusal, next=_wanted(page))
    wanted = _wanted(page)
    if wanted != HOME:
        return page.see_other(wanted)
    return page.see_other(f"/console/organisations/{made.id}", done="organisation-created")


async def show(page: Page) -> Response:
    return await _show(page, page.filled(forms.NewMember, role="developer"))


async def invite(page: Page) -> Response:
    """By letter, whether the address has an account or not."""
    form = page.filled(forms.NewMember)
    organisation_id = page.path["organisation"]
    if not form.validate():
        return await _show(page, form, Invalid("form"))
    try:
        issued = await page.write(
            lambda session: invitations.create(
                session,
                page.actor,
                organisation_id,
                email=form.email.data or "",
                role=Role(form.role.data),
                now=page.now,
            )
        )
    except (Invalid, Conflict) as refusal:
        return await _show(page, form, refusal)
    desk = page.site.desk
    desk.post.send(invitations.letter(desk.issuer, issued, page.arrival.language))
    return page.see_other(f"/console/organisations/{organisation_id}", done="invitation-sent")


async def withdraw_invitation(page: Page) -> Response:
    organisation_id = page.path["organisation"]
    await page.write(
        lambda session: invitations.withdraw(
            session, page.actor, organisation_id, page.path["invitation"], now=page.now
        )
    )
    return page.see_other(f"/console/organisations/{organisation_id}", done="invitation-withdrawn")


async def change_role(page: Page) -> Response:
    organisation_id = page.path["organisation"]
    form = page.filled(forms.NewRole)
    if not form.validate():
        return await _show(page, page.blank(forms.NewMember), Invalid("role"))
    try:
        await page.write(
            lambda session: organisations.change_role(
                session,
                page.actor,
                organisation_id,
                page.path["person"],
                Role(form.role.data),
                now=page.now,
            )
        )
    except Conflict as refusal:
        return await _show(page, page.blank(forms.NewMember), refusal)
    return page.see_other(f"/console/organisations/{organisation_id}", done="role-changed")


async def remove_member(page: Page) -> Response:
    organisation_id = page.path["organisation"]
    try:
        await page.write(
            lambda session: organisations.remove_member(
                session, page.actor, organisation_id, page.path["person"], now=page.now
            )
        )
    except Conflict as refusal:
        return await _show(page, page.filled(forms.NewMember), refusal)
    if page.path["person"] == page.actor.person_id:
        return page.see_other("/console/", done="member-removed")
    return page.see_other(f"/console/organisations/{organisation_id}", done="member-removed")


async def _show(page: Page, form: forms.NewMember, refusal: Invalid | Conflict | None = None) -> Response:
    async def load(session: AsyncSession) -> dict[str, object]:
        organisation_id = page.path["organisation"]
        organisation = await organisations.get(session, page.actor, organisation_id)
        roles = await roles_in(session, page.actor, organisation_id)
        members: list[tuple[Person, str]] = []
        if allowed(roles, Act.MEMBER_READ):
            members = await organisations.members(session, page.actor, organisation_id)
        invited: list[Invitation] = []
        if allowed(roles, Act.MEMBER_ADD):
            invited = await invitations.waiting(session, page.actor, organisation_id, now=page.now)
        return {
            "invited": invited,
            "owners": sum(role == Role.OWNER for _, role in members),
            "organisation": organisation,
            "roles": roles,
            "may": lambda act: allowed(roles, Act(act)),
            "members": members,
            "apps": await apps.every(session, page.actor, organisation_id),
        }

    context = await page.read(load)
    if refusal is not None:
        return page.refused("organisation.html", form, refusal, context)
    return page.html("organisation.html", context, form=form)


async def _homes(session: AsyncSession, page: Page) -> list[Home]:
    found = []
    for organisation, role in await organisations.of_person(session, page.actor):
        found.append(Home(organisation, role, await apps.every(session, page.actor, organisation.id)))
    return found


def _wanted(page: Page) -> str:
    return local(page.query("next"))

"""Invitations to an organisation: bound to an address, used once, ended in time, and never above the inviter (Z11)."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from urllib.parse import urlencode

from sqlalchemy.ext.asyncio import AsyncSession

from auth.credentials.secrets import hash_of
from auth.errors import UnacceptableEmail
from auth.people import acceptable_email
from console.errors import AlreadyTaken, AnothersInvitation, FieldFault, Invalid, LinkOver, NotFound, TooMany
from console.letters import texts
from console.letters.post import Letter
from console.roles import Act, Actor, Role, Via, allowed
from console.services.journal import record
from console.services.organisations import demand_within
from console.services.standing import enter, roles_in
from storage import errors as storage_errors
from storage import organisations, people
from storage.organisations import Organisation
from storage.proofs import invitations
from storage.proofs.invitations import Invitation

DAYS = 7
MOST_OPEN = 50


@dataclass(frozen=True, slots=True)
class Issued:
    """An invitation just made; `token` goes into the letter and nowhere else."""

    row: Invitation
    organisation: Organisation
    inviter: str  # name
    token: str = field(repr=False)


async def create(
    session: AsyncSession, actor: Actor, organisation_id: str, *, email: str, role: Role, now: int
) -> Issued:
    """In place of an earlier one to the same address. Whether that address has an account is not told."""
    organisation = await enter(session, actor, organisation_id, Act.MEMBER_ADD)
    demand_within(role, await roles_in(session, actor, organisation_id))
    try:
        address = acceptable_email(email)
    except UnacceptableEmail as error:
        raise Invalid("address", fields=[FieldFault("email", error.code, error.sv, error.en)]) from error
    if any(person.email == address for person, _ in await organisations.members(session, organisation_id)):
        raise AlreadyTaken("member", fields=[_MEMBER])
    if len(await invitations.for_organisation(session, organisation_id, now)) >= MOST_OPEN:
        raise TooMany("invitations")
    inviter = await people.by_id(session, actor.person_id)
    token = secrets.token_urlsafe(32)
    row = await invitations.replace(
        session,
        organisation_id,
        email=address,
        role=role,
        token_hash=hash_of(token),
        invited_by=actor.person_id,
        expires_at=now + DAYS * 86_400,
        now=now,
    )
    await _record(session, actor, "invitation.create", row, now)
    return Issued(row, organisation, inviter.name if inviter else "Sluss", token)


def letter(issuer: str, issued: Issued, language: str) -> Letter:
    """In the inviter's language: which one the invited person reads is not known, and not asked for."""
    link = f"{issuer}/console/invitation?{urlencode({'token': issued.token})}"
    return texts.invitation(issued.row.email, language, issued.organisation.name, issued.inviter, link, DAYS)


async def waiting(session: AsyncSession, actor: Actor, organisation_id: str, *, now: int) -> list[Invitation]:
    """Those that can still be used, newest first."""
    await enter(session, actor, organisation_id, Act.MEMBER_ADD)
    return await invitations.for_organisation(session, organisation_id, now)


async def withdraw(
    session: AsyncSession, actor: Actor, organisation_id: str, invitation_id: str, *, now: int
) -> None:
    await enter(session, actor, organisation_id, Act.MEMBER_ADD)
    row = await invitations.use(session, organisation_id, invitation_id)
    if row is None:
        raise NotFound(f"invitation {invitation_id}")
    await _record(session, actor, "invitation.withdraw", row, now)


async def shown(
    session: AsyncSession, actor: Actor, token: str, *, now: int
) -> tuple[Invitation, Organisation]:
    """What the actor is invited to. Raises LinkOver, AnothersInvitation."""
    row = await invitations.by_token(session, hash_of(token), now)
    organisation = None if row is None else await organisations.by_id(session, row.organisation_id)
    if row is None or organisation is None or organisation.disabled_at is not None:
        raise LinkOver("invitation")
    person = await people.by_id(session, actor.person_id)
    if person is None or person.email != row.email:
        raise AnothersInvitation(row.id)
    await _demand_standing(session, row)
    return row, organisation


async def accept(session: AsyncSession, actor: Actor, token: str, *, now: int) -> Organisation:
    """Makes the actor a member. Raises LinkOver, AnothersInvitation, AlreadyTaken."""
    row, organisation = await shown(session, actor, token, now=now)
    if await invitations.use(session, row.organisation_id, row.id) is None:
        raise LinkOver("invitation")
    try:
        await organisations.add_member(session, row.organisation_id, actor.person_id, row.role, now)
    except storage_errors.AlreadyExists as error:
        raise AlreadyTaken("member", fields=[_MEMBER]) from error
    await _record(session, actor, "invitation.accept", row, now)
    return organisation


async def _demand_standing(session: AsyncSession, row: Invitation) -> None:
    """The inviter may have been removed or lowered since: then the invitation is worth nothing either (Z10)."""
    if row.invited_by == HOST:
        return
    held = await roles_in(session, Actor(row.invited_by, operator=False, via=Via.API), row.organisation_id)
    if not allowed(held, Act.MEMBER_ADD):
        raise LinkOver("inviter")
    demand_within(Role(row.role), held)


HOST = "host"
_MEMBER = FieldFault(
    "email", "already-member", "Personen är redan medlem.", "The person is a member already."
)


async def _record(session: AsyncSession, actor: Actor, act: str, row: Invitation, now: int) -> None:
    """Without the address: what must be erasable does not enter the log (P10)."""
    await record(
        session,
        actor,
        act,
        "invitation",
        row.id,
        now=now,
        organisation_id=row.organisation_id,
        after={"role": row.role, "invited_by": row.invited_by},
    )

"""Rows as the management API shows them. Hashes and secrets have no field here and so cannot get out."""

from __future__ import annotations

from auth.people import authentication_of
from console.management import shapes
from console.management.shapes import optional_timestamp, timestamp
from console.services.credentials import IssuedSecret
from storage.apps import App
from storage.credentials import API_KEY, CLIENT_SECRET, Credential
from storage.organisations import Organisation
from storage.people import Person
from storage.personal_tokens import PersonalToken
from storage.proofs.invitations import Invitation
from storage.sessions import Session
from storage.subscriptions import Subscription


def person(row: Person) -> shapes.PersonShape:
    return shapes.PersonShape(
        id=row.id,
        email=row.email,
        name=row.name,
        language=row.language,
        operator=row.operator,
        created_at=timestamp(row.created_at),
    )


def personal_token(row: PersonalToken) -> shapes.PersonalTokenShape:
    return shapes.PersonalTokenShape(
        id=row.id,
        name=row.name,
        last4=row.last4,
        created_at=timestamp(row.created_at),
        expires_at=optional_timestamp(row.expires_at),
        revoked_at=optional_timestamp(row.revoked_at),
    )


def organisation(row: Organisation, role: str | None = None) -> shapes.OrganisationShape:
    return shapes.OrganisationShape(
        id=row.id,
        name=row.name,
        number=row.number,
        type=row.type,
        created_at=timestamp(row.created_at),
        disabled=row.disabled_at is not None,
        role=role,
    )


def member(row: Person, role: str) -> shapes.MemberShape:
    return shapes.MemberShape(person_id=row.id, name=row.name, email=row.email, role=role)


def invitation(row: Invitation) -> shapes.InvitationShape:
    return shapes.InvitationShape(
        id=row.id,
        email=row.email,
        role=row.role,
        created_at=timestamp(row.created_at),
        expires_at=timestamp(row.expires_at),
    )


def session(row: Session) -> shapes.SessionShape:
    return shapes.SessionShape(
        id=row.id or "",
        agent=row.agent,
        ip=row.ip,
        created_at=timestamp(row.created_at),
        last_used_at=timestamp(row.last_used_at or row.created_at),
        multi_factor=authentication_of(row).multi_factor,
    )


def app(row: App) -> shapes.AppShape:
    return shapes.AppShape(
        id=row.id,
        organisation_id=row.organisation_id,
        name=row.name,
        environment=row.environment,
        client_id=row.client_id,
        state=row.state,
        created_at=timestamp(row.created_at),
    )


def credential(row: Credential) -> shapes.CredentialShape:
    return shapes.CredentialShape(
        id=row.id,
        app_id=row.app_id,
        kind=row.kind,
        last4=row.last4,
        created_at=timestamp(row.created_at),
        expires_at=optional_timestamp(row.expires_at),
        revoked_at=optional_timestamp(row.revoked_at),
        last_used_at=optional_timestamp(row.last_used_at),
    )


def created_credential(issued: IssuedSecret, token_endpoint: str, scope: str) -> shapes.CreatedCredential:
    return shapes.CreatedCredential(
        **credential(issued.credential).model_dump(),
        client_id=issued.app.client_id,
        client_secret=issued.secret if issued.credential.kind == CLIENT_SECRET else None,
        api_key=issued.secret if issued.credential.kind == API_KEY else None,
        token_endpoint=token_endpoint,
        scope=scope,
    )


def subscription(row: Subscription) -> shapes.SubscriptionShape:
    return shapes.SubscriptionShape(
        id=row.id,
        organisation_id=row.organisation_id,
        app_id=row.app_id,
        api=row.api,
        plan=row.plan,
        plan_version=row.plan_version,
        state=row.state,
        created_at=timestamp(row.created_at),
        changed_at=timestamp(row.changed_at),
    )

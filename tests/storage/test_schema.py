"""Tables and the values they become fit, and secrets are in neither their texts nor the tables."""

from __future__ import annotations

import re
from dataclasses import fields
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import Table

from storage import (
    apps,
    audit,
    clients,
    credentials,
    organisations,
    people,
    personal_tokens,
    revocations,
    sessions,
    signing_keys,
    subscriptions,
    usage,
)
from storage.oauth import (
    codes,
    consents,
    device_codes,
    grants,
    logout_notices,
    pushed_requests,
    refresh_tokens,
)
from storage.proofs import (
    identities,
    invitations,
    one_time_codes,
    passkeys,
    recovery_codes,
    registration_tokens,
    seen,  # noqa: F401 - adds its table
    sign_ins,
    single_use,
)
from storage.schema.identifiers import new_id
from storage.schema.metadata import metadata
from storage.usage import processes

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

VALUES: list[tuple[Table, type[DataclassInstance], set[str]]] = [
    (people.table, people.Person, set()),
    (sessions.table, sessions.Session, set()),
    (personal_tokens.table, personal_tokens.PersonalToken, set()),
    (invitations.table, invitations.Invitation, set()),
    (sign_ins.table, sign_ins.SignIn, set()),
    (one_time_codes.table, one_time_codes.OneTimeCodes, set()),
    (recovery_codes.table, recovery_codes.RecoveryCode, set()),
    (passkeys.table, passkeys.Passkey, set()),
    (identities.table, identities.Identity, set()),
    (single_use.table, single_use.SingleUse, set()),
    (organisations.table, organisations.Organisation, {"name_key"}),
    (organisations.members_table, organisations.Member, set()),
    (apps.table, apps.App, set()),
    (clients.table, clients.ClientMetadata, set()),
    (credentials.table, credentials.Credential, set()),
    (subscriptions.table, subscriptions.Subscription, set()),
    (signing_keys.table, signing_keys.SigningKey, set()),
    (revocations.table, revocations.Revocation, set()),
    (registration_tokens.table, registration_tokens.InitialToken, set()),
    (registration_tokens.registrations_table, registration_tokens.Registration, set()),
    (usage.table, usage.UsageRow, set()),
    (processes.table, processes.EdgeProcess, set()),
    (grants.table, grants.Grant, set()),
    (codes.table, codes.Code, set()),
    (refresh_tokens.table, refresh_tokens.RefreshToken, set()),
    (consents.table, consents.Consent, set()),
    (pushed_requests.table, pushed_requests.PushedRequest, set()),
    (device_codes.table, device_codes.DeviceCode, set()),
    (logout_notices.table, logout_notices.LogoutNotice, set()),
    (audit.table, audit.Entry, set()),
    (audit.head_table, audit.Head, {"id"}),
]


@pytest.mark.parametrize(("table", "value", "unseen"), VALUES, ids=lambda it: getattr(it, "name", None))
def test_a_value_shows_the_tables_columns(
    table: Table, value: type[DataclassInstance], unseen: set[str]
) -> None:
    assert {field.name for field in fields(value)} == set(table.columns.keys()) - unseen
    for field in fields(value):
        nullable = table.c[field.name].nullable
        assert ("None" in str(field.type)) == nullable, field.name


def test_every_table_is_looked_at() -> None:
    assert {table.name for table, _, _ in VALUES} | {"changes", "change_log", "seen_proofs"} == set(
        metadata.tables
    )


def test_whatever_opens_a_door_is_a_hash_or_sealed_and_not_shown() -> None:
    doors = re.compile(r"hash|secret|private|csrf|password|token$")
    for _, value, _ in VALUES:
        if value in (audit.Entry, audit.Head):
            continue  # their hash opens nothing
        for field in fields(value):
            if doors.search(field.name):
                assert not field.repr, f"{value.__name__}.{field.name}"
                assert re.search(r"hash|encrypted|csrf", field.name), f"{field.name} is stored readable"


def test_ids_cannot_be_guessed() -> None:
    ids = {new_id("app") for _ in range(1000)}
    assert len(ids) == 1000
    assert all(re.fullmatch(r"app_[0-9a-f]{32}", it) for it in ids)

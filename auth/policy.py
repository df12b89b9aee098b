"""What authorisation is decided on: the demand of an operation and the table of apps and grants.

Plain frozen values. The table is built by `gateway.snapshot` from the database and swapped whole; nothing
here reads anything.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Demand:
    """What one published operation asks of its caller."""

    api: str  # "behov/v1"
    scopes: frozenset[str]  # all of them
    callable: bool  # false for a retired version; its refusal is the line's, not ours
    acr: str = ""  # lowest level of assurance of the person who has signed in; empty: none is needed
    max_age: int | None = None  # seconds since they signed in
    api_keys: bool = False  # whether a key is taken in a token's place
    offered: frozenset[str] = frozenset()  # every scope of the API: what a key stands for


@dataclass(frozen=True, slots=True)
class AppAccess:
    """The state of one app, by which all of its tokens stand or fall."""

    app_id: str
    client_id: str
    organisation_id: str
    environment: str
    active: bool
    tokens_valid_from: int  # epoch second; a token issued before it is revoked
    organisation_active: bool = True


@dataclass(frozen=True, slots=True)
class Grant:
    """An app's subscription to one API: the base of limits and metering."""

    subscription_id: str
    organisation_id: str
    app_id: str
    api: str
    environment: str
    plan: str
    plan_version: int
    active: bool


@dataclass(frozen=True, slots=True)
class ApiKey:
    """One live key of an app; it is found by the hash of its text."""

    id: str  # cre_…
    client_id: str
    expires_at: int | None


@dataclass(frozen=True, slots=True)
class AccessTable:
    """Everything authorisation looks up. Deny by default: what is not in it does not exist."""

    apps: Mapping[str, AppAccess] = field(default_factory=dict)  # by client_id
    grants: Mapping[tuple[str, str], Grant] = field(default_factory=dict)  # by (app_id, api)
    revoked: frozenset[str] = frozenset()  # jti of revoked tokens that have not yet expired
    revoked_grants: frozenset[str] = frozenset()  # whose tokens have not all expired yet
    disabled_people: frozenset[str] = frozenset()
    api_keys: Mapping[str, ApiKey] = field(default_factory=dict)  # by SHA-256 of the text, hexadecimal
    live_keys: Collection[str] = frozenset()  # their ids

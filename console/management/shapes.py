"""The JSON shapes of the management API: what it takes and what it gives.

Bodies forbid fields they do not know, so that nothing protected (owner, role, state, limit) can be set by writing
it (promise Z4). Names are camelCase on the wire, times RFC 3339 in UTC.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel


class Shape(BaseModel):
    model_config = ConfigDict(
        extra="forbid", alias_generator=to_camel, populate_by_name=True, frozen=True, strict=True
    )


def _printable(text: str) -> str:
    """No control characters, no line or paragraph separators, no bidirectional overrides: a name is shown to other
    people and written to records."""
    if any(ord(character) < 32 or character in UNPRINTABLE for character in text):
        raise ValueError("control characters are not allowed")
    return text


UNPRINTABLE = frozenset(
    map(
        chr,
        (0x7F, *range(0x80, 0xA0), 0x2028, 0x2029, *range(0x202A, 0x202F), *range(0x2066, 0x206A), 0xFEFF),
    )
)

Name = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100), AfterValidator(_printable)
]
Email = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=3, max_length=254, pattern=r"^[^\s@]+@[^\s@]+$"),
    AfterValidator(_printable),
]
Password = Annotated[str, StringConstraints(min_length=1, max_length=1024)]
ApiOrId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,64}(/v[0-9]{1,4})?$")]
ApiKey = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,64}/v[0-9]{1,4}$")]
PlanId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,64}$")]
Jti = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.~-]{8,100}$")]
ClientId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_]{1,80}$")]
Jwt = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$", max_length=8192)
]


def timestamp(at: int) -> str:
    """Epoch seconds as RFC 3339 in UTC."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def optional_timestamp(at: int | None) -> str | None:
    return None if at is None else timestamp(at)


Timestamp = Annotated[
    str, Field(json_schema_extra={"format": "date-time"}, examples=["2026-01-15T09:30:00Z"])
]
Language = Literal["sv", "en"]
EnvironmentName = Literal["sandbox", "production"]
OrganisationType = Literal["company", "research", "authority", "internal"]
MemberRole = Literal["owner", "developer", "billing", "viewer"]


class NewPerson(Shape):
    email: Email
    name: Name
    password: Password
    language: Language = "sv"


class PersonShape(Shape):
    id: str
    email: str
    name: str
    language: str
    operator: bool
    created_at: Timestamp


class NewPersonalToken(Shape):
    """With e-mail and password it signs in by itself, with `code` where the account has a second factor; without
    them the session or another token is used."""

    name: Name
    email: Email | None = None
    password: Password | None = None
    code: Annotated[str, StringConstraints(min_length=1, max_length=64)] | None = None
    expires_in_days: Annotated[int, Field(ge=1, le=365)] = 90


class PersonalTokenShape(Shape):
    id: str
    name: str
    last4: str
    created_at: Timestamp
    expires_at: Timestamp | None
    revoked_at: Timestamp | None


class CreatedPersonalToken(PersonalTokenShape):
    token: Annotated[str, Field(description="Shown here once and never again.")]


class NewOrganisation(Shape):
    name: Name
    number: Annotated[str, StringConstraints(min_length=10, max_length=11), Field(examples=["556677-8899"])]
    type: OrganisationType


class OrganisationShape(Shape):
    id: str
    name: str
    number: str
    type: str
    created_at: Timestamp
    disabled: bool
    role: Annotated[str | None, Field(description="The caller's own role there.")] = None


class NewMember(Shape):
    email: Email
    role: MemberRole


class NewRole(Shape):
    role: MemberRole


class InvitationShape(Shape):
    id: str
    email: str
    role: str
    created_at: Timestamp
    expires_at: Timestamp


class InvitationAnswer(Shape):
    token: Annotated[
        str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{43}$"), Field(description="From the letter.")
    ]


class SessionShape(Shape):
    id: str
    agent: Annotated[str, Field(description="Browser and system, empty when unknown.")]
    ip: str
    created_at: Timestamp
    last_used_at: Timestamp
    multi_factor: bool


class MemberShape(Shape):
    person_id: str
    name: str
    email: str
    role: str


class NewApp(Shape):
    name: Name
    environment: EnvironmentName


class AppShape(Shape):
    id: str
    organisation_id: str
    name: str
    environment: str
    client_id: str
    state: str
    created_at: Timestamp


CredentialKind = Literal["client_secret", "api_key"]


class NewCredential(Shape):
    kind: CredentialKind = "client_secret"


class Rotation(Shape):
    """Zero ends the old secrets at once, and every token with them."""

    overlap_seconds: Annotated[int, Field(ge=0, le=2_592_000)] = 86_400
    kind: CredentialKind = "client_secret"


class CredentialShape(Shape):
    id: str
    app_id: str
    kind: str
    last4: str
    created_at: Timestamp
    expires_at: Timestamp | None
    revoked_at: Timestamp | None
    last_used_at: Timestamp | None


class CreatedCredential(CredentialShape):
    client_id: str
    client_secret: Annotated[str | None, Field(description="Shown here once and never again.")] = None
    api_key: Annotated[str | None, Field(description="The same, of an API key.")] = None
    token_endpoint: str
    scope: Annotated[
        str, Field(description="Every scope of the app's active subscriptions, space separated.")
    ]


class NewSubscription(Shape):
    api: ApiKey = Field(examples=["behov/v1"])
    plan: PlanId = Field(examples=["prova"])


class SubscriptionShape(Shape):
    id: str
    organisation_id: str
    app_id: str
    api: str
    plan: str
    plan_version: int
    state: str
    created_at: Timestamp
    changed_at: Timestamp


class NewRevocation(Shape):
    """Either the token's text, or (operators only) its `jti` with the client it was issued to."""

    token: Jwt | None = None
    jti: Jti | None = None
    client_id: ClientId | None = None


class RevocationShape(Shape):
    jti: str
    revoked_at: Timestamp


class NewPurge(Shape):
    """An API as `behov/v1`, or `behov` for all its versions; without it everything that is kept goes."""

    api: ApiOrId | None = Field(default=None, examples=["behov/v1"])


class Confirmed(Shape):
    """What an act without a richer answer returns."""

    done: bool = True

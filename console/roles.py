"""Who may do what: one literal table of role and act.

Owns the table and the question. It does not know how a role was found; `console.services.standing` asks storage.
Deny by default: an act that is missing from a role's row is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from auth.origin import Origin


class Role(StrEnum):
    """A member's role in an organisation, or a standing that holds in all of them."""

    OWNER = "owner"
    DEVELOPER = "developer"
    BILLING = "billing"
    VIEWER = "viewer"
    OPERATOR = "operator"  # the platform's staff, over pages and API
    HOST = "host"  # whoever runs `sluss` on the machine and so can read the database anyway


MEMBER_ROLES = (Role.OWNER, Role.DEVELOPER, Role.BILLING, Role.VIEWER)


class Act(StrEnum):
    """Names of acts; the same words stand in the audit log."""

    ORGANISATION_READ = "organisation.read"
    ORGANISATION_DISABLE = "organisation.disable"
    MEMBER_READ = "member.read"
    MEMBER_ADD = "member.add"
    MEMBER_CHANGE = "member.change"
    MEMBER_REMOVE = "member.remove"
    APP_READ = "app.read"
    APP_CREATE = "app.create"
    APP_CONFIGURE = "app.configure"
    APP_DELETE = "app.delete"
    APP_SUSPEND = "app.suspend"
    APP_RESUME = "app.resume"
    CREDENTIAL_READ = "credential.read"
    CREDENTIAL_CREATE = "credential.create"
    CREDENTIAL_ROTATE = "credential.rotate"
    CREDENTIAL_REVOKE = "credential.revoke"
    SUBSCRIPTION_READ = "subscription.read"
    SUBSCRIPTION_REQUEST = "subscription.request"
    SUBSCRIPTION_CLOSE = "subscription.close"
    SUBSCRIPTION_DECIDE = "subscription.decide"
    TOKEN_REVOKE = "token.revoke"  # noqa: S105 - the name of an act
    USAGE_READ = "usage.read"
    AUDIT_READ = "audit.read"


_VIEWER = frozenset({Act.ORGANISATION_READ, Act.APP_READ, Act.SUBSCRIPTION_READ, Act.USAGE_READ})
_BILLING = _VIEWER | {Act.MEMBER_READ}
_DEVELOPER = _VIEWER | {
    Act.MEMBER_READ,
    Act.APP_CREATE,
    Act.APP_CONFIGURE,
    Act.CREDENTIAL_READ,
    Act.CREDENTIAL_CREATE,
    Act.CREDENTIAL_ROTATE,
    Act.CREDENTIAL_REVOKE,
    Act.SUBSCRIPTION_REQUEST,
    Act.SUBSCRIPTION_CLOSE,
    Act.TOKEN_REVOKE,
}
_OWNER = _DEVELOPER | {Act.MEMBER_ADD, Act.MEMBER_CHANGE, Act.MEMBER_REMOVE, Act.APP_DELETE, Act.AUDIT_READ}
# An operator sees and stops, but never makes a credential in a customer's name: that would be a way to call as them.
_OPERATOR = frozenset(
    {
        Act.ORGANISATION_READ,
        Act.ORGANISATION_DISABLE,
        Act.MEMBER_READ,
        Act.APP_READ,
        Act.APP_SUSPEND,
        Act.APP_RESUME,
        Act.CREDENTIAL_READ,
        Act.CREDENTIAL_REVOKE,
        Act.SUBSCRIPTION_READ,
        Act.SUBSCRIPTION_CLOSE,
        Act.SUBSCRIPTION_DECIDE,
        Act.TOKEN_REVOKE,
        Act.USAGE_READ,
        Act.AUDIT_READ,
    }
)

ALLOWED: Mapping[Role, frozenset[Act]] = {
    Role.OWNER: _OWNER,
    Role.DEVELOPER: _DEVELOPER,
    Role.BILLING: _BILLING,
    Role.VIEWER: _VIEWER,
    Role.OPERATOR: _OPERATOR,
    Role.HOST: frozenset(Act),
}


class Via(StrEnum):
    """The door an act came through; kept in the audit log."""

    PAGE = "page"
    API = "api"
    CLI = "cli"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, decided once at the edge of a request from a session, a personal token or the command line."""

    person_id: str
    operator: bool
    via: Via
    ip: str = ""
    request_id: str = ""
    multi_factor: bool = (
        False  # two factors were shown: without them an operator's standing counts for nothing
    )

    @property
    def origin(self) -> Origin:
        """The same in the words of the audit log."""
        kind = "system" if self.via is Via.CLI else "operator" if self.operator else "person"
        return Origin(actor_kind=kind, actor_id=self.person_id, ip=self.ip, request_id=self.request_id)


def within(role: Role, held: frozenset[Role]) -> bool:
    """Whether who holds `held` may give `role`: it has no right that they lack."""
    return ALLOWED[role] <= frozenset().union(*(ALLOWED[each] for each in held))


def allowed(roles: frozenset[Role], act: Act) -> bool:
    """Whether any of the roles held has the act in its row."""
    return any(act in ALLOWED[role] for role in roles)

"""The snapshot: catalogue, access, limits and keys, joined. Pure; when it is built is the keeper's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from auth.policy import AccessTable
from auth.tokens.keys import VerificationKeys
from gateway.answers.cors import Cors
from gateway.catalog.model import Catalog, Family, Status
from gateway.route import Routes
from gateway.snapshot.accounts import Accounts
from gateway.snapshot.published import Document, Published, checks_of, cors_of, documents_of, routes_of
from gateway.snapshot.subscribed import Subscriptions
from gateway.validation.checks import ApiChecks
from storage import access as access_rows


@dataclass(frozen=True, slots=True)
class Snapshot:
    version: int  # the database's change number
    built_at: float  # epoch seconds
    catalog: Catalog
    routes: Routes[Published]
    checks: Mapping[str, ApiChecks]
    documents: Mapping[str, Document]
    cors: Mapping[str, Cors]  # by API key
    keys: VerificationKeys
    access: AccessTable
    subscribed: Subscriptions
    purged: frozenset[str] = frozenset()  # APIs whose kept answers end with the snapshot before; "" for all
    mark: object = field(default_factory=object)  # this snapshot and no other, without holding on to it

    @property
    def deprecated(self) -> frozenset[str]:
        """Keys of the APIs on their way out."""
        return frozenset(key for key, api in self.catalog.apis.items() if api.status is Status.DEPRECATED)

    def family_at(self, path: str) -> Family:
        """The family of the API below whose base a path lies; REST where there is none."""
        api = self.catalog.apis.get("/".join(path.split("/", 3)[1:3]))
        return api.family if api is not None else Family.REST

    def cors_at(self, path: str) -> Cors | None:
        """What the API below whose base a path lies allows pages in browsers."""
        return self.cors.get("/".join(path.split("/", 3)[1:3]))


def build(
    catalog: Catalog,
    accounts: Accounts,
    few: access_rows.Rest,
    issuer: str,
    now: float,
    before: Snapshot | None = None,
    purged: frozenset[str] = frozenset(),
) -> Snapshot:
    """Join files and rows; what comes from files alone is taken over from the snapshot `before` when they are
    the same. `accounts` hold at least what `few` says; they are taken as they are, and not copied.
    """
    accounts.disabled = few.organisations_disabled
    same = before if before is not None and before.catalog is catalog else None
    checks = (
        same.checks if same is not None else checks_of(catalog, before.checks if before is not None else {})
    )
    return Snapshot(
        version=few.version,
        built_at=now,
        catalog=catalog,
        routes=same.routes if same is not None else routes_of(catalog, issuer, checks),
        checks=checks,
        documents=same.documents if same is not None else documents_of(catalog, issuer),
        cors=same.cors if same is not None else cors_of(catalog),
        keys=VerificationKeys.from_rows(few.keys),
        access=accounts.table(few.revoked, few.revoked_grants, few.disabled_people),
        subscribed=same.subscribed if same is not None else Subscriptions(catalog),
        purged=purged,
    )

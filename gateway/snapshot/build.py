"""The snapshot: catalogue, access, limits and keys, joined. Pure; when it is built is the keeper's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from auth.policy import AccessTable, AppAccess, Grant
from auth.tokens.keys import VerificationKeys
from gateway.answers.cors import Cors
from gateway.catalog.model import AtEnd, Catalog, CountersAway, Family, Plan
from gateway.route import Routes
from gateway.snapshot.published import Document, Published, cors_of, documents_of, routes_of
from quota.counters.protocol import UsageKey
from quota.plans import Limits
from storage import access as access_rows


class UsageKeys(dict[str, UsageKey]):
    """One subscription's usage keys by operation id, each made at its first call: the counters look a key up
    on every call, and the same object is found soonest.
    """

    def __init__(self, grant: Grant) -> None:
        self._grant = grant

    def __missing__(self, operation: str) -> UsageKey:
        of = self._grant
        key = UsageKey(
            of.subscription_id, of.organisation_id, of.app_id, of.api, operation, of.plan, of.plan_version
        )
        self[operation] = key
        return key


@dataclass(frozen=True, slots=True)
class Subscribed:
    """How much a subscription may use, and under which name it is counted."""

    limits: Limits
    usage: UsageKeys


@dataclass(frozen=True, slots=True)
class Snapshot:
    version: int  # the database's change number
    built_at: float  # epoch seconds
    catalog: Catalog
    routes: Routes[Published]
    documents: Mapping[str, Document]
    cors: Mapping[str, Cors]  # by API key
    keys: VerificationKeys
    access: AccessTable
    subscribed: Mapping[str, Subscribed]  # by subscription id
    mark: object = field(default_factory=object)  # this snapshot and no other, without holding on to it

    def family_at(self, path: str) -> Family:
        """The family of the API below whose base a path lies; REST where there is none."""
        api = self.catalog.apis.get("/".join(path.split("/", 3)[1:3]))
        return api.family if api is not None else Family.REST

    def cors_at(self, path: str) -> Cors | None:
        """What the API below whose base a path lies allows pages in browsers."""
        return self.cors.get("/".join(path.split("/", 3)[1:3]))


def build(
    catalog: Catalog, rows: access_rows.AccessRows, issuer: str, now: float, before: Snapshot | None = None
) -> Snapshot:
    """Join files and rows; what comes from files alone is taken over from the snapshot `before` when they are
    the same. A subscription to a plan version that is no longer published has no limits and is therefore
    refused by the line, never let through unlimited."""
    same = before is not None and before.catalog is catalog
    access = _access(rows)
    return Snapshot(
        version=rows.version,
        built_at=now,
        catalog=catalog,
        routes=before.routes if before is not None and same else routes_of(catalog, issuer),
        documents=before.documents if before is not None and same else documents_of(catalog, issuer),
        cors=before.cors if before is not None and same else cors_of(catalog),
        keys=VerificationKeys.from_rows(rows.keys),
        access=access,
        subscribed=_subscribed(catalog, access.grants.values()),
    )


def _access(rows: access_rows.AccessRows) -> AccessTable:
    off = rows.organisations_disabled
    apps = {
        app.client_id: AppAccess(
            app_id=app.id,
            client_id=app.client_id,
            organisation_id=app.organisation_id,
            environment=app.environment,
            active=app.state == "active",
            tokens_valid_from=app.tokens_valid_from,
            organisation_active=app.organisation_id not in off,
        )
        for app in rows.apps
    }
    environments = {app.app_id: app.environment for app in apps.values()}
    grants = {
        (row.app_id, row.api): Grant(
            subscription_id=row.id,
            organisation_id=row.organisation_id,
            app_id=row.app_id,
            api=row.api,
            environment=environments[row.app_id],
            plan=row.plan,
            plan_version=row.plan_version,
            active=row.state == "active",
        )
        for row in rows.subscriptions
        if row.app_id in environments
    }
    return AccessTable(apps, grants, rows.revoked)


def limits_of(plan: Plan, subscription_id: str) -> Limits:
    rate = plan.rate
    return Limits.of(
        subscription_id=subscription_id,
        plan=plan.key,
        requests=rate.requests if rate else 0,
        seconds=rate.seconds if rate else 1,
        burst=rate.burst if rate else 0,
        per_day=plan.per_day,
        per_month=plan.per_month,
        refuse_at_end=plan.at_end is AtEnd.REFUSE,
        open_when_away=plan.counters_away is CountersAway.OPEN,
    )


def _subscribed(catalog: Catalog, grants: Iterable[Grant]) -> dict[str, Subscribed]:
    found: dict[str, Subscribed] = {}
    for grant in grants:
        plan = catalog.plans.get(f"{grant.plan}@{grant.plan_version}")
        if plan is not None:
            limits = limits_of(plan, grant.subscription_id)
            found[grant.subscription_id] = Subscribed(limits, UsageKeys(grant))
    return found

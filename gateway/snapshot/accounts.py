"""Apps and their subscriptions as the edge keeps them: a hundred thousand in 25 MB, and one changed in place.

A subscription is a small tuple below its app; what the line asks for (`AppAccess`, `Grant`, `Subscribed`) is made
when it is asked, and the last only once, since few of the many call at the same time.

Changes are put in between two turns of the line and in one go: a call sees all of a step or nothing of it. Whoever
keeps what was found here (`admission`) keeps the snapshot's mark with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from sys import intern
from typing import Final, Protocol, TypeVar

from auth.policy import AccessTable, AppAccess, Grant
from gateway.catalog.model import AtEnd, Catalog, CountersAway, Plan
from gateway.snapshot.api_keys import ApiKeys
from quota.counters.protocol import UsageKey
from quota.plans import Limits

_CALLING: Final = 20_000
"""Of those that call, so many are kept ready; then it begins anew."""

Key = TypeVar("Key")
Value = TypeVar("Value")


class AppLike(Protocol):
    """`storage.access.AppRow`, or the whole app."""

    @property
    def id(self) -> str: ...
    @property
    def client_id(self) -> str: ...
    @property
    def organisation_id(self) -> str: ...
    @property
    def environment(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def tokens_valid_from(self) -> int: ...


class GrantLike(Protocol):
    """`storage.access.GrantRow`, or the whole subscription."""

    @property
    def id(self) -> str: ...
    @property
    def app_id(self) -> str: ...
    @property
    def api(self) -> str: ...
    @property
    def plan(self) -> str: ...
    @property
    def plan_version(self) -> int: ...
    @property
    def state(self) -> str: ...


_Granted = tuple[str, str, int, bool]
"""Subscription id, plan, its version, whether it is active."""


class _App:
    """One app with its subscriptions by API."""

    __slots__ = (
        "active",
        "client_id",
        "environment",
        "granted",
        "id",
        "organisation_id",
        "tokens_valid_from",
    )

    def __init__(self, row: AppLike) -> None:
        self.id = row.id
        self.granted: dict[str, _Granted] = {}
        self.take(row)

    def take(self, row: AppLike) -> None:
        self.client_id = row.client_id
        self.organisation_id = intern(row.organisation_id)
        self.environment = intern(row.environment)
        self.active = row.state == "active"
        self.tokens_valid_from = row.tokens_valid_from


class Accounts:
    """All of them. `apps` and `grants` are what `auth.policy.AccessTable` asks."""

    def __init__(self) -> None:
        self._by_id: dict[str, _App] = {}
        self._by_client: dict[str, _App] = {}
        self._granted = 0
        self._disabled: frozenset[str] = frozenset()
        self.keys = ApiKeys()
        self.apps = _Apps(self._by_client, self)
        self.grants = _Grants(self._by_id, self)

    def table(self, revoked: frozenset[str]) -> AccessTable:
        return AccessTable(self.apps, self.grants, revoked, self.keys.by_hash, self.keys.live)

    @property
    def disabled(self) -> frozenset[str]:
        """Organisations that are switched off."""
        return self._disabled

    @disabled.setter
    def disabled(self, organisations: frozenset[str]) -> None:
        if organisations != self._disabled:
            self._disabled = organisations
            self.apps.forget()

    def put_apps(self, rows: Iterable[AppLike]) -> None:
        """These apps as they now are; a deleted one goes with its subscriptions."""
        self.apps.forget()
        self.grants.forget()
        for row in rows:
            known = self._by_id.get(row.id)
            if row.state == "deleted":
                if known is not None:
                    del self._by_id[row.id], self._by_client[known.client_id]
                    self._granted -= len(known.granted)
            elif known is not None:
                known.take(row)
            else:
                self._by_id[row.id] = self._by_client[row.client_id] = _App(row)

    def put_grants(self, rows: Iterable[GrantLike]) -> None:
        """These subscriptions as they now are, after their apps. Of one API an app has at most one that is not closed;
        a closed one is only taken away where it stands, for its successor may have come in the same step.
        """
        self.grants.forget()
        for row in rows:
            app = self._by_id.get(row.app_id)
            if app is None:
                continue
            if row.state != "closed":
                self._granted += row.api not in app.granted
                app.granted[intern(row.api)] = (
                    row.id,
                    intern(row.plan),
                    row.plan_version,
                    row.state == "active",
                )
            elif app.granted.get(row.api, ("",))[0] == row.id:
                del app.granted[row.api]
                self._granted -= 1

    @property
    def granted(self) -> int:
        """How many subscriptions there are."""
        return self._granted


def _kept(made: dict[Key, Value], key: Key, value: Value) -> Value:
    """Kept for the next call of the same caller, among at most `_CALLING`."""
    if len(made) >= _CALLING:
        made.clear()
    made[key] = value
    return value


class _Apps(Mapping[str, AppAccess]):
    """By client id."""

    def __init__(self, rows: Mapping[str, _App], accounts: Accounts) -> None:
        self._rows = rows
        self._accounts = accounts
        self._made: dict[str, AppAccess] = {}

    def __getitem__(self, client_id: str) -> AppAccess:
        made = self._made.get(client_id)
        if made is None:
            app = self._rows[client_id]
            made = _kept(self._made, client_id, AppAccess(
                app.id, app.client_id, app.organisation_id, app.environment, app.active, app.tokens_valid_from,
                app.organisation_id not in self._accounts.disabled,
            ))  # fmt: skip
        return made

    def forget(self) -> None:
        self._made.clear()

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)


class _Grants(Mapping[tuple[str, str], Grant]):
    """By app id and API."""

    def __init__(self, rows: Mapping[str, _App], accounts: Accounts) -> None:
        self._rows = rows
        self._accounts = accounts
        self._made: dict[tuple[str, str], Grant] = {}

    def __getitem__(self, key: tuple[str, str]) -> Grant:
        made = self._made.get(key)
        if made is None:
            app = self._rows[key[0]]
            subscription_id, plan, version, active = app.granted[key[1]]
            made = _kept(self._made, key, Grant(
                subscription_id, app.organisation_id, app.id, key[1], app.environment, plan, version, active
            ))  # fmt: skip
        return made

    def forget(self) -> None:
        self._made.clear()

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return ((app.id, api) for app in self._rows.values() for api in app.granted)

    def __len__(self) -> int:
        return self._accounts.granted


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


class Subscribed:
    """How much a subscription may use, and under which name it is counted."""

    __slots__ = ("grant", "limits", "usage")

    def __init__(self, grant: Grant, limits: Limits) -> None:
        self.grant = grant
        self.limits = limits
        self.usage = UsageKeys(grant)


class Subscriptions:
    """`Subscribed` of those that call, each made at its first call on this catalogue."""

    def __init__(self, catalog: Catalog, most: int = _CALLING) -> None:
        self._plans = catalog.plans
        self._known: dict[str, Subscribed] = {}
        self._most = most

    def of(self, grant: Grant) -> Subscribed | None:
        """None when its plan version is no longer published: the line refuses, and never lets through unlimited."""
        known = self._known.get(grant.subscription_id)
        if known is not None and (known.grant is grant or known.grant == grant):
            return known
        plan = self._plans.get(f"{grant.plan}@{grant.plan_version}")
        if plan is None:
            return None
        if len(self._known) >= self._most:
            self._known.clear()
        made = self._known[grant.subscription_id] = Subscribed(grant, limits_of(plan, grant.subscription_id))
        return made


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

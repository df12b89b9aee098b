"""Apps and their subscriptions as the edge keeps them: a hundred thousand in 14 MB, and one changed in place.

A subscription is three places in its app's rows and the text of its id; what the line asks for (`AppAccess`, `Grant`,
`subscribed.Subscribed`) is made when it is asked, and the last only once, since few of the many call at the same time.

Changes are put in between two turns of the line and in one go: a call sees all of a step or nothing of it. Whoever
keeps what was found here (`admission`) keeps the snapshot's mark with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from sys import intern
from typing import Final, Protocol, TypeVar

from auth.policy import AccessTable, AppAccess, Grant
from gateway.snapshot.api_keys import ApiKeys

CALLING: Final = 20_000
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


_Terms = tuple[str, int, bool]
"""Plan, its version, whether the subscription is active: the same few for all."""


class _App:
    """One app with its subscriptions: API, subscription id and terms, at the same place of each row. An app has few
    and they change seldom, so looking through a row costs less than a table for each app.
    """

    __slots__ = (
        "active", "apis", "client_id", "environment", "id", "organisation_id", "subscriptions", "terms",
        "tokens_valid_from",
    )  # fmt: skip

    def __init__(self, row: AppLike) -> None:
        self.id = row.id
        self.apis: tuple[str, ...] = ()
        self.subscriptions: tuple[str, ...] = ()
        self.terms: tuple[_Terms, ...] = ()
        self.take(row)

    def take(self, row: AppLike) -> None:
        self.client_id = row.client_id
        self.organisation_id = intern(row.organisation_id)
        self.environment = intern(row.environment)
        self.active = row.state == "active"
        self.tokens_valid_from = row.tokens_valid_from

    def put(self, api: str, subscription_id: str, terms: _Terms) -> None:
        self.remove(api)  # the one before it
        self.apis, self.subscriptions = (*self.apis, api), (*self.subscriptions, subscription_id)
        self.terms = (*self.terms, terms)

    def remove(self, api: str) -> None:
        if api in self.apis:
            at = self.apis.index(api)
            self.apis = self.apis[:at] + self.apis[at + 1 :]
            self.subscriptions = self.subscriptions[:at] + self.subscriptions[at + 1 :]
            self.terms = self.terms[:at] + self.terms[at + 1 :]

    def granted(self, api: str) -> tuple[str, _Terms]:
        """Subscription id and terms; an empty id when there is none."""
        if api not in self.apis:
            return "", ("", 0, False)
        at = self.apis.index(api)
        return self.subscriptions[at], self.terms[at]


class Accounts:
    """All of them. `apps` and `grants` are what `auth.policy.AccessTable` asks."""

    def __init__(self) -> None:
        self._by_id: dict[str, _App] = {}
        self._by_client: dict[str, _App] = {}
        self._terms: dict[_Terms, _Terms] = {}
        self._granted = 0
        self._disabled: frozenset[str] = frozenset()
        self.keys = ApiKeys()
        self.apps = _Apps(self._by_client, self)
        self.grants = _Grants(self._by_id, self)

    def table(
        self,
        revoked: frozenset[str],
        revoked_grants: frozenset[str] = frozenset(),
        disabled_people: frozenset[str] = frozenset(),
    ) -> AccessTable:
        return AccessTable(
            self.apps,
            self.grants,
            revoked,
            revoked_grants,
            disabled_people,
            self.keys.by_hash,
            self.keys.live,
        )

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
                    self._granted -= len(known.apis)
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
            if (app := self._by_id.get(row.app_id)) is None:
                continue
            before, _ = app.granted(row.api)
            if row.state != "closed":
                self._granted += not before
                terms = intern(row.plan), row.plan_version, row.state == "active"
                app.put(intern(row.api), row.id, self._terms.setdefault(terms, terms))
            elif before == row.id:
                app.remove(row.api)
                self._granted -= 1

    @property
    def granted(self) -> int:  # subscriptions in all
        return self._granted


def _kept(made: dict[Key, Value], key: Key, value: Value) -> Value:
    """Kept for the next call of the same caller, among at most `CALLING`."""
    if len(made) >= CALLING:
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
            subscription_id, (plan, version, active) = app.granted(key[1])
            if not subscription_id:
                raise KeyError(key)
            made = _kept(self._made, key, Grant(
                subscription_id, app.organisation_id, app.id, key[1], app.environment, plan, version, active
            ))  # fmt: skip
        return made

    def forget(self) -> None:
        self._made.clear()

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return ((app.id, api) for app in self._rows.values() for api in app.apis)

    def __len__(self) -> int:
        return self._accounts.granted

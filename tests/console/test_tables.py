"""The literal tables: lives, roles, statuses, errors. Every cell is walked."""

from __future__ import annotations

from itertools import product

import pytest

from console import errors, lifecycle
from console.lifecycle import (
    AppEvent,
    AppState,
    SubscriptionEvent,
    SubscriptionState,
    next_app,
    next_subscription,
)
from console.roles import ALLOWED, Act, Actor, Role, Via, allowed
from console.statuses import STATUS, status_of
from storage import apps, subscriptions

REQUESTED, ACTIVE, SUSPENDED, CLOSED = SubscriptionState

SUBSCRIPTION_CELLS = {
    (REQUESTED, "approve"): ACTIVE,
    (REQUESTED, "decline"): CLOSED,
    (REQUESTED, "close"): CLOSED,
    (ACTIVE, "suspend"): SUSPENDED,
    (ACTIVE, "close"): CLOSED,
    (SUSPENDED, "resume"): ACTIVE,
    (SUSPENDED, "close"): CLOSED,
}


@pytest.mark.parametrize(("state", "event"), list(product(SubscriptionState, SubscriptionEvent)))
def test_every_cell_of_a_subscription(state: SubscriptionState, event: SubscriptionEvent) -> None:
    expected = SUBSCRIPTION_CELLS.get((state, event.value))
    if expected is None:
        with pytest.raises(errors.TransitionRefused):
            next_subscription(state, event)
    else:
        assert next_subscription(state, event) is expected


@pytest.mark.parametrize(("state", "event"), list(product(AppState, AppEvent)))
def test_every_cell_of_an_app(state: AppState, event: AppEvent) -> None:
    expected = {
        ("active", "suspend"): AppState.SUSPENDED,
        ("active", "delete"): AppState.DELETED,
        ("suspended", "resume"): AppState.ACTIVE,
        ("suspended", "delete"): AppState.DELETED,
    }.get((state.value, event.value))
    if expected is None:
        with pytest.raises(errors.TransitionRefused):
            next_app(state, event)
    else:
        assert next_app(state, event) is expected


def test_storage_takes_every_step_of_the_tables() -> None:
    for (before, _), after in lifecycle.SUBSCRIPTION.items():
        assert before in subscriptions.REACHED_FROM[after]
    for (app_before, _), app_after in lifecycle.APP.items():
        assert app_before in apps.REACHED_FROM[app_after]


READS = {"organisation.read", "app.read", "subscription.read", "usage.read"}
WORK = {
    "app.create",
    "app.configure",
    "credential.read",
    "credential.create",
    "credential.rotate",
    "credential.revoke",
    "subscription.request",
    "subscription.close",
    "token.revoke",
}
ROWS = {
    Role.VIEWER: READS,
    Role.BILLING: READS | {"member.read"},
    Role.DEVELOPER: READS | {"member.read"} | WORK,
    Role.OWNER: READS
    | {"member.read"}
    | WORK
    | {"member.add", "member.change", "member.remove", "app.delete", "audit.read"},
    Role.OPERATOR: READS
    | {
        "member.read",
        "credential.read",
        "credential.revoke",
        "subscription.close",
        "subscription.decide",
        "token.revoke",
        "audit.read",
        "organisation.disable",
        "app.suspend",
        "app.resume",
    },
    Role.HOST: {act.value for act in Act},
}


@pytest.mark.parametrize(("role", "act"), list(product(Role, Act)))
def test_every_cell_of_the_roles(role: Role, act: Act) -> None:
    assert allowed(frozenset({role}), act) is (act.value in ROWS[role])


def test_no_role_is_no_right() -> None:
    assert not any(allowed(frozenset(), act) for act in Act)
    assert ALLOWED.keys() == set(Role)


def test_only_the_host_makes_secrets_for_others() -> None:
    """An operator who could make a customer's secret could call as the customer."""
    assert Act.CREDENTIAL_CREATE not in ALLOWED[Role.OPERATOR]
    assert Act.CREDENTIAL_ROTATE not in ALLOWED[Role.OPERATOR]


@pytest.mark.parametrize(
    ("operator", "via", "kind"),
    [(False, Via.API, "person"), (True, Via.PAGE, "operator"), (True, Via.CLI, "system")],
)
def test_the_audit_log_knows_the_actor(operator: bool, via: Via, kind: str) -> None:
    origin = Actor("per_1", operator, via, "192.0.2.1", "r1").origin
    assert (origin.actor_kind, origin.actor_id, origin.ip, origin.request_id) == (
        kind,
        "per_1",
        "192.0.2.1",
        "r1",
    )


def every_error() -> list[type[errors.ConsoleError]]:
    found: list[type[errors.ConsoleError]] = []
    waiting: list[type[errors.ConsoleError]] = [errors.ConsoleError]
    while waiting:
        kind = waiting.pop()
        found.append(kind)
        waiting.extend(kind.__subclasses__())
    return found


def test_codes_are_unique_and_texts_complete() -> None:
    codes = [kind.code for kind in every_error()]
    assert len(codes) == len(set(codes))
    for kind in every_error():
        assert kind.sv
        assert kind.en
        assert kind.sv != kind.en


def test_every_error_stands_in_the_drawn_tree() -> None:
    drawn = errors.__doc__ or ""
    assert [kind.__name__ for kind in every_error() if kind.__name__ not in drawn] == []


def test_statuses_come_from_the_nearest_ancestor() -> None:
    for kind in every_error():
        nearest = next(ancestor for ancestor in kind.__mro__ if ancestor in STATUS)
        assert status_of(kind) == STATUS[nearest]
    assert status_of(errors.AlreadySubscribed) == 409
    assert status_of(errors.OperatorOnly) == 403
    assert status_of(errors.Internal) == 500

"""The lives of a subscription and of an app, as tables.

Pure: no store, no clock, no roles. Who may cause an event is `console.roles`; that the row has not moved in the
meantime is the caller's, inside its transaction.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from console.errors import TransitionRefused


class SubscriptionState(StrEnum):
    REQUESTED = "requested"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    CLOSED = "closed"


class SubscriptionEvent(StrEnum):
    APPROVE = "approve"
    DECLINE = "decline"
    SUSPEND = "suspend"
    RESUME = "resume"
    CLOSE = "close"


# A declined request ends in `closed`, so that the one-open-subscription rule has one state to look at; that it was
# declined, by whom and when is the audit log's to say.
SUBSCRIPTION: Mapping[tuple[SubscriptionState, SubscriptionEvent], SubscriptionState] = {
    (SubscriptionState.REQUESTED, SubscriptionEvent.APPROVE): SubscriptionState.ACTIVE,
    (SubscriptionState.REQUESTED, SubscriptionEvent.DECLINE): SubscriptionState.CLOSED,
    (SubscriptionState.REQUESTED, SubscriptionEvent.CLOSE): SubscriptionState.CLOSED,
    (SubscriptionState.ACTIVE, SubscriptionEvent.SUSPEND): SubscriptionState.SUSPENDED,
    (SubscriptionState.ACTIVE, SubscriptionEvent.CLOSE): SubscriptionState.CLOSED,
    (SubscriptionState.SUSPENDED, SubscriptionEvent.RESUME): SubscriptionState.ACTIVE,
    (SubscriptionState.SUSPENDED, SubscriptionEvent.CLOSE): SubscriptionState.CLOSED,
}


class AppState(StrEnum):
    ACTIVE = "active"
    SUSPENDED = "suspended"
    DELETED = "deleted"


class AppEvent(StrEnum):
    SUSPEND = "suspend"
    RESUME = "resume"
    DELETE = "delete"


APP: Mapping[tuple[AppState, AppEvent], AppState] = {
    (AppState.ACTIVE, AppEvent.SUSPEND): AppState.SUSPENDED,
    (AppState.ACTIVE, AppEvent.DELETE): AppState.DELETED,
    (AppState.SUSPENDED, AppEvent.RESUME): AppState.ACTIVE,
    (AppState.SUSPENDED, AppEvent.DELETE): AppState.DELETED,
}


def next_subscription(state: str, event: SubscriptionEvent) -> SubscriptionState:
    """The state after `event`; raises TransitionRefused where the table has no cell."""
    after = SUBSCRIPTION.get((SubscriptionState(state), event))
    if after is None:
        raise TransitionRefused(f"{event} on a {state} subscription")
    return after


def next_app(state: str, event: AppEvent) -> AppState:
    """The state after `event`; raises TransitionRefused where the table has no cell."""
    after = APP.get((AppState(state), event))
    if after is None:
        raise TransitionRefused(f"{event} on a {state} app")
    return after

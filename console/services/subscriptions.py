"""Subscriptions: an app's right to call one API version on one plan."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from console.errors import AlreadySubscribed, NotFound
from console.lifecycle import SubscriptionEvent, next_subscription
from console.roles import Act, Actor
from console.services import apps
from console.services.journal import record
from console.services.offers import judge
from console.services.standing import demand_operator, enter
from gateway.catalog.model import Catalog
from storage import errors as storage_errors
from storage import subscriptions
from storage.subscriptions import Subscription


async def request(
    session: AsyncSession,
    actor: Actor,
    organisation_id: str,
    app_id: str,
    *,
    api: str,
    plan: str,
    catalog: Catalog,
    now: int,
) -> Subscription:
    """A new subscription, active at once or waiting for a decision as the catalogue says.

    Environment comes from the app's row and type from the organisation's: neither is the caller's to state.
    """
    organisation = await enter(session, actor, organisation_id, Act.SUBSCRIPTION_REQUEST)
    app = await apps.active(session, organisation_id, app_id)
    offer = judge(
        catalog, api=api, plan=plan, environment=app.environment, organisation_type=organisation.type
    )
    try:
        made = await subscriptions.add(
            session,
            organisation_id,
            app_id,
            api=offer.api.key,
            plan=offer.plan.id,
            plan_version=offer.plan.version,
            state=offer.state,
            now=now,
        )
    except storage_errors.AlreadyExists as error:
        raise AlreadySubscribed(f"{app_id} to {api}") from error
    await record(
        session,
        actor,
        Act.SUBSCRIPTION_REQUEST,
        "subscription",
        made.id,
        now=now,
        organisation_id=organisation_id,
        after={"app": app_id, "api": made.api, "plan": offer.plan.key, "state": made.state},
    )
    return made


async def of_app(
    session: AsyncSession, actor: Actor, organisation_id: str, app_id: str
) -> list[Subscription]:
    """An app's subscriptions, closed ones included."""
    await enter(session, actor, organisation_id, Act.SUBSCRIPTION_READ)
    await apps.owned(session, organisation_id, app_id)
    return list(await subscriptions.for_app(session, organisation_id, app_id))


async def of_organisation(session: AsyncSession, actor: Actor, organisation_id: str) -> list[Subscription]:
    await enter(session, actor, organisation_id, Act.SUBSCRIPTION_READ)
    return list(await subscriptions.for_organisation(session, organisation_id))


async def get(
    session: AsyncSession, actor: Actor, organisation_id: str, subscription_id: str
) -> Subscription:
    await enter(session, actor, organisation_id, Act.SUBSCRIPTION_READ)
    found = await subscriptions.get(session, organisation_id, subscription_id)
    if found is None:
        raise NotFound(f"subscription {subscription_id}")
    return found


async def close(
    session: AsyncSession, actor: Actor, organisation_id: str, subscription_id: str, *, now: int
) -> Subscription:
    """Ends a subscription; calls on it stop with the edge's next snapshot."""
    await enter(session, actor, organisation_id, Act.SUBSCRIPTION_CLOSE)
    return await _step(session, actor, organisation_id, subscription_id, SubscriptionEvent.CLOSE, now)


async def pending(session: AsyncSession, actor: Actor) -> list[Subscription]:
    """Every request that waits for a decision. Operators only."""
    demand_operator(actor)
    return list(await subscriptions.pending(session))


async def decide(
    session: AsyncSession, actor: Actor, subscription_id: str, event: SubscriptionEvent, *, now: int
) -> Subscription:
    """Approve, decline, suspend, resume or close by the subscription's id alone. Operators only."""
    demand_operator(actor)
    found = await subscriptions.any_by_id(session, subscription_id)
    if found is None:
        raise NotFound(f"subscription {subscription_id}")
    await enter(session, actor, found.organisation_id, Act.SUBSCRIPTION_DECIDE)
    return await _step(session, actor, found.organisation_id, subscription_id, event, now)


async def _step(
    session: AsyncSession,
    actor: Actor,
    organisation_id: str,
    subscription_id: str,
    event: SubscriptionEvent,
    now: int,
) -> Subscription:
    found = await subscriptions.get(session, organisation_id, subscription_id)
    if found is None:
        raise NotFound(f"subscription {subscription_id}")
    after = next_subscription(found.state, event)
    changed = await subscriptions.set_state(session, organisation_id, subscription_id, after, now)
    await record(
        session,
        actor,
        f"subscription.{event}",
        "subscription",
        subscription_id,
        now=now,
        organisation_id=organisation_id,
        before={"state": found.state},
        after={"state": after},
    )
    return changed

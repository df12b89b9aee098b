"""Subscriptions: the organisation's side and the operator's."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from console.lifecycle import SubscriptionEvent
from console.management import presenters
from console.management.listings import SubscriptionListing
from console.management.operation import Answer, Call
from console.management.paging import PageQuery, listing
from console.management.shapes import NewSubscription
from console.services import subscriptions
from storage.subscriptions import Subscription


class StateQuery(PageQuery):
    """Only what waits can be listed over all organisations."""

    state: Literal["requested"] = Field(default="requested")


async def request(call: Call) -> Answer:
    body = call.body_as(NewSubscription)
    made = await subscriptions.request(
        call.session,
        call.person,
        call.path["organisationId"],
        call.path["appId"],
        api=body.api,
        plan=body.plan,
        catalog=call.desk.catalog(),
        now=call.now,
    )
    home = call.address.partition("/apps/")[0]
    return Answer(presenters.subscription(made), location=f"{home}/subscriptions/{made.id}")


async def of_app(call: Call) -> Answer:
    return _listing(
        call,
        await subscriptions.of_app(
            call.session, call.person, call.path["organisationId"], call.path["appId"]
        ),
    )


async def of_organisation(call: Call) -> Answer:
    return _listing(
        call, await subscriptions.of_organisation(call.session, call.person, call.path["organisationId"])
    )


async def get(call: Call) -> Answer:
    found = await subscriptions.get(
        call.session, call.person, call.path["organisationId"], call.path["subscriptionId"]
    )
    return Answer(presenters.subscription(found))


async def close(call: Call) -> Answer:
    closed = await subscriptions.close(
        call.session, call.person, call.path["organisationId"], call.path["subscriptionId"], now=call.now
    )
    return Answer(presenters.subscription(closed))


async def pending(call: Call) -> Answer:
    return _listing(call, await subscriptions.pending(call.session, call.person))


async def approve(call: Call) -> Answer:
    return await _decide(call, SubscriptionEvent.APPROVE)


async def decline(call: Call) -> Answer:
    return await _decide(call, SubscriptionEvent.DECLINE)


async def suspend(call: Call) -> Answer:
    return await _decide(call, SubscriptionEvent.SUSPEND)


async def resume(call: Call) -> Answer:
    return await _decide(call, SubscriptionEvent.RESUME)


async def close_any(call: Call) -> Answer:
    return await _decide(call, SubscriptionEvent.CLOSE)


async def _decide(call: Call, event: SubscriptionEvent) -> Answer:
    decided = await subscriptions.decide(
        call.session, call.person, call.path["subscriptionId"], event, now=call.now
    )
    return Answer(presenters.subscription(decided))


def _listing(call: Call, rows: list[Subscription]) -> Answer:
    shown = [presenters.subscription(row) for row in rows]
    return Answer(
        listing(SubscriptionListing, shown, call.query_as(PageQuery), call.address, call.parameters)
    )

"""`sluss subscription`: what waits for a decision, and the decision."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click

from console.errors import NotFound
from console.lifecycle import SubscriptionEvent
from console.services import subscriptions
from gateway.cli.accounts import HOST, now, organisation_named, reading, transaction
from gateway.cli.output import Failure, json_option, run, show, table
from gateway.settings import load


@click.group()
def subscription() -> None:
    """Subscriptions of apps to APIs."""


def _decide(subscription_id: str, event: SubscriptionEvent, as_json: bool) -> None:
    async def work() -> dict[str, Any]:
        async with transaction(load()) as session:
            try:
                changed = await subscriptions.decide(session, HOST, subscription_id, event, now=now())
            except NotFound:
                raise Failure(
                    f"there is no subscription {subscription_id!r}; see `sluss subscription list`"
                ) from None
            return {"id": changed.id, "api": changed.api, "state": changed.state}

    changed = run(work())
    show(changed, as_json, f"{changed['id']}  {changed['api']}  {changed['state']}")


@subscription.command("approve")
@click.argument("subscription_id")
@json_option
def subscription_approve(subscription_id: str, as_json: bool) -> None:
    """Approve a subscription that waits."""
    _decide(subscription_id, SubscriptionEvent.APPROVE, as_json)


@subscription.command("close")
@click.argument("subscription_id")
@json_option
def subscription_close(subscription_id: str, as_json: bool) -> None:
    """Close a subscription; its calls are refused within two seconds."""
    _decide(subscription_id, SubscriptionEvent.CLOSE, as_json)


@subscription.command("list")
@click.option(
    "--org", "organisation", default="", help="Name of the organisation; without it, those that wait."
)
@json_option
def subscription_list(organisation: str, as_json: bool) -> None:
    """List subscriptions."""

    async def work() -> list[dict[str, Any]]:
        async with reading(load()) as session:
            if not organisation:
                return [asdict(row) for row in await subscriptions.pending(session, HOST)]
            owner = await organisation_named(session, organisation)
            return [asdict(row) for row in await subscriptions.of_organisation(session, HOST, owner.id)]

    rows = run(work())
    columns = ("id", "app_id", "api", "plan", "state")
    show(rows, as_json, table(columns, [[row[name] for name in columns] for row in rows]))

"""The services by themselves: secrets, tokens, limits, figures, and the audit entry of every act."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from auth.authenticate import Authenticator
from auth.credentials.secrets import hash_of
from auth.people import People
from console import errors, transactions
from console.arrival import Arrival
from console.lifecycle import SubscriptionEvent
from console.roles import Actor, Role, Via
from console.services import (
    apps,
    audit,
    credentials,
    organisations,
    periods,
    personal_tokens,
    subscriptions,
    tokens,
    usage,
)
from console.services.accounts import nobody, sign_up
from gateway.catalog.model import Catalog, Environment
from storage import credentials as credential_rows
from storage import revocations
from storage import usage as ledger
from storage.apps import App
from storage.database import Database
from storage.organisations import Organisation
from storage.usage import UsageRow
from tests.console.browser import ISSUER
from tests.console.callers import PASSWORD, Clock, Console
from tests.console.test_management_line import token_of

HOST = Actor("sluss", True, Via.CLI)


@dataclass(frozen=True)
class Place:
    """An owner with an organisation and an app."""

    owner: Actor
    organisation: Organisation
    app: App


async def person(people: People, email: str, now: int, *, operator: bool = False) -> Actor:
    made = await sign_up(
        people,
        email=email,
        name="Astrid",
        password=PASSWORD,
        language="sv",
        origin=nobody(Arrival("", "", "sv")),
        now=now,
        operator=operator,
    )
    return Actor(made.id, operator, Via.API, multi_factor=operator)


@pytest.fixture
async def place(database: Database, people: People, clock: Clock) -> Place:
    owner = await person(people, "agare@example.org", clock.now())
    async with database.begin() as session:
        organisation = await organisations.create(
            session, owner, name="Ånga AB", number="5566778899", organisation_type="company", now=clock.now()
        )
        app = await apps.create(
            session, owner, organisation.id, name="Prov", environment=Environment.SANDBOX, now=clock.now()
        )
    return Place(owner, organisation, app)


def ids(place: Place) -> tuple[str, str]:
    return place.organisation.id, place.app.id


async def test_a_secret_is_stored_as_its_hash(database: Database, place: Place, clock: Clock) -> None:
    async with database.begin() as session:
        issued = await credentials.create(session, place.owner, *ids(place), now=clock.now())
    assert issued.secret not in repr(issued)
    async with database.read() as session:
        rows = await credential_rows.for_app(session, *ids(place))
    assert [row.secret_hash for row in rows] == [hash_of(issued.secret)]
    assert rows[0].last4 == issued.secret[-4:]


async def test_rotation_overlaps(database: Database, place: Place, clock: Clock) -> None:
    async with database.begin() as session:
        first = await credentials.create(session, place.owner, *ids(place), now=clock.now())
        second = await credentials.rotate(
            session, place.owner, *ids(place), overlap_seconds=60, now=clock.now()
        )
    for after, live in ((59, {first.credential.id, second.credential.id}), (60, {second.credential.id})):
        async with database.read() as session:
            rows = await credential_rows.live_for_client(session, place.app.client_id, clock.now() + after)
        assert {row.id for row in rows} == live
    async with database.read() as session:
        assert (await apps.get(session, place.owner, *ids(place))).tokens_valid_from == 0


async def test_rotation_without_overlap_ends_the_tokens_too(
    database: Database, place: Place, clock: Clock
) -> None:
    async with database.begin() as session:
        await credentials.create(session, place.owner, *ids(place), now=clock.now())
        second = await credentials.rotate(
            session, place.owner, *ids(place), overlap_seconds=0, now=clock.now()
        )
    async with database.read() as session:
        rows = await credential_rows.live_for_client(session, place.app.client_id, clock.now())
        app = await apps.get(session, place.owner, *ids(place))
    assert [row.id for row in rows] == [second.credential.id]
    assert app.tokens_valid_from > clock.now()


async def test_revoking_twice_is_refused(database: Database, place: Place, clock: Clock) -> None:
    async with database.begin() as session:
        issued = await credentials.create(session, place.owner, *ids(place), now=clock.now())
        await credentials.revoke(session, place.owner, *ids(place), issued.credential.id, now=clock.now())
        with pytest.raises(errors.TransitionRefused):
            await credentials.revoke(session, place.owner, *ids(place), issued.credential.id, now=clock.now())


async def test_there_is_an_end_to_secrets(database: Database, place: Place, clock: Clock) -> None:
    async with database.begin() as session:
        for _ in range(credentials.MOST_LIVE_PER_APP):
            await credentials.create(session, place.owner, *ids(place), now=clock.now())
        with pytest.raises(errors.TooMany):
            await credentials.create(session, place.owner, *ids(place), now=clock.now())
        with pytest.raises(errors.TooMany):
            await credentials.rotate(session, place.owner, *ids(place), overlap_seconds=60, now=clock.now())
        # Whose secrets have all leaked must still be able to end them.
        await credentials.rotate(session, place.owner, *ids(place), overlap_seconds=0, now=clock.now())


async def test_there_is_an_end_to_tokens_and_organisations(
    database: Database, people: People, clock: Clock
) -> None:
    owner = await person(people, "a@example.org", clock.now())
    async with database.begin() as session:
        for number in range(personal_tokens.MOST_LIVE):
            await personal_tokens.create(session, owner, name=f"{number}", days=1, now=clock.now())
        with pytest.raises(errors.TooMany):
            await personal_tokens.create(session, owner, name="till", days=1, now=clock.now())
        for number in range(organisations.MOST_PER_PERSON):
            await organisations.create(
                session,
                owner,
                name=f"Bolag {number}",
                number="5566778899",
                organisation_type="company",
                now=clock.now(),
            )
        with pytest.raises(errors.TooMany):
            await organisations.create(
                session, owner, name="Till", number="5566778899", organisation_type="company", now=clock.now()
            )


async def test_the_host_makes_things_without_being_a_member(
    database: Database, catalog: Catalog, clock: Clock
) -> None:
    """What `sluss app create` does."""
    async with database.begin() as session:
        organisation = await organisations.create(
            session, HOST, name="Demo", number="5566778899", organisation_type="internal", now=clock.now()
        )
        app = await apps.create(
            session, HOST, organisation.id, name="Demo", environment=Environment.SANDBOX, now=clock.now()
        )
        made = await subscriptions.request(
            session,
            HOST,
            organisation.id,
            app.id,
            api="eko/v1",
            plan="prova",
            catalog=catalog,
            now=clock.now(),
        )
        await credentials.create(session, HOST, organisation.id, app.id, now=clock.now())
        assert made.state == "active"
        assert await credentials.scope(session, organisation.id, app.id, catalog) == "eko:call"
        assert await organisations.members(session, HOST, organisation.id) == []
        entries = await audit.latest(session, HOST, limit=1)
    assert (entries[0].actor_kind, entries[0].actor_id) == ("system", "sluss")


async def test_no_second_subscription_to_an_api(
    database: Database, place: Place, catalog: Catalog, clock: Clock
) -> None:
    async def ask(session: AsyncSession) -> str:
        made = await subscriptions.request(
            session, place.owner, *ids(place), api="eko/v1", plan="prova", catalog=catalog, now=clock.now()
        )
        return made.id

    async with database.begin() as session:
        first = await ask(session)
    with pytest.raises(errors.AlreadySubscribed):
        async with database.begin() as session:
            await ask(session)
    async with database.begin() as session:
        await subscriptions.close(session, place.owner, place.organisation.id, first, now=clock.now())
        assert await ask(session) != first


@pytest.mark.parametrize("event", list(SubscriptionEvent))
async def test_only_operators_decide(
    database: Database, place: Place, catalog: Catalog, clock: Clock, event: SubscriptionEvent
) -> None:
    async with database.begin() as session:
        made = await subscriptions.request(
            session, place.owner, *ids(place), api="eko/v1", plan="prova", catalog=catalog, now=clock.now()
        )
        with pytest.raises(errors.OperatorOnly):
            await subscriptions.decide(session, place.owner, made.id, event, now=clock.now())


async def test_an_act_and_its_entry_stand_or_fall_together(
    database: Database, place: Place, clock: Clock
) -> None:
    class Broken(Exception):
        pass

    async with database.read() as session:
        before = await audit.latest(session, HOST, limit=100)

    async def work(session: AsyncSession) -> None:
        await apps.create(
            session,
            place.owner,
            place.organisation.id,
            name="Två",
            environment=Environment.SANDBOX,
            now=clock.now(),
        )
        raise Broken

    with pytest.raises(Broken):
        await transactions.write(database, work)
    async with database.read() as session:
        assert await audit.latest(session, HOST, limit=100) == before
        assert len(await apps.every(session, place.owner, place.organisation.id)) == 1
        assert (await audit.verify(session, HOST)).first_bad is None


async def test_the_log_holds_no_secret(database: Database, place: Place, clock: Clock) -> None:
    async with database.begin() as session:
        issued = await credentials.create(session, place.owner, *ids(place), now=clock.now())
        token = await personal_tokens.create(session, place.owner, name="dator", days=1, now=clock.now())
    async with database.read() as session:
        entries = await audit.latest(session, HOST, limit=100)
    text = repr(entries)
    for hidden in (issued.secret, token.secret.text, hash_of(issued.secret), PASSWORD, "agare@example.org"):
        assert hidden not in text


async def test_two_owners_cannot_remove_each_other_at_once(
    database: Database, people: People, place: Place, clock: Clock
) -> None:
    """Both act in the same moment; one must find that it has become the last."""
    other = await person(people, "annan@example.org", clock.now())
    async with database.begin() as session:
        await organisations.add_member(
            session,
            place.owner,
            place.organisation.id,
            email="annan@example.org",
            role=Role.OWNER,
            now=clock.now(),
        )

    both_inside = asyncio.Barrier(2)

    async def remove(actor: Actor, victim: Actor) -> None:
        async def work(session: AsyncSession) -> None:
            # Where two could be inside at once, they would meet here and both count two owners.
            with contextlib.suppress(TimeoutError, asyncio.BrokenBarrierError):
                await asyncio.wait_for(both_inside.wait(), 0.5)
            await organisations.remove_member(
                session, actor, place.organisation.id, victim.person_id, now=clock.now()
            )

        await transactions.write(database, work)

    outcomes = await asyncio.gather(
        remove(place.owner, other), remove(other, place.owner), return_exceptions=True
    )
    assert sorted(outcome is None for outcome in outcomes) == [False, True]
    async with database.read() as session:
        assert len(await organisations.members(session, HOST, place.organisation.id)) == 1


async def test_deleting_an_app_ends_its_secrets(database: Database, place: Place, clock: Clock) -> None:
    async with database.begin() as session:
        await credentials.create(session, place.owner, *ids(place), now=clock.now())
        await credentials.create(session, place.owner, *ids(place), now=clock.now())
        await apps.delete(session, place.owner, *ids(place), now=clock.now())
        rows = await credential_rows.for_app(session, *ids(place))
    assert [held.revoked_at for held in rows] == [clock.now()] * 2


def row(place: Place, hour: int, outcome: str, calls: int) -> UsageRow:
    return UsageRow(
        source="test",
        hour=hour,
        organisation_id=place.organisation.id,
        app_id=place.app.id,
        subscription_id="sub_1",
        api="eko/v1",
        plan="prova",
        plan_version=1,
        operation="echo",
        outcome=outcome,
        units=calls if outcome == "served" else 0,
        calls=calls,
    )


async def test_days_of_usage_are_swedish_days(database: Database, place: Place, clock: Clock) -> None:
    """22:30 UTC in July is the next day in Sweden."""
    late = periods.beginning(periods.local_day(1_783_000_000)) // 3600 - 1
    async with database.begin() as session:
        await ledger.write(session, [row(place, late, "served", 3), row(place, late + 1, "served", 5)])
    period = periods.Period(late * 3600 - 86_400, late * 3600 + 2 * 86_400)
    async with database.read() as session:
        days = await usage.figures(session, place.owner, place.organisation.id, period, by=("day",))
        hours = await usage.figures(session, place.owner, place.organisation.id, period, by=("hour",))
        whole = await usage.figures(session, place.owner, place.organisation.id, period)
    assert [figure.units for figure in days] == [3, 5]
    assert [figure.at for figure in hours] == [late * 3600, (late + 1) * 3600]
    assert [figure.units for figure in whole] == [8]
    async with database.read() as session:
        with pytest.raises(errors.Invalid):
            await usage.figures(session, place.owner, place.organisation.id, period, by=("day", "hour"))
        with pytest.raises(errors.OperatorOnly):
            await usage.platform(session, place.owner, period)
        everyone = await usage.platform(session, HOST, period, by=("outcome",))
    assert [(figure.outcome, figure.calls) for figure in everyone] == [("served", 8)]


async def own_token(console: Console, place: Place, catalog: Catalog) -> str:
    async with console.database.begin() as session:
        await subscriptions.request(
            session,
            place.owner,
            *ids(place),
            api="eko/v1",
            plan="prova",
            catalog=catalog,
            now=console.clock.now(),
        )
        issued = await credentials.create(session, place.owner, *ids(place), now=console.clock.now())
    answer = await token_of(console.client, {"clientId": place.app.client_id, "clientSecret": issued.secret})
    return str(answer.json()["access_token"])


async def test_who_may_revoke_a_token(
    console: Console, people: People, place: Place, catalog: Catalog
) -> None:
    token = await own_token(console, place, catalog)
    stranger = await person(people, "annan@example.org", console.clock.now())
    authenticator = Authenticator(ISSUER, frozenset({ISSUER}))
    now = console.clock.now()
    head, body, signature = token.split(".")
    forged = f"{head}.{body}.{signature[::-1]}"
    for actor, text in ((stranger, token), (place.owner, forged), (place.owner, "a.b.c")):
        async with console.database.begin() as session:
            with pytest.raises(errors.Invalid) as refused:
                await tokens.revoke_text(session, actor, authenticator, text, now=now)
        assert refused.value.fields[0].code == "foreign-token"
    async with console.database.begin() as session:
        jti = await tokens.revoke_text(session, place.owner, authenticator, token, now=now)
        await tokens.revoke_text(session, place.owner, authenticator, token, now=now)
    async with console.database.read() as session:
        assert [found.jti for found in await revocations.live(session, now)] == [jti]
    fresh = Authenticator(ISSUER, frozenset({ISSUER}))
    async with console.database.begin() as session:
        with pytest.raises(errors.Invalid) as late:
            await tokens.revoke_text(session, place.owner, fresh, token, now=now + 400)
    assert late.value.fields[0].code == "expired-token"


async def test_by_identity_only_operators_revoke(database: Database, place: Place, clock: Clock) -> None:
    """Nobody may end a neighbour's token by naming it."""
    async with database.begin() as session:
        with pytest.raises(errors.OperatorOnly):
            await tokens.revoke_jti(
                session, place.owner, jti="neighbour", client_id=place.app.client_id, now=clock.now()
            )
        with pytest.raises(errors.NotFound):
            await tokens.revoke_jti(session, HOST, jti="a", client_id="sluss_app_0", now=clock.now())
        await tokens.revoke_jti(session, HOST, jti="known", client_id=place.app.client_id, now=clock.now())
        assert [found.jti for found in await revocations.live(session, clock.now() + 300)] == ["known"]

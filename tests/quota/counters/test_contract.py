"""What every store of counters does: one suite, run over memory and over Redis."""

from __future__ import annotations

import asyncio

from quota.counters.protocol import Counters, Decision, Outcome
from tests.quota.counters.conftest import Open
from tests.quota.stage import NOON, Sum, Time, ask, ask_many, key, limits, summed, token

HOUR = 3600


async def test_the_first_call_takes_one_of_each(counters: Counters) -> None:
    answer = await ask(counters, limits(), units=3)
    assert answer == Decision(True, "", 0, 49, 497, 4997, 1, 12 * HOUR, 9 * 86_400 + 12 * HOUR, answer.taken)


async def test_remaining_falls_by_one_without_repeats(counters: Counters) -> None:
    answers = await ask_many(counters, limits(), 50)
    assert sorted(answer.rate_left for answer in answers) == list(range(50))
    assert sorted(answer.day_left for answer in answers) == list(range(450, 500))
    assert sorted(answer.month_left for answer in answers) == list(range(4950, 5000))


async def test_exactly_the_burst_passes_and_then_the_rate(counters: Counters, time: Time) -> None:
    answers = await ask_many(counters, limits(), 60)
    assert sum(answer.allowed for answer in answers) == 50
    refused = [answer for answer in answers if not answer.allowed]
    assert {(answer.limited_by, answer.retry_after, answer.rate_left) for answer in refused} == {
        ("rate", 1, 0)
    }
    assert all(answer.taken is None for answer in refused)
    time.forward(0.039_999)
    assert not (await ask(counters, limits())).allowed
    time.forward(0.000_001)
    assert (await ask(counters, limits())).allowed
    assert not (await ask(counters, limits())).allowed


async def test_the_day_refuses_until_midnight_in_stockholm(counters: Counters, time: Time) -> None:
    which = limits(requests=0, per_day=5)
    assert sum(answer.allowed for answer in await ask_many(counters, which, 8)) == 5
    refused = await ask(counters, which)
    assert (refused.limited_by, refused.retry_after, refused.day_left) == ("day", 12 * HOUR, 0)
    time.forward(12 * HOUR - 1)
    assert not (await ask(counters, which)).allowed
    time.forward(1)
    first = await ask(counters, which)
    assert (first.allowed, first.day_left, first.day_reset) == (True, 4, 24 * HOUR)
    assert first.month_left == 4994


async def test_the_month_refuses_until_its_end(counters: Counters, time: Time) -> None:
    which = limits(requests=0, per_day=None, per_month=3)
    await ask_many(counters, which, 3)
    refused = await ask(counters, which)
    assert (refused.limited_by, refused.retry_after) == ("month", refused.month_reset)
    time.forward(refused.retry_after)
    assert (await ask(counters, which)).month_left == 2


async def test_a_refused_call_takes_nothing(counters: Counters, time: Time) -> None:
    which = limits(per_day=10)
    await ask_many(counters, which, 10)
    before = await ask(counters, which)
    assert before.limited_by == "day"
    await ask_many(counters, which, 30)
    after = await ask(counters, which)
    assert (after.rate_left, after.month_left) == (before.rate_left, before.month_left) == (40, 4990)
    time.forward(2)
    assert (await ask(counters, which)).rate_left == 50


async def test_a_call_refused_by_the_rate_takes_no_units(counters: Counters) -> None:
    answers = await ask_many(counters, limits(), 80)
    assert min(answer.day_left for answer in answers) == 450


async def test_a_heavy_call_that_does_not_fit_leaves_what_is_left(counters: Counters) -> None:
    which = limits(per_day=10)
    await ask(counters, which, units=8)
    assert (await ask(counters, which, units=3)).limited_by == "day"
    assert (await ask(counters, which, units=2)).day_left == 0


async def test_a_plan_that_bills_is_only_told(counters: Counters) -> None:
    which = limits(per_day=2, per_month=3, refuse_at_end=False)
    answers = await ask_many(counters, which, 6)
    assert all(answer.allowed for answer in answers)
    assert sorted((answer.day_left, answer.month_left) for answer in answers)[-1] == (1, 2)
    assert summed(counters.totals()).refused_quota == 0


async def test_no_limits_at_all(counters: Counters) -> None:
    answer = await ask(counters, limits(requests=0, per_day=None, per_month=None))
    assert (answer.allowed, answer.rate_left, answer.day_left, answer.month_left) == (True, -1, -1, -1)


async def test_subscriptions_do_not_share(counters: Counters) -> None:
    await ask_many(counters, limits("sub_a", per_day=3), 5)
    assert (await ask(counters, limits("sub_b", per_day=3))).day_left == 2


async def test_operations_of_one_subscription_share(counters: Counters) -> None:
    await ask(counters, limits(), operation="a")
    assert (await ask(counters, limits(), operation="b")).day_left == 498


async def test_giving_back_returns_units_but_not_the_rate(counters: Counters) -> None:
    answer = await ask(counters, limits(), units=5)
    counters.sent(token(answer))
    counters.give_back(token(answer))
    following = await ask(counters, limits())
    assert (following.rate_left, following.day_left, following.month_left) == (48, 499, 4999)
    counters.keep(token(following))
    assert summed(counters.totals()) == Sum(1, 1, 1, 0, 0, 0)


async def test_a_call_given_back_as_refused_is_no_fault_of_the_service(counters: Counters) -> None:
    answer = await ask(counters, limits(), units=5)
    counters.give_back(token(answer), Outcome.REFUSED)
    counters.give_back(token(answer))
    following = await ask(counters, limits())
    assert (following.rate_left, following.day_left, following.month_left) == (48, 499, 4999)
    counters.keep(token(following))
    assert summed(counters.totals()) == Sum(1, 1, 0, 0, 0, 1)


async def test_a_call_ends_once(counters: Counters) -> None:
    kept, returned = [token(answer) for answer in await ask_many(counters, limits(), 2, units=2)]
    for _ in range(2):
        counters.keep(kept)
        counters.give_back(kept)
        counters.give_back(returned)
        counters.keep(returned)
        counters.sent(returned)
    assert summed(counters.totals()) == Sum(1, 2, 1, 0, 0, 0)
    assert (await ask(counters, limits())).day_left == 497


async def test_units_go_back_to_the_day_they_were_taken_from(counters: Counters, time: Time) -> None:
    which = limits(requests=0, per_day=10)
    late = await ask(counters, which, units=4)
    time.set_to(NOON + 12 * HOUR)
    await ask(counters, which, units=3)
    counters.give_back(token(late))
    assert (await ask(counters, which)).day_left == 6
    assert (await ask(counters, which)).month_left == 4995


async def test_usage_is_recorded_with_the_taking(counters: Counters) -> None:
    answers = [
        *await ask_many(counters, limits(per_day=52, burst=55), 60),
        await ask(counters, limits("sub_b")),
    ]
    for answer in answers:
        if answer.taken is not None:
            counters.keep(answer.taken)
    counters.record(key(), Outcome.REFUSED)
    assert summed(counters.totals()) == Sum(53, 53, 0, 0, 8, 1)


async def test_a_rate_refusal_is_recorded(counters: Counters) -> None:
    await ask_many(counters, limits(burst=5), 7)
    assert summed(counters.totals()).refused_rate == 2


async def test_calls_under_way_are_left_out_of_the_totals(counters: Counters) -> None:
    kept, open_call = await ask_many(counters, limits(), 2, units=2)
    counters.keep(token(kept))
    assert summed(counters.totals()).units == 2
    counters.sent(token(open_call))
    assert summed(counters.totals()).units == 2
    counters.keep(token(open_call))
    assert summed(counters.totals()).units == 4


async def test_totals_are_absolute_and_told_until_acknowledged(counters: Counters) -> None:
    counters.keep(token(await ask(counters, limits())))
    first = counters.totals()
    assert list(first) == list(counters.totals())
    counters.written(first)
    assert list(counters.totals()) == []
    counters.keep(token(await ask(counters, limits())))
    (total,) = counters.totals()
    assert (total.calls, total.source, total.key) == (2, first[0].source, key())


async def test_an_old_acknowledgement_does_not_hide_what_came_since(counters: Counters) -> None:
    counters.keep(token(await ask(counters, limits())))
    first = counters.totals()
    counters.keep(token(await ask(counters, limits())))
    counters.written(first)
    assert [total.calls for total in counters.totals()] == [2]


async def test_a_call_belongs_to_the_hour_of_its_start(counters: Counters, time: Time) -> None:
    early = await ask(counters, limits())
    time.forward(HOUR)
    counters.keep(token(await ask(counters, limits())))
    counters.keep(token(early))
    assert sorted(total.hour for total in counters.totals()) == [NOON // HOUR, NOON // HOUR + 1]


async def test_past_hours_make_room_once_they_are_written(counters: Counters, time: Time) -> None:
    for _ in range(5):
        counters.keep(token(await ask(counters, limits(requests=0))))
        counters.written(counters.totals())
        time.forward(HOUR)
    counters.keep(token(await ask(counters, limits(requests=0))))
    counters.written(counters.totals())
    assert list(counters.totals()) == []
    time.forward(-HOUR)  # a little back: the past hour goes on from where it was
    counters.keep(token(await ask(counters, limits(requests=0))))
    assert {total.calls for total in counters.totals() if total.hour == NOON // HOUR + 4} <= {2}


async def test_a_restart_goes_on_exactly(reopen: Open) -> None:
    counters = await reopen()
    for answer in await ask_many(counters, limits(requests=0), 7, units=2):
        counters.keep(token(answer))
    before = list(counters.totals())
    counters = await reopen()
    assert list(counters.totals()) == before
    following = await ask(counters, limits(requests=0))
    assert (following.day_left, following.month_left) == (485, 4985)
    counters.keep(token(following))
    assert summed(counters.totals()) == Sum(8, 15, 0, 0, 0, 0)


async def test_a_restart_gives_back_what_was_not_sent_and_keeps_what_was(reopen: Open) -> None:
    counters = await reopen()
    reserved, sent = await ask_many(counters, limits(requests=0), 2, units=3)
    assert reserved.allowed
    counters.sent(token(sent))
    counters = await reopen()
    assert summed(counters.totals()) == Sum(1, 3, 1, 0, 0, 0)
    assert (await ask(counters, limits(requests=0))).day_left == 496


async def test_a_clock_set_far_back_begins_a_new_source(reopen: Open, time: Time) -> None:
    counters = await reopen()
    time.forward(10 * HOUR)
    counters.keep(token(await ask(counters, limits(requests=0))))
    first = counters.totals()
    counters.written(first)
    time.set_to(NOON)
    counters = await reopen()
    counters.keep(token(await ask(counters, limits(requests=0))))
    sources = {total.source for total in counters.totals() if total.hour == NOON // HOUR}
    assert sources
    assert first[0].source not in sources


async def test_a_clock_set_back_does_not_lock_the_rate(counters: Counters, time: Time) -> None:
    time.forward(HOUR)
    await ask_many(counters, limits(), 50)
    time.forward(-HOUR)
    assert (await ask(counters, limits())).retry_after == 1
    time.forward(0.04)
    assert (await ask(counters, limits())).allowed


async def test_a_smaller_plan_does_not_wait_for_the_backlog_of_the_larger_one(
    counters: Counters, time: Time
) -> None:
    await ask_many(counters, limits(requests=1, burst=100), 100)
    answer = await ask(counters, limits(requests=1, burst=2))
    assert (answer.rate_left, answer.retry_after) == (0, 1)


async def test_the_answer_may_ask_again(counters: Counters) -> None:
    done = asyncio.get_running_loop().create_future()

    def again(answer: Decision) -> None:
        if answer.day_left:
            counters.take(limits(per_day=5), key(), 1, again)
        else:
            done.set_result(answer)

    counters.take(limits(per_day=5), key(), 1, again)
    assert (await asyncio.wait_for(done, 5)).day_left == 0

"""The guides on counting, limits and authentication say what quota and auth do."""

from __future__ import annotations

import inspect

import pytest

from auth import authenticate, passwords, people
from auth.attempts import Allowance
from auth.credentials import personal, rotation, secrets
from auth.grants import consent, issuing
from auth.server import clients
from auth.server.interactive import device, par
from auth.server.interactive.authorize import TIME_TO_ANSWER
from auth.sign_in import visits
from auth.tokens import issue, signing
from console.pages.requests import LONGEST_QUERY
from console.services import credentials
from gateway import jobs
from gateway.settings import load
from gateway.snapshot import admission
from gateway.snapshot.keeper import POLL_SECONDS
from quota import meter, plans
from quota.clock import SLEW_NS_PER_S
from quota.counters import lua
from quota.counters.breaker import LONGEST_REST, SHORTEST_REST
from quota.counters.protocol import REFUSED_AS, Outcome
from quota.counters.redis import RedisCounters
from quota.ledger import _LONGEST_WAIT, Flusher
from quota.limit import DAY, MONTH, RATE
from quota.meter import OUTCOMES
from quota.window import ZONE
from tests.portal.documents import LANGUAGES, code, page, plain_figures, section, table

COUNTING, LIMITS, AUTHENTICATION = "guides/counting.md", "guides/limits.md", "guides/authentication.md"
YES = {"sv": "ja", "en": "yes"}
NO = {"sv": "nej", "en": "no"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_billable_table_is_the_meter_s(language: str) -> None:
    rows = table(page(language, COUNTING), "table")
    endings, refusals = rows[: len(meter.Ending)], rows[len(meter.Ending) :]
    for row, ending in zip(endings, meter.Ending, strict=True):
        outcome = OUTCOMES[ending]
        assert code(row[1]) == [outcome.value], (ending, row)
        assert row[2] == (YES if outcome is Outcome.SERVED else NO)[language], (ending, row)
    assert len(refusals) == 9
    assert [code(row[1]) for row in refusals[:2]] == [
        [REFUSED_AS[RATE].value],
        [REFUSED_AS[DAY].value],
    ]
    assert REFUSED_AS[DAY] is REFUSED_AS[MONTH]
    assert all(row[2] == NO[language] for row in refusals)
    assert [row[1] for row in refusals[2:] if row[1] != "–"] == [f"`{Outcome.REFUSED.value}`"]  # validation's


# Words that tell the rows of endings apart, so that they cannot change places unseen.
TELLING = {
    "sv": ("under `500`", "`500` eller högre", "mitt i sitt svar", "inget svar kom", "nåddes aldrig", "Klienten gick",
           "WebSocket öppnades"),
    "en": ("below `500`", "`500` or above", "middle of its answer", "no answer came", "never reached", "client went",
           "WebSocket was opened"),
}  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_endings_stand_in_the_meter_s_order(language: str) -> None:
    rows = table(page(language, COUNTING), "table")
    for row, words in zip(rows, TELLING[language], strict=False):
        assert words in row[0]
    assert list(meter.Ending) == ["answered", "upstream-error", "upstream-cut", "no-answer", "not-reached",
                                  "client-left", "opened"]  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_figures_of_faults(language: str) -> None:
    text = plain_figures(section(page(language, COUNTING), "faults"))
    timeout = inspect.signature(RedisCounters).parameters["timeout"].default
    for figure in (
        f"{timeout * 1000:.0f} ms",
        f"{SHORTEST_REST * 1000:.0f} ms",
        f"{SLEW_NS_PER_S * 100 // 1_000_000_000} %",
    ):
        assert figure in text, figure
    assert inspect.signature(Flusher).parameters["interval"].default == 1.0
    assert LONGEST_REST == 1.0
    assert _LONGEST_WAIT == 5.0
    assert ZONE in page(language, COUNTING)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_example_of_headers_is_the_plan_s(language: str) -> None:
    limits = plans.Limits.of(
        subscription_id="sub", plan="prova@1", requests=25, burst=50, per_day=500, per_month=5000
    )
    for name in (LIMITS, "get-started.md"):
        assert f"RateLimit-Policy: {limits.policy.decode()}\n" in page(language, name)
    text = plain_figures(page(language, LIMITS))
    assert str(plans.DAY_WINDOW) in text
    assert str(plans.MONTH_WINDOW) in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_table_of_attempts(language: str) -> None:
    wanted: list[Allowance] = [
        clients.PER_CLIENT, clients.PER_ADDRESS, people.PER_ACCOUNT, people.PER_ADDRESS, people.SIGN_UPS,
    ]  # fmt: skip
    rows = table(page(language, LIMITS), "attempts")
    for row, allowance in zip(rows, wanted, strict=True):
        assert row[1] == f"{allowance.tries} per {allowance.seconds} s"


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_figures_of_authentication(language: str) -> None:
    rows = table(page(language, AUTHENTICATION), "figures")
    day = 24 * 3600
    wanted = [
        f"{issue.LIFE} s",
        f"{authenticate.LEEWAY} s",
        f"{authenticate.CACHED_FOR} s",
        f"{admission.SECONDS} s",
        f"{authenticate.LONGEST // 1024} KiB",
        "2 s",
        f"{signing.LEAD} s",
        f"{signing.RETIRING_FOR} s",
        f"{(visits.IDLE - people._SLIDE) // 60}–{visits.IDLE // 60} min",
        f"{visits.ABSOLUTE // 3600} h",
        f"{passwords.SHORTEST}–{passwords.LONGEST} ",
        f"{personal.LONGEST_LIFE // day} ",
    ]
    for row, figure in zip(rows, wanted, strict=True):
        assert row[1].startswith(figure), row
    assert POLL_SECONDS < 2
    text = section(page(language, AUTHENTICATION), "secrets")
    for part in (
        secrets.Prefix.CLIENT_SECRET, str(secrets._RANDOM_CHARACTERS), f"{rotation.LONGEST_OVERLAP // day} ",
    ):  # fmt: skip
        assert part in text, part
    assert credentials.MOST_LIVE_PER_APP == 5


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_figures_of_apps_for_people(language: str) -> None:
    rows = table(page(language, "guides/people.md"), "figures")
    day = 24 * 3600
    wanted = [
        f"{issuing.CODE_LIFE} s",
        f"{consent.LIFE // day} ",
        f"{issuing.REFRESH_IDLE // day} ",
        str(LONGEST_QUERY),
        f"{par.LIFE} s",
        f"{TIME_TO_ANSWER} s",
        f"{device.LIFE} s",
        f"{device.TRIES.tries} per {device.TRIES.seconds} s",
    ]
    for row, figure in zip(rows, wanted, strict=True):
        assert row[1].startswith(figure), row


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_on_records_has_the_same_figures(language: str) -> None:
    text = section(page(language, "operate/records.md"), "retention")
    assert f"{signing.RETIRING_FOR} s" in text
    every = {job.name: job.every for job in jobs.jobs_of(load({}))}
    assert every == {"clear expired": 300.0, "write left-behind usage": 600.0, "tell of logouts": 5.0}
    for script in (lua.TAKE, lua.RAISE):
        assert str(70 * 24 * 3600) in script
    assert "70 " in text

"""Demo data: made once, taken up where a start was cut short, and never on a public instance."""

from __future__ import annotations

import asyncio
import json
import shutil
import time
from dataclasses import asdict
from pathlib import Path

import pytest

from auth.origin import system
from auth.people import People
from gateway.catalog.errors import CatalogFaults
from gateway.cli.seed import DEVELOPER, OPERATOR, Demo, seed
from gateway.settings import load
from storage import apps, organisations, people, subscriptions
from storage.database import Database
from tests.gateway.cli.terminal import Terminal


def seeded() -> Demo:
    async def work() -> Demo:
        settings = load()
        database = Database(settings.database_url)
        try:
            return await seed(database, settings, int(time.time()))
        finally:
            await database.close()

    return asyncio.run(work())


def held() -> tuple[list[str], list[str], list[str]]:
    """Accounts of ours, apps by client id, and the demo apps' subscriptions by API."""

    async def work() -> tuple[list[str], list[str], list[str]]:
        database = Database(load().database_url)
        try:
            async with database.read() as session:
                accounts = [email for email in (OPERATOR, DEVELOPER) if await people.by_email(session, email)]
                found, called = [], []
                for owner in await organisations.all_of_them(session):
                    for app in await apps.for_organisation(session, owner.id):
                        found.append(app.client_id)
                        rows = await subscriptions.for_app(session, owner.id, app.id)
                        called += [row.api for row in rows]
                return accounts, found, sorted(called)
        finally:
            await database.close()

    return asyncio.run(work())


def signs_in(email: str, password: str) -> bool:
    async def work() -> bool:
        database = Database(load().database_url)
        accounts = People(database, master_key=b"k" * 32)
        try:
            found = await accounts.sign_in(
                email=email, password=password, now=int(time.time()), origin=system("test")
            )
            return found.person.email == email
        finally:
            accounts.close()
            await database.close()

    return asyncio.run(work())


def test_a_first_start_makes_all_and_a_second_reads_it_back(terminal: Terminal) -> None:
    made = seeded()
    assert all(asdict(made).values())
    assert signs_in(made.operator_email, made.operator_password)
    assert signs_in(made.developer_email, made.developer_password)
    path = terminal.data / "demo.json"
    assert path.stat().st_mode & 0o077 == 0
    before = (path.read_text(), held())
    assert seeded() == made
    assert (path.read_text(), held()) == before
    assert before[1] == ([OPERATOR, DEVELOPER], [made.client_id], ["behov/v1", "eko/v1", "vardenheter/v1"])


def test_a_first_start_with_a_faulty_catalogue_loses_no_password(terminal: Terminal) -> None:
    file = terminal.catalogue("eko") / "eko" / "api.yaml"
    sound = file.read_text()
    file.write_text("nothing: here")
    with pytest.raises(CatalogFaults):
        seeded()
    file.write_text(sound)
    made = seeded()
    assert signs_in(OPERATOR, made.operator_password)
    assert made.client_id
    assert held()[2] == ["eko/v1"]


@pytest.mark.parametrize("cut", ["operator", "developer", "client"])
def test_a_start_that_was_cut_short_is_taken_up(
    cut: str, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process dies right after a step was committed, before anything else was written."""

    class Dead(BaseException):
        pass

    sign_up = People.sign_up

    async def dying_sign_up(self: People, **given: object) -> object:
        person = await sign_up(self, **given)  # type: ignore[arg-type]
        if given["email"] == {"operator": OPERATOR, "developer": DEVELOPER}.get(cut):
            raise Dead
        return person

    def dying_write(path: Path, content: str) -> None:
        if cut == "client" and json.loads(content)["client_id"]:
            raise Dead
        path.write_text(content)

    with monkeypatch.context() as patch:
        patch.setattr(People, "sign_up", dying_sign_up)
        patch.setattr("gateway.cli.seed.write_private", dying_write)
        with pytest.raises(Dead):
            seeded()
    made = seeded()
    assert all(asdict(made).values())
    assert signs_in(OPERATOR, made.operator_password)
    assert signs_in(DEVELOPER, made.developer_password)
    assert made.client_id in held()[1]


def test_a_database_that_was_thrown_away(terminal: Terminal, sqlite_template: Path) -> None:
    """The same passwords in a new database, and an app that is there."""
    before = seeded()
    for path in terminal.data.glob("sluss.db*"):
        path.unlink()
    shutil.copy(sqlite_template, terminal.data / "sluss.db")
    made = seeded()
    assert made.operator_password == before.operator_password
    assert made.client_id != before.client_id
    assert held()[:2] == ([OPERATOR, DEVELOPER], [made.client_id])


def test_another_data_directorys_demo_is_let_be(terminal: Terminal) -> None:
    seeded()
    other = terminal.folder / "other"
    other.mkdir()
    shutil.copy(terminal.data / "master.key", other)
    terminal.set(DATABASE_URL=f"sqlite:///{terminal.data / 'sluss.db'}", DATA_DIR=str(other))
    before = held()
    assert seeded() == Demo()
    assert held() == before
    assert not (other / "demo.json").exists()


def test_a_public_instance_has_an_operator_and_no_demo_app(terminal: Terminal) -> None:
    terminal.set(ISSUER="https://api.region.example")
    made = seeded()
    assert (made.operator_email, made.client_id, made.developer_email) == (OPERATOR, "", "")
    assert held() == ([OPERATOR], [], [])
    welcome = made.welcome(load())
    assert made.operator_password not in welcome
    assert str(terminal.data / "demo.json") in welcome
    assert "curl" not in welcome


def test_an_instance_that_becomes_public_shows_no_demo_app(terminal: Terminal) -> None:
    made = seeded()
    terminal.set(ISSUER="https://api.region.example")
    public = seeded()
    assert public.operator_password == made.operator_password
    assert (public.client_id, public.client_secret) == ("", "")


def test_a_catalogue_without_the_reference_publications(terminal: Terminal) -> None:
    target = terminal.catalogue("eko")
    made = seeded()
    assert held()[2] == ["eko/v1"]
    assert "/vardenheter/" not in made.welcome(load())
    api = target / "eko" / "api.yaml"
    api.write_text(api.read_text().replace("plans: [prova, ", "plans: ["))
    plans = target / "plans.yaml"
    plans.write_text(plans.read_text().replace("id: prova", "id: annan"))
    (terminal.data / "demo.json").unlink()
    for path in terminal.data.glob("sluss.db*"):
        path.unlink()
    terminal.good("migrate")
    assert seeded().client_id
    assert held()[2] == []

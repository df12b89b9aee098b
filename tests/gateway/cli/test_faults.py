"""Everything a person, a file or another program can bring about: one sentence on stderr, status 1, no traceback."""

from __future__ import annotations

import asyncio
import json
import socket
import sqlite3
from collections.abc import Callable

import pytest

from gateway.cli import faults
from gateway.cli.output import Failure
from quota.counters.memory import MemoryCounters
from storage import migrate
from tests.gateway.cli.terminal import Outcome, Terminal

# Every command that asks the database; the accounts they name need not exist for the database to be away.
IN_DATABASE = (
    "org create --name A",
    "org list",
    "app create --org A --name B",
    "app list --org A",
    "app rotate --org A --app B",
    "app suspend --org A --app B",
    "subscription list",
    "subscription approve sub_1",
    "subscription close sub_1",
    "keys list",
    "keys rotate",
    "usage show --org A",
    "audit verify",
    "token issue --org A --app B",
    "serve edge",
    "serve control",
    "serve worker",
)
IN_CATALOGUE = (
    "api list",
    "api retire behov/v1",
    "plan list",
    "app create --org A --name B",
    "serve control",
    "up",
)


def refused(outcome: Outcome, *hints: str) -> None:
    assert outcome.status == 1
    assert outcome.out == ""
    assert outcome.err.startswith("sluss: ")
    assert "Traceback" not in outcome.err
    for hint in hints:
        assert hint in outcome.err


@pytest.mark.parametrize("command", IN_DATABASE)
def test_a_database_without_tables(command: str, bare: Terminal) -> None:
    refused(bare(command), "run `sluss migrate`")
    assert not bare.data.exists(), "asking makes nothing"


@pytest.mark.parametrize("command", [*IN_DATABASE, "migrate", "up"])
def test_a_database_that_does_not_answer(command: str, bare: Terminal, closed_port: int) -> None:
    bare.set(DATABASE_URL=f"postgresql://sluss:very-secret@127.0.0.1:{closed_port}/sluss")
    outcome = bare(command)
    refused(outcome, "SLUSS_DATABASE_URL", "sluss doctor")
    assert "very-secret" not in outcome.err


@pytest.fixture
def closed_port() -> int:
    """Bound, but nobody listens: a connection is refused, and no other process can take it meanwhile."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.parametrize("command", ["org list", "migrate", "up"])
def test_a_file_that_is_no_database(command: str, bare: Terminal) -> None:
    bare.data.mkdir()
    (bare.data / "sluss.db").write_bytes(b"this is no database" * 200)
    refused(bare(command), "NOTADB")


def test_a_database_that_another_process_holds(terminal: Terminal) -> None:
    holder = sqlite3.connect(terminal.data / "sluss.db", isolation_level=None)
    try:
        holder.execute("BEGIN IMMEDIATE")
        refused(terminal("org create --name A"), "Try again in a moment")
        terminal.good("org list")  # reading waits for nobody
    finally:
        holder.close()
    terminal.good("org create --name A")


@pytest.mark.parametrize("command", ["migrate", "org list"])
def test_a_database_of_a_newer_version(command: str, terminal: Terminal) -> None:
    """The release before goes on beside it, but cannot migrate it."""
    database = sqlite3.connect(terminal.data / "sluss.db")
    database.execute("UPDATE alembic_version SET version_num = '9999'")
    database.commit()
    database.close()
    outcome = terminal(command)
    if command == "migrate":
        refused(outcome, "newer version")
    else:
        assert outcome.status == 0


@pytest.mark.parametrize("command", IN_CATALOGUE)
def test_a_faulty_catalogue(command: str, terminal: Terminal) -> None:
    file = terminal.catalogue("behov") / "behov" / "api.yaml"
    file.write_text(file.read_text().replace("status:", "statsu:"))
    refused(terminal(command), f"{file}:", "statsu")


@pytest.mark.parametrize("command", ["migrate", "up", "org list", "api list"])
def test_wrong_settings_are_told_all_at_once(command: str, bare: Terminal) -> None:
    bare.set(PORT="many", EDGE_PROCESSES="2", NOTHING="1")
    refused(bare(command), "SLUSS_PORT='many'", "SLUSS_EDGE_PROCESSES", "SLUSS_NOTHING")


@pytest.mark.parametrize("command", ["migrate", "up"])
def test_a_data_directory_that_is_none(command: str, bare: Terminal) -> None:
    bare.data.write_text("a file")
    refused(bare(command), str(bare.data))


def test_a_port_that_is_taken_is_named_by_its_setting(bare: Terminal) -> None:
    with socket.socket() as taken, socket.socket() as free:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        free.bind(("127.0.0.1", 0))
        used, unused = taken.getsockname()[1], free.getsockname()[1]
        free.close()
        bare.set(PORT=str(used), ADMIN_PORT=str(unused))
        refused(bare("up"), f"SLUSS_PORT={used} cannot be used", "choose another")
        bare.set(PORT=str(unused), ADMIN_PORT=str(used))
        refused(bare("up"), f"SLUSS_ADMIN_PORT={used} cannot be used")
    assert not (bare.data / "sluss.db").exists(), "the ports are asked before anything is made"


@pytest.mark.parametrize("setting", ["LISTEN", "ADMIN_LISTEN"])
def test_an_address_that_is_not_of_this_machine(setting: str, bare: Terminal) -> None:
    bare.set(**{setting: "192.0.2.1", "PORT": "18080", "ADMIN_PORT": "18081"})
    refused(bare("up"), f"SLUSS_{setting}=192.0.2.1")


def test_the_control_port_is_taken(terminal: Terminal) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        terminal.set(CONTROL_PORT=str(taken.getsockname()[1]))
        refused(terminal("serve control"), "SLUSS_CONTROL_PORT", "choose another")


@pytest.mark.parametrize("content", ["", "{", "[]", '{"nothing": 1}', '{"operator_email": 1}'])
def test_demo_data_that_cannot_be_read(content: str, terminal: Terminal) -> None:
    (terminal.data / "demo.json").write_text(content)
    terminal.set(PORT=_free(), ADMIN_PORT=_free())
    refused(terminal("up"), "demo.json", "move it away")


def _free() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def test_the_demo_without_an_instance(bare: Terminal) -> None:
    refused(bare("demo --running"), "sluss up")
    bare.data.mkdir()
    (bare.data / "run.json").write_text("{}")
    (bare.data / "demo.json").write_text("{}")
    refused(bare("demo --running"), "cannot be read")


def test_machines_read_the_fault_as_json(bare: Terminal) -> None:
    outcome = bare("org list --json")
    assert outcome.status == 1
    assert outcome.out == ""
    assert outcome.error["code"] == "failed"
    bare.set(PORT="x")
    assert bare("org list --json").error["code"] == "settings"


@pytest.mark.parametrize("kind", faults.EXPECTED, ids=lambda kind: kind.__name__)
def test_every_expected_fault_has_a_code_and_a_sentence(
    kind: type[Exception], capsys: pytest.CaptureFixture[str]
) -> None:
    made: dict[str, Callable[[], Exception]] = {
        "SettingsFault": lambda: kind(["one", "two"]),
        "BuildFailed": lambda: kind("no tree"),
    }
    error = made.get(kind.__name__, lambda: kind("why"))()
    code, sentence = faults.explain(error)
    assert code
    assert sentence
    faults.report(error, as_json=True)
    assert json.loads(capsys.readouterr().err) == {"error": {"code": code, "message": sentence}}


def test_an_edge_beside_another_says_whose_counters_they_are(terminal: Terminal) -> None:
    folder = terminal.data / "counters" / "0"
    held = MemoryCounters(folder)
    terminal.set(PORT=_free(), ADMIN_PORT=_free(), ACCESS_LOG="")
    asyncio.run(held.start())
    try:
        refused(terminal("serve edge"), "Another process already uses these counters", str(folder))
    finally:
        asyncio.run(held.close())


def test_a_fault_of_ours_keeps_its_traceback(bare: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(url: str) -> None:
        raise RuntimeError(url)

    monkeypatch.setattr(migrate, "upgrade", broken)
    with pytest.raises(RuntimeError):
        bare("migrate")
    assert not issubclass(RuntimeError, faults.EXPECTED)
    assert issubclass(Failure, faults.EXPECTED)

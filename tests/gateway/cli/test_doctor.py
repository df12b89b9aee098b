"""The doctor finds each fault, says how to mend it, and changes nothing."""

from __future__ import annotations

import socket
import sqlite3
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from gateway.cli.commands import doctor
from gateway.settings import SETTINGS
from storage.migrations import revisions
from tests.gateway.cli.terminal import Terminal
from tests.parts.process import free_port


def findings(terminal: Terminal, status: int) -> dict[str, dict[str, str]]:
    outcome = terminal("doctor --json")
    assert outcome.status == status
    assert "Traceback" not in outcome.err
    found = {each["what"]: each for each in outcome.json}
    assert all(each["mend"] for each in found.values() if not each["ok"])
    return found


def fault(terminal: Terminal, what: str) -> dict[str, str]:
    """The one fault that the doctor finds."""
    wrong = [each for each in findings(terminal, 1).values() if not each["ok"]]
    assert [each["what"] for each in wrong] == [what]
    return wrong[0]


def test_nothing_is_wrong(terminal: Terminal) -> None:
    terminal.good("keys rotate")
    found = findings(terminal, 0)
    assert set(found) == {
        "settings",
        "data directory",
        "catalogue",
        "database",
        "keys",
        "clock",
        "redis",
        "tls",
        "upstreams",
    }
    outcome = terminal.good("doctor")
    assert "FAULT" not in outcome.out


def test_a_machine_where_nothing_has_run(bare: Terminal) -> None:
    assert fault(bare, "database")["mend"] == "run `sluss migrate`"
    assert not bare.data.exists()


def test_nothing_is_made(terminal: Terminal) -> None:
    before = sorted(path.name for path in terminal.data.iterdir())
    terminal.good("doctor")
    assert (
        sorted(path.name for path in terminal.data.iterdir() if not path.name.endswith(("-wal", "-shm")))
        == before
    )


def test_settings(terminal: Terminal) -> None:
    terminal.set(PORT="many", DRAIN_SECONDS="long")
    outcome = terminal("doctor")
    assert outcome.status == 1
    assert outcome.out.count("FAULT settings") == 2


def test_the_database_is_away(terminal: Terminal) -> None:
    terminal.set(DATABASE_URL=f"postgresql://sluss:very-secret@127.0.0.1:{free_port()}/sluss")
    found = fault(terminal, "database")
    assert "SLUSS_DATABASE_URL" in found["mend"]
    assert "very-secret" not in str(found)


def test_an_older_database(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(revisions, "head", lambda: "9999")
    assert fault(terminal, "database")["mend"] == "run `sluss migrate`"


def test_redis_is_away(terminal: Terminal) -> None:
    terminal.set(REDIS_URL=f"redis://127.0.0.1:{free_port()}/0")
    assert "SLUSS_REDIS_URL" in fault(terminal, "redis")["mend"]


@pytest.mark.redis
def test_redis_answers(terminal: Terminal, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal.set(REDIS_URL=redis_url)
    assert "clocks differ" in findings(terminal, 0)["redis"]["says"]
    monkeypatch.setattr(doctor, "CLOCK_SKEW_SECONDS", -1.0)
    assert "NTP" in findings(terminal, 1)["redis"]["mend"]


@pytest.mark.postgres
def test_postgresql_answers(terminal: Terminal, postgres_url: str) -> None:
    terminal.set(DATABASE_URL=postgres_url)
    terminal.good("keys rotate")
    assert findings(terminal, 0)["keys"]["ok"]


@pytest.mark.parametrize("content", [None, "no key", "A" * 44])
def test_the_master_key(terminal: Terminal, content: str | None) -> None:
    terminal.good("keys rotate")
    path = terminal.data / "master.key"
    path.unlink()
    if content is not None:
        path.write_text(content)
        path.chmod(0o600)
    assert "--lost-master-key" in fault(terminal, "keys")["mend"]
    assert path.exists() == (content is not None), "the doctor makes no key"


def test_the_catalogue(terminal: Terminal) -> None:
    file = terminal.catalogue("eko") / "eko" / "openapi.yaml"
    file.write_text(file.read_text().replace("openapi:", "openapy:"))
    found = fault(terminal, "catalogue")
    assert str(file) in found["says"]
    assert "sluss api lint" in found["mend"]


def test_services_that_do_not_answer_are_named(terminal: Terminal) -> None:
    """One may be started after the gateway, so it is no fault; one that leads nowhere good is."""
    terminal.catalogue("eko")
    port = free_port()
    with socket.create_server(("127.0.0.1", 0)) as service:
        terminal.set(UPSTREAM_EKO=f"http://127.0.0.1:{service.getsockname()[1]}")
        assert findings(terminal, 0)["upstreams"]["says"] == "1 of 1 answer"
    terminal.set(UPSTREAM_EKO=f"http://127.0.0.1:{port}")
    found = findings(terminal, 0)["upstreams"]
    assert found["says"].startswith(f"0 of 1 answer; not http://127.0.0.1:{port} (")
    assert "start it" in found["mend"]
    with socket.create_server(("127.0.0.1", 0)) as service:
        terminal.set(UPSTREAM_EKO=f"https://localhost:{service.getsockname()[1]}")
        hanging_up = threading.Thread(target=_hang_up, args=(service,))
        hanging_up.start()
        assert "upstream-tls" in fault(terminal, "upstreams")["says"]
        hanging_up.join()


def _hang_up(service: socket.socket) -> None:
    service.accept()[0].close()


def _paper(terminal: Terminal, name: str, ends: datetime | None = None) -> trustme.LeafCert:
    leaf = trustme.CA().issue_cert(name, not_after=ends)
    for file, blobs in (("cert.pem", leaf.cert_chain_pems), ("key.pem", [leaf.private_key_pem])):
        (terminal.folder / file).write_bytes(b"".join(blob.bytes() for blob in blobs))
        (terminal.folder / file).chmod(0o600)
    terminal.set(
        TLS_CERT=str(terminal.folder / "cert.pem"),
        TLS_KEY=str(terminal.folder / "key.pem"),
        ISSUER="https://api.region.example",
    )
    return leaf


def test_tls(terminal: Terminal) -> None:
    _paper(terminal, "*.region.example")
    (found,) = [each for each in terminal.good("doctor --json").json if each["what"] == "tls"]
    assert found["ok"]
    assert "days left" in found["says"]
    (terminal.folder / "key.pem").chmod(0o644)
    assert "chmod 600" in fault(terminal, "tls")["mend"]
    _paper(terminal, "other.example")
    assert "api.region.example" in fault(terminal, "tls")["says"]
    _paper(terminal, "api.region.example", datetime.now(UTC) + timedelta(days=3))
    assert "3 days" in fault(terminal, "tls")["says"]
    _paper(terminal, "api.region.example", datetime.now(UTC) - timedelta(days=3))
    assert "ago" in fault(terminal, "tls")["says"]
    trustme.CA().issue_cert("a.example").private_key_pem.write_to_path(terminal.folder / "key.pem")
    assert fault(terminal, "tls")["says"].startswith("SLUSS_TLS_KEY=")


def test_a_data_directory_that_cannot_be_written(bare: Terminal, sqlite_template: Path) -> None:
    database = bare.folder / "elsewhere.db"
    database.write_bytes(sqlite_template.read_bytes())
    bare.set(DATABASE_URL=f"sqlite:///{database}")
    bare.data.write_text("a file, no folder")
    assert "free some space" in fault(bare, "data directory")["mend"]
    bare.set(DATA_DIR=str(bare.data / "below"))
    assert "cannot be made" in fault(bare, "data directory")["says"]


def test_a_clock_that_has_gone_back(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal.good("org create --name A")
    now = time.time()
    monkeypatch.setattr("gateway.cli.commands.doctor.time.time", lambda: now - 3600)
    assert "NTP" in fault(terminal, "clock")["mend"]


def test_help_has_every_setting(terminal: Terminal) -> None:
    text = terminal.good("doctor --help").out
    for setting in SETTINGS:
        assert setting.name in text


def test_a_broken_audit_log_is_told(terminal: Terminal) -> None:
    terminal.good("org create --name A")
    assert terminal.good("audit verify --json").json["first_bad"] is None
    database = sqlite3.connect(terminal.data / "sluss.db")
    for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        database.execute(f"DROP TRIGGER {name}")
    database.execute("UPDATE audit SET act = 'nothing' WHERE seq = 1")
    database.commit()
    database.close()
    outcome = terminal("audit verify --json")
    assert outcome.status == 1
    assert outcome.json["first_bad"] == 1
    assert "entry 1" in outcome.error["message"]

"""Settings: defaults, both sources, and every fault at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.settings import SETTINGS, SettingsFault, load


def read(tmp_path: Path, **environment: str) -> object:
    return load({"SLUSS_DATA_DIR": str(tmp_path), **environment}, tmp_path / "sluss.toml")


def test_no_setting_at_all_is_enough(tmp_path: Path) -> None:
    settings = load({}, tmp_path / "none.toml")
    assert settings.port == 8080
    assert settings.admin_port == 8081
    assert settings.admin_listen == "127.0.0.1"
    assert settings.issuer == "http://localhost:8080"
    assert settings.redis_url is None
    assert settings.database_url.startswith("sqlite:///")
    assert [folder.name for folder in settings.catalog] == ["backends"]


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    (tmp_path / "sluss.toml").write_text(
        'port = 9000\nadmin_port = 9001\nhosts = ["a.example", "b.example"]\n'
    )
    settings = load({"SLUSS_PORT": "9100"}, tmp_path / "sluss.toml")
    assert (settings.port, settings.admin_port) == (9100, 9001)
    assert {"a.example", "b.example", "localhost"} <= settings.hosts


def test_every_fault_is_listed_at_once(tmp_path: Path) -> None:
    with pytest.raises(SettingsFault) as wrong:
        read(
            tmp_path,
            SLUSS_PORT="eighty",
            SLUSS_ISSUER="http://api.region.example/",
            SLUSS_DATABASE_URL="mysql://root:hunter2@db/x",
            SLUSS_CATALOG="/does/not/exist",
            SLUSS_TRUSTED_PROXIES="10.0.0.0/8,everybody",
            SLUSS_EDGE_PROCESSES="4",
            SLUSS_PROT="8080",
        )
    text = str(wrong.value)
    for name in ("PORT", "ISSUER", "DATABASE_URL", "CATALOG", "TRUSTED_PROXIES", "EDGE_PROCESSES", "PROT"):
        assert f"SLUSS_{name}" in text
    assert "hunter2" not in text


@pytest.mark.parametrize(
    ("issuer", "sound"),
    [
        ("https://api.region.example", True),
        ("http://127.0.0.1:8080", True),
        ("http://localhost:8080", True),
        ("http://api.region.example", False),
        ("https://api.region.example/", False),
        ("https://api.region.example/path", False),
        ("https://user@api.region.example", False),
        ("api.region.example", False),
    ],
)
def test_issuer(tmp_path: Path, issuer: str, sound: bool) -> None:
    if sound:
        assert load({"SLUSS_ISSUER": issuer}, tmp_path / "x").issuer == issuer
    else:
        with pytest.raises(SettingsFault, match="SLUSS_ISSUER"):
            load({"SLUSS_ISSUER": issuer}, tmp_path / "x")


def test_more_edge_processes_need_redis(tmp_path: Path) -> None:
    with pytest.raises(SettingsFault, match="SLUSS_REDIS_URL"):
        read(tmp_path, SLUSS_EDGE_PROCESSES="2")
    assert (
        load({"SLUSS_EDGE_PROCESSES": "2", "SLUSS_REDIS_URL": "redis://h"}, tmp_path / "x").edge_processes
        == 2
    )


def test_a_file_that_is_no_toml_is_a_fault_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "sluss.toml").write_text("port = \n")
    with pytest.raises(SettingsFault, match=r"sluss\.toml.*line 1"):
        load({}, tmp_path / "sluss.toml")


def test_names_are_unique() -> None:
    assert len({setting.name for setting in SETTINGS}) == len(SETTINGS)


def test_tls_makes_the_default_issuer_https(tmp_path: Path) -> None:
    (tmp_path / "cert.pem").write_text("")
    settings = load({"SLUSS_TLS_CERT": str(tmp_path / "cert.pem")}, tmp_path / "none.toml")
    assert settings.issuer == "https://localhost:8080"
    assert settings.door.tls is not None
    assert settings.door.tls.key == tmp_path / "cert.pem"
    assert settings.door.hsts_seconds == 0, "a name of the machine itself is never pinned"


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({"SLUSS_TLS_CERT": "/no/such.pem"}, "SLUSS_TLS_CERT"),
        ({"SLUSS_TLS_KEY": "HERE"}, "SLUSS_TLS_KEY"),
        ({"SLUSS_TLS_CLIENT_CA": "HERE"}, "SLUSS_TLS_CLIENT_CA"),
        ({"SLUSS_TLS_CERT": "HERE", "SLUSS_TLS_CLIENT": "required"}, "SLUSS_TLS_CLIENT:"),
        ({"SLUSS_TLS_CERT": "HERE", "SLUSS_TLS_CLIENT": "maybe"}, "SLUSS_TLS_CLIENT="),
        ({"SLUSS_TLS_CERT": "HERE", "SLUSS_ISSUER": "http://localhost:8080"}, "SLUSS_ISSUER"),
        ({"SLUSS_PROXY_PROTOCOL": "required"}, "SLUSS_PROXY_PROTOCOL"),
        ({"SLUSS_PROXY_PROTOCOL": "optional", "SLUSS_TRUSTED_PROXIES": "::1"}, "SLUSS_PROXY_PROTOCOL"),
        ({"SLUSS_CLIENT_CERT_HEADER": "on"}, "SLUSS_CLIENT_CERT_HEADER"),
        ({"SLUSS_FORWARDED": "both"}, "SLUSS_FORWARDED"),
        ({"SLUSS_HSTS_SECONDS": "-1"}, "SLUSS_HSTS_SECONDS"),
    ],
)
def test_what_does_not_go_together_at_the_door(
    tmp_path: Path, environment: dict[str, str], named: str
) -> None:
    (tmp_path / "here.pem").write_text("")
    here = {
        name: str(tmp_path / "here.pem") if value == "HERE" else value for name, value in environment.items()
    }
    with pytest.raises(SettingsFault) as wrong:
        read(tmp_path, **here)
    assert len(wrong.value.faults) == 1
    assert wrong.value.faults[0].startswith(named)

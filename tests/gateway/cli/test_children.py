"""What `sluss up` starts, and on which sockets. Nothing is started here."""

from __future__ import annotations

import re
import socket
from pathlib import Path

import pytest

from gateway.cli import children
from gateway.cli.output import Failure
from gateway.settings import load
from tests.gateway.cli.terminal import Terminal

PLATFORM = ["control", "worker", "edge"]


def names(*, backends: bool = True) -> list[str]:
    with children.of(load(), backends=backends) as found:
        return [child.name for child in found]


def test_the_reference_catalogue_needs_its_three_backends(bare: Terminal) -> None:
    assert names() == ["vardenheter", "behov", "eko", *PLATFORM]
    assert names(backends=False) == PLATFORM


def test_a_catalogue_of_ones_own_starts_what_it_calls(bare: Terminal) -> None:
    target = bare.catalogue("eko", "behov")
    assert names() == ["behov", "eko", *PLATFORM]
    for name in ("eko", "behov"):
        file = target / name / "api.yaml"
        file.write_text(re.sub(r"\$\{[^}]*\}", "http://upstream.region.example", file.read_text()))
    assert names() == PLATFORM


def test_a_backend_that_runs_elsewhere_is_not_started(bare: Terminal) -> None:
    bare.set(UPSTREAM_EKO="http://127.0.0.1:9103")
    assert names() == ["vardenheter", "behov", *PLATFORM]


def test_children_know_each_other_by_sockets_that_listen_already(bare: Terminal) -> None:
    with children.of(load(), backends=True) as found:
        by_name = {child.name: child for child in found}
        control = by_name["control"].sockets[0]
        port = str(control.getsockname()[1])
        assert by_name["edge"].environment["SLUSS_CONTROL_PORT"] == port
        eko = by_name["eko"].sockets[0].getsockname()
        assert by_name["edge"].environment["SLUSS_UPSTREAM_EKO"] == f"http://127.0.0.1:{eko[1]}"
        for child in found:
            for listener in child.sockets:
                socket.create_connection(listener.getsockname(), 5).close()
        stages = [by_name[name].stage for name in ("edge", "control", "eko")]
        assert stages == sorted(set(stages)), "the edge stops first, the backends last"
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", int(port)), 5)


def test_access_records_leave_the_terminal_alone(bare: Terminal) -> None:
    with children.of(load(), backends=False) as found:
        log = found[-1].environment["SLUSS_ACCESS_LOG"]
        assert Path(log) == bare.data / "log" / "access.log"
    bare.set(ACCESS_LOG="")
    with children.of(load(), backends=False) as found:
        assert "SLUSS_ACCESS_LOG" not in found[-1].environment


def test_every_edge_process_needs_an_admin_port(bare: Terminal) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        bare.set(PORT="18080", ADMIN_PORT=str(port - 1), EDGE_PROCESSES="2", REDIS_URL="redis://127.0.0.1:1")
        with pytest.raises(Failure, match=f"SLUSS_ADMIN_PORT={port - 1}.*{port}"):
            children.demand_free_ports(load())
        with children.of(load(), backends=False) as found:
            assert [child.name for child in found[-2:]] == ["edge 0", "edge 1"]

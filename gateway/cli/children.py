"""What `sluss up` starts on one machine: which processes, on which ports, with which settings."""

from __future__ import annotations

import errno
import socket
import sys
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager

from gateway.catalog import load as catalog_load
from gateway.cli.output import Failure
from gateway.settings import Settings
from gateway.supervise import Child, listen_on_loopback

BACKENDS = ("vardenheter", "behov", "eko")
EDGE, CONTROL, BACKEND = range(3)  # the order of stopping
SLUSS = (sys.executable, "-m", "gateway")


def public_ports(settings: Settings) -> Iterator[tuple[str, str, int]]:
    """Setting, address and port of everything that is reached from outside."""
    yield "SLUSS_PORT", settings.listen, settings.port
    for number in range(settings.edge_processes):
        yield "SLUSS_ADMIN_PORT", settings.admin_listen, settings.admin_port + number


def demand_free_ports(settings: Settings) -> None:
    """Raises Failure with the setting's name for a port that another process has."""
    for name, host, port in public_ports(settings):
        try:
            family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
            with socket.socket(family, kind) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(address)
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            if isinstance(error, OSError) and error.errno in (errno.EADDRINUSE, errno.EACCES):
                number = f"{port}" if name == "SLUSS_PORT" else f"{settings.admin_port}"
                which = "" if number == str(port) else f": port {port}, of another edge process,"
                raise Failure(f"{name}={number}{which} cannot be used ({reason}); choose another") from error
            listen = name.replace("PORT", "LISTEN")
            raise Failure(f"{listen}={host} with {name}={port} cannot be used ({reason})") from error


@contextmanager
def of(settings: Settings, *, backends: bool) -> Iterator[list[Child]]:
    """The children, not started; the sockets they inherit are closed at the end."""
    with ExitStack() as stack:
        taken = {port for _, _, port in public_ports(settings)}
        children: list[Child] = []
        environment: dict[str, str] = {}
        if (
            settings.access_log == "-"
        ):  # the terminal is for the welcome; records go where they can be followed
            environment["SLUSS_ACCESS_LOG"] = str(settings.data_dir / "log" / "access.log")
        for name, listener in (_reference_backends(settings, taken) if backends else {}).items():
            stack.callback(listener.close)
            environment[_variable(name)] = _address(listener)
            command = (sys.executable, "-m", f"backends.{name}", "--fd", str(listener.fileno()))
            children.append(Child(name, command, BACKEND, sockets=(listener,)))
        control = listen_on_loopback(taken)
        stack.callback(control.close)
        environment["SLUSS_CONTROL_PORT"] = str(control.getsockname()[1])
        children.append(_control(control, environment))
        children.append(Child("worker", (*SLUSS, "serve", "worker"), CONTROL, environment))
        children.extend(_edges(settings, environment))
        yield children


def _control(listener: socket.socket, environment: Mapping[str, str]) -> Child:
    command = (*SLUSS, "serve", "control", "--fd", str(listener.fileno()))
    return Child("control", command, CONTROL, environment, (listener,))


def _edges(settings: Settings, environment: Mapping[str, str]) -> Iterator[Child]:
    for number in range(settings.edge_processes):
        name = "edge" if settings.edge_processes == 1 else f"edge {number}"
        yield Child(name, (*SLUSS, "serve", "edge", "--process", str(number)), EDGE, environment)


def _reference_backends(settings: Settings, taken: Collection[int]) -> dict[str, socket.socket]:
    """A socket for each reference backend that the catalogue would call and that runs nowhere else."""
    found = {
        name: listen_on_loopback(taken)
        for name in BACKENDS
        if _variable(name) not in settings.upstream_variables
    }
    try:
        addresses = {_variable(name): _address(listener) for name, listener in found.items()}
        catalog = catalog_load.load(settings.catalog, {**settings.upstream_variables, **addresses})
    except BaseException:  # whatever stops the start, no socket stays open
        for listener in found.values():
            listener.close()
        raise
    urls = {
        upstream.url
        for api in catalog.apis.values()
        for several in api.upstreams.values()
        for upstream in several
    }
    for name in list(found):
        address = addresses[_variable(name)]
        if not any(url == address or url.startswith(f"{address}/") for url in urls):
            found.pop(name).close()
    return found


def _variable(name: str) -> str:
    return f"SLUSS_UPSTREAM_{name.upper()}"


def _address(listener: socket.socket) -> str:
    return f"http://127.0.0.1:{listener.getsockname()[1]}"

"""One of several listening sockets on a port closes, and no connection is reset (F11)."""

from __future__ import annotations

import select
import socket
import sys
from contextlib import ExitStack, suppress

import pytest

from gateway.edge.kernel import send_elsewhere

MANY = 40


def listening(port: int = 0) -> socket.socket:
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    made.bind(("127.0.0.1", port))
    made.listen(1024)
    made.setblocking(False)
    return made


def accepted(listener: socket.socket) -> list[socket.socket]:
    found = []
    with suppress(BlockingIOError):
        while True:
            found.append(listener.accept()[0])
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's filter is Linux's")
def test_a_closing_socket_takes_what_has_begun_and_leaves_the_rest_to_others() -> None:
    with ExitStack() as stack:
        closing = listening()
        staying = stack.enter_context(listening(closing.getsockname()[1]))
        address = closing.getsockname()
        clients = [stack.enter_context(socket.create_connection(address)) for _ in range(MANY)]
        assert send_elsewhere(closing.fileno())
        served = accepted(closing)
        assert served, "what had begun is still accepted"
        for _ in range(MANY):  # the kernel would give about half of them to the socket that closes
            client = stack.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(address)
            clients.append(client)
        closing.close()
        while len(served) < 2 * MANY:  # first packets that were dropped come again after a second
            assert select.select([staying], [], [], 30)[0], f"{len(served)} of {2 * MANY}"
            served += accepted(staying)
        for connection in served:
            stack.enter_context(connection).sendall(b"served")
        for client in clients:
            client.settimeout(30)
            assert client.recv(100) == b"served"

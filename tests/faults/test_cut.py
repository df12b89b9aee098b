"""The proxy that faults are made with does what its methods say."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from tests.faults.cut import TcpCut


class Echo:
    """Answers each piece with itself and remembers how many bytes it has read."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        self.read = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            try:
                while data := connection.recv(65536):
                    self.read += len(data)
                    connection.sendall(data)
            except OSError:
                return


@pytest.fixture
def echo() -> Iterator[Echo]:
    made = Echo()
    yield made
    made.listener.close()


@pytest.fixture
def cut(echo: Echo) -> Iterator[TcpCut]:
    made = TcpCut(echo.port)
    yield made
    made.close()


def connected(cut: TcpCut, patience: float = 10) -> socket.socket:
    return socket.create_connection(("127.0.0.1", cut.port), timeout=patience)


def until_reset(client: socket.socket) -> bytes:
    found = b""
    try:
        while data := client.recv(100):
            found += data
    except ConnectionResetError:
        return found
    raise AssertionError(f"an orderly end after {found!r}")


def silent(client: socket.socket) -> bool:
    """Nothing comes for a moment. Only silence is asked for, so a slow machine cannot make it fail."""
    client.settimeout(0.1)
    try:
        client.recv(100)
    except TimeoutError:
        return True
    finally:
        client.settimeout(10)
    return False


def test_it_passes_holds_and_lets_go(cut: TcpCut) -> None:
    with connected(cut) as client:
        client.sendall(b"one")
        assert client.recv(100) == b"one"
        cut.hang()
        client.sendall(b"two")
        assert silent(client)
        with connected(cut) as other:
            other.sendall(b"three")
            assert silent(other)
            cut.flow()
            assert other.recv(100) == b"three"
        assert client.recv(100) == b"two"


def test_it_refuses_and_comes_back_on_the_same_port(cut: TcpCut) -> None:
    with connected(cut) as client:
        client.sendall(b"one")
        assert client.recv(100) == b"one"
        cut.refuse()
        with pytest.raises(ConnectionResetError):
            client.recv(100)
        with pytest.raises(ConnectionRefusedError):
            connected(cut)
        cut.flow()
        with connected(cut) as again:
            again.sendall(b"two")
            assert again.recv(100) == b"two"


def test_it_resets_once(cut: TcpCut) -> None:
    with connected(cut) as client:
        client.sendall(b"one")
        assert client.recv(100) == b"one"
        cut.reset()
        with pytest.raises(ConnectionResetError):
            client.recv(100)
    with connected(cut) as again:
        again.sendall(b"two")
        assert again.recv(100) == b"two"


def test_it_cuts_inside_an_answer(cut: TcpCut) -> None:
    cut.cut_after(4)
    with connected(cut) as client:
        client.sendall(b"0123456789")
        found = until_reset(client)
    assert found in (b"0123", b"")  # a reset may overtake what came just before it


def test_it_loses_answers_alone(cut: TcpCut, echo: Echo) -> None:
    cut.swallow_answers()
    with connected(cut) as client:
        client.sendall(b"one")
        assert silent(client)
        assert echo.read == 3
        assert cut.answers_swallowed == 1

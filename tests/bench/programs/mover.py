"""Moves one large body through a proxy in small pieces: `python -m tests.bench.programs.mover ORDER` (JSON).

Prints one line of JSON with the seconds it took. Itself it never holds more than a piece.
"""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Mapping
from time import perf_counter

PIECE = 256 * 1024


def move(
    port: int, path: str, headers: Mapping[str, str], method: str, size: int, timeout: float
) -> dict[str, float]:
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if method == "POST":
        lines.append(f"Content-Length: {size}")
    began = perf_counter()
    with socket.create_connection(("127.0.0.1", port), timeout=timeout) as connection:
        connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        if method == "POST":
            piece = b"x" * PIECE
            for _ in range(size // PIECE):
                connection.sendall(piece)
        status, received = _receive(connection)
    if status != 200 or (method == "GET" and received < size):
        raise SystemExit(f"status {status}, {received} bytes")
    return {"seconds": perf_counter() - began}


def _receive(connection: socket.socket) -> tuple[int, int]:
    buffer = bytearray(PIECE)
    begun, received = b"", 0
    while size := connection.recv_into(buffer):
        if received < 12:
            begun += bytes(buffer[:size])
        received += size
    return int(begun[9:12] or b"0"), received


if __name__ == "__main__":
    sys.stdout.write("RESULT " + json.dumps(move(**json.loads(sys.argv[1]))) + "\n")

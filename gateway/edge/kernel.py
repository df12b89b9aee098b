"""Two things a transport does not offer and the kernel does: what is still on its way, and a reset."""

from __future__ import annotations

import asyncio
import fcntl
import socket
import struct
import termios
from contextlib import suppress


def unacknowledged(transport: asyncio.Transport) -> int:
    """Bytes written that the client has not acknowledged, in our buffer and in the kernel's.

    The kernel alone may hold some MiB and reports room only when a good part of it is free: a slow but steady
    reader would look like one that has stopped. Where the kernel cannot tell, those in our own buffer.
    """
    ours = transport.get_write_buffer_size()
    sock = transport.get_extra_info("socket")
    try:
        answer = fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, struct.pack("i", 0))
    except (OSError, ValueError, AttributeError):
        return ours  # closed meanwhile, or a system without this call
    kernel: int = struct.unpack("i", answer)[0]
    return ours + kernel


def reset(transport: asyncio.Transport) -> None:
    """Closes with a TCP reset instead of an orderly end, which the other side could take for the answer's own."""
    sock = transport.get_extra_info("socket")
    with suppress(OSError, AttributeError):  # closed meanwhile
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()

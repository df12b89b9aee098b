"""What a transport does not offer and the kernel does: what is on its way, a reset, how many files may be open."""

from __future__ import annotations

import asyncio
import fcntl
import resource
import socket
import struct
import termios
from contextlib import suppress
from typing import Final

_MOST_FILES: Final = 64 * 1024
_OTHER_FILES: Final = 128  # database, Redis, logs, the admin port, what libraries open for a moment


def affordable_connections(wished: int) -> int:
    """How many clients this process can take: as many as wished, or as leave each a socket towards its service.

    The limit on open files is raised as far as the process may. At the limit the kernel accepts nobody and no
    upstream can be reached: better to say 503 while that still can be said.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, _MOST_FILES)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
        soft = most
    files = _MOST_FILES if soft == resource.RLIM_INFINITY else soft
    return min(wished, max(8, (files - _OTHER_FILES) // 2))


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

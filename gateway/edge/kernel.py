"""What a transport does not offer and the kernel does: what is on its way, a reset, how many files may be open."""

from __future__ import annotations

import asyncio
import ctypes
import fcntl
import os
import resource
import socket
import struct
import sys
import termios
from contextlib import suppress
from typing import Final

_MOST_FILES: Final = 64 * 1024
_SO_ATTACH_FILTER: Final = 26 if sys.platform == "linux" else None
_instruction = struct.Struct("HBBI").pack
# Classic BPF over the TCP header: the flags; of SYN and ACK only SYN set? drop; else pass the packet whole.
_DROP_SYN: Final = (
    (0x30, 0, 0, 13),  # load the byte at 13
    (0x54, 0, 0, 0x12),  # and SYN|ACK
    (0x15, 0, 1, 0x02),  # SYN alone?
    (0x06, 0, 0, 0),
    (0x06, 0, 0, 0xFFFFFFFF),
)
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


def send_elsewhere(listener: int) -> bool:
    """From now on no connection begins at this listening socket; those that have begun may be accepted.

    Closing a socket of several on one port (SO_REUSEPORT) resets the connections in its queue, and one more can
    come between the last accept and the close. So the first packet of each new connection is dropped here: the
    client's kernel repeats it after a second, and then it belongs to a socket that is still open. False where the
    kernel has no such filter.
    """
    if _SO_ATTACH_FILTER is None:
        return False
    code = ctypes.create_string_buffer(b"".join(_instruction(*step) for step in _DROP_SYN))
    program = struct.pack("HL", len(_DROP_SYN), ctypes.addressof(code))
    try:
        with socket.socket(fileno=os.dup(listener)) as same:
            same.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, program)
    except OSError:
        return False
    return True


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

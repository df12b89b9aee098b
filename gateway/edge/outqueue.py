"""How many bytes written to a client it has not yet acknowledged, in our buffer and in the kernel's.

The kernel alone may hold some MiB and reports room only when a good part of it is free: a slow but steady reader
would look like one that has stopped.
"""

from __future__ import annotations

import asyncio
import fcntl
import struct
import termios


def unacknowledged(transport: asyncio.Transport) -> int:
    """Bytes on their way. Where the kernel cannot tell, those in our own buffer."""
    ours = transport.get_write_buffer_size()
    sock = transport.get_extra_info("socket")
    try:
        answer = fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, struct.pack("i", 0))
    except (OSError, ValueError, AttributeError):
        return ours  # closed meanwhile, or a system without this call
    kernel: int = struct.unpack("i", answer)[0]
    return ours + kernel

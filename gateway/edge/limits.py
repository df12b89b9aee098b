"""The bounds of the public port. Every figure is documented in the operator's manual; a test compares them.

Owns figures only. What a route allows (body, timeouts) is in the publication and comes with each ``Order``.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EdgeLimits:
    """Sizes in bytes, times in seconds."""

    request_line: int = 8 * 1024
    """Method, target and version together; above it 414."""
    field_line: int = 16 * 1024
    """One header line; above it 431."""
    head: int = 64 * 1024
    """The whole head, request line included; above it 431."""
    fields: int = 100
    """Header lines; above it 431."""
    head_seconds: float = 10.0
    """From the connection's opening, or the first byte of a later request, to the end of the head; then
    408.
    """
    handshake_seconds: float = 5.0
    """For the PROXY header, and again for the TLS handshake; then the connection is closed."""
    proxy_header: int = 536
    """A PROXY header with its additions; above it the connection is closed."""
    idle_seconds: float = 60.0
    """An open connection between two requests; then it is closed without a word."""
    body_grace_seconds: float = 10.0
    """How often the rate of a body is judged, and so how long a body may be silent."""
    body_rate: int = 1024
    """Bytes a second a request body must keep over each such period; else 408."""
    stall_seconds: float = 60.0
    """How long a client may acknowledge nothing of what waits for it; then the connection is cut."""
    linger_seconds: float = 5.0
    """After a final answer on a connection that will close: how long the client's bytes are read and thrown
    away, so that the answer is not lost to a TCP reset."""
    linger_bytes: int = 16 * 1024 * 1024
    """And how many of them."""
    discard_bytes: int = 64 * 1024
    """An unread body up to this size is read and thrown away to keep the connection; a larger one closes
    it.
    """
    chunk_extensions: int = 4 * 1024
    """Chunk extensions in one body, together."""
    trailers: int = 8 * 1024
    """The trailer section; it is validated and dropped."""
    drain_begun_seconds: float = 0.3
    """While draining beside others on the same port: how long connections that had begun may still arrive."""
    drain_idle_seconds: float = 0.5
    """While draining: how long a connection without a request is kept for one that may be on its way."""
    buffer: int = 256 * 1024
    """High-water mark of each socket's send buffer; above it the other side is not read."""
    held: int = 64 * 1024
    """Bytes kept while a decision is pending or an earlier answer is under way; above it the socket rests."""
    collected: int = 64 * 1024 * 1024
    """Request bodies held whole for validation, in one process together; above it 503."""
    connections: int = 10_000
    """Open client connections in one process; above it 503 and close."""
    tick_seconds: float = 0.1
    """How often the sweeper looks: every deadline holds within this much, late, never early."""

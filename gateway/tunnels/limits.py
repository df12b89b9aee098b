"""The bounds of tunnels and streams. Every figure is documented beside the edge's; a test compares them.

The largest message of a client is the operation's body limit, and the longest silence the publication's `idle`:
they stand there and not here.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TunnelLimits:
    """Sizes in bytes, times in seconds."""

    per_subscription: int = 500
    """Open tunnels of one subscription in one process; above it 429."""
    fragments: int = 1024
    """Frames one message of a client may consist of; above it 1009. An empty one costs us as much as a full one."""
    controls: int = 100
    """Pings and pongs of a client in one period; above it 1008. They cost no units."""
    controls_seconds: float = 10.0
    """The period."""
    close_seconds: float = 1.0
    """After a close frame of ours: how long the two sides have to close; then the connections are."""
    turn: int = 64
    """Frames, or messages, handled before every other connection gets its turn."""
    review_seconds: float = 1.0
    """How often open tunnels and streams are asked whether their access still holds, beside each new snapshot."""

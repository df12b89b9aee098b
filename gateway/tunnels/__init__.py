"""WebSocket tunnels (RFC 6455): handshake, frames, units of messages, and the end of access while one is open."""

"""The way to an upstream: its addresses, which of them are allowed, TLS."""

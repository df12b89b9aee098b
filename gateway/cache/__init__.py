"""Answers kept for a while: a shared cache by RFC 9111 inside each edge process, for operations that ask for it."""

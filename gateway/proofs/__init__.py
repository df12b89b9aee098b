"""Bound tokens on the line: the proof of one call, and that each proof is used once over all processes."""

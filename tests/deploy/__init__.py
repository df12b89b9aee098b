"""The files in deploy/ as they are, run with the real programs."""

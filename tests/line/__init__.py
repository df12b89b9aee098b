"""The line across real sockets: real processes, real counters, real databases."""

"""The processes of the platform, a file for each: none loads what only another one needs."""

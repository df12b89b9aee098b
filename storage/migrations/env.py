"""What Alembic runs to get at the database: the connection that `storage.migrate` opened, locked, and began a
transaction on, which makes every upgrade all or nothing.

Alembic executes this file by its path; nothing imports it.
"""

from __future__ import annotations

from alembic import context

context.configure(connection=context.config.attributes["connection"])
with context.begin_transaction():
    context.run_migrations()

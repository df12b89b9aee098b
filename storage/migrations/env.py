"""What Alembic runs to get at the database: the connection that `storage.migrate` opened and locked.

Alembic executes this file by its path; nothing imports it.
"""

from __future__ import annotations

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    # SQLite too: a step is done or not done, also after a kill. The transaction is begun by storage.migrate.
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()

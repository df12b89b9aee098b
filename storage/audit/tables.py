"""The log's table, its head, and the triggers that keep both append-only on either database.

On SQLite REPLACE removes rows without the triggers of DELETE unless the connection asks for them; the trigger
that refuses gaps stops it too. The owner of the tables can drop triggers; the chain is what tells of that.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, Integer, Table, Text

from storage.schema.metadata import metadata

table = Table(
    "audit",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("actor_kind", Text, nullable=False),
    Column("actor_id", Text, nullable=False),
    Column("act", Text, nullable=False),
    Column("object_kind", Text, nullable=False),
    Column("object_id", Text, nullable=False),
    Column("organisation_id", Text, index=True),
    Column("request_id", Text, nullable=False),
    Column("ip", Text, nullable=False),
    Column("before", Text),
    Column("after", Text),
    Column("hash", Text, nullable=False),
)

head_table = Table(
    "audit_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, nullable=False),
    Column("hash", Text, nullable=False),
    CheckConstraint("id = 1", name="one_row"),
)

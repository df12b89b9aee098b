"""The log's table, its head, and the triggers that keep both append-only on either database.

On SQLite REPLACE removes rows without the triggers of DELETE unless the connection asks for them; the trigger
that refuses gaps stops it too. The owner of the tables can drop triggers; the chain is what tells of that.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, Integer, String, Table, Text

from storage.schema.metadata import metadata

table = Table(
    "audit",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("actor_kind", String(20), nullable=False),
    Column("actor_id", Text, nullable=False),
    Column("act", String(100), nullable=False),
    Column("object_kind", String(50), nullable=False),
    Column("object_id", Text, nullable=False),
    Column("organisation_id", String(40), index=True),
    Column("request_id", Text, nullable=False),
    Column("ip", String(45), nullable=False),
    Column("before", Text),
    Column("after", Text),
    Column("hash", String(64), nullable=False),
)

head_table = Table(
    "audit_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, nullable=False),
    Column("hash", String(64), nullable=False),
    CheckConstraint("id = 1", name="one_row"),
)

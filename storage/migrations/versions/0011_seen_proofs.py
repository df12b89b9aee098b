"""Proofs that have been used: client assertions and DPoP proofs at the authorization server count once."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "seen_proofs",
        sa.Column("name", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_seen_proofs"),
    )
    op.create_index("ix_seen_proofs_expires_at", "seen_proofs", ["expires_at"])


def downgrade() -> None:
    op.drop_table("seen_proofs")

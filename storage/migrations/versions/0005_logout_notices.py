"""Notices to clients that a person's session has ended, until each has been delivered."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "logout_notices",
        *(
            sa.Column(name, sa.Text(), nullable=False)
            for name in ("id", "app_id", "person_id", "session_name")
        ),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in ("created_at", "next_at")),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_logout_notices"),
        sa.ForeignKeyConstraint(["app_id"], ["apps.id"], name="fk_logout_notices_app_id"),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name="fk_logout_notices_person_id", ondelete="CASCADE"
        ),
    )
    for column in ("app_id", "person_id", "next_at"):
        op.create_index(f"ix_logout_notices_{column}", "logout_notices", [column])


def downgrade() -> None:
    op.drop_table("logout_notices")

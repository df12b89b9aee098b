"""Tokens of dynamic client registration: initial ones, and one for each app that was registered so."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "initial_tokens",
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("id", "organisation_id", "environment")),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("token_hash", "last4")),
        sa.Column("left", sa.Integer(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_initial_tokens"),
        sa.UniqueConstraint("token_hash", name="uq_initial_tokens_token_hash"),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name="fk_initial_tokens_organisation_id"
        ),
    )
    op.create_index("ix_initial_tokens_organisation_id", "initial_tokens", ["organisation_id"])
    op.create_table(
        "registrations",
        sa.Column("app_id", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("app_id", name="pk_registrations"),
        sa.UniqueConstraint("token_hash", name="uq_registrations_token_hash"),
        sa.ForeignKeyConstraint(["app_id"], ["apps.id"], name="fk_registrations_app_id"),
    )


def downgrade() -> None:
    op.drop_table("registrations")
    op.drop_table("initial_tokens")

"""Second factors, the steps of a sign-in, and what a session says about how its person was authenticated."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0012"
branch_labels = None
depends_on = None


def _of_person() -> sa.Column[str]:
    return sa.Column("person_id", sa.Text(), nullable=False)


def _person_key(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["person_id"], ["people.id"], name=f"fk_{table}_person_id", ondelete="CASCADE"
    )


def upgrade() -> None:
    op.add_column("sessions", sa.Column("id", sa.Text(), nullable=True))
    op.create_index("ix_sessions_id", "sessions", ["id"])
    for name in ("auth_time", "last_used_at"):
        op.add_column("sessions", sa.Column(name, sa.BigInteger(), nullable=False, server_default="0"))
    for name in ("amr", "acr", "ip", "agent", "provider", "provider_session"):
        op.add_column("sessions", sa.Column(name, sa.Text(), nullable=False, server_default=""))
    op.add_column(
        "personal_tokens",
        sa.Column("multi_factor", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.create_table(
        "sign_ins",
        sa.Column("id_hash", sa.Text(), nullable=False),
        _of_person(),
        sa.Column("amr", sa.Text(), nullable=False),
        sa.Column("tries", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id_hash", name="pk_sign_ins"),
        _person_key("sign_ins"),
    )
    op.create_index("ix_sign_ins_person_id", "sign_ins", ["person_id"])
    op.create_index("ix_sign_ins_expires_at", "sign_ins", ["expires_at"])
    op.create_table(
        "one_time_codes",
        _of_person(),
        sa.Column("secret_encrypted", sa.LargeBinary(), nullable=False),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("confirmed_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("person_id", name="pk_one_time_codes"),
        _person_key("one_time_codes"),
    )
    op.create_table(
        "recovery_codes",
        sa.Column("code_hash", sa.Text(), nullable=False),
        _of_person(),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("code_hash", name="pk_recovery_codes"),
        _person_key("recovery_codes"),
    )
    op.create_index("ix_recovery_codes_person_id", "recovery_codes", ["person_id"])
    op.create_table(
        "single_use",
        sa.Column("key_hash", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key_hash", name="pk_single_use"),
    )
    op.create_index("ix_single_use_expires_at", "single_use", ["expires_at"])


def downgrade() -> None:
    for table in ("single_use", "recovery_codes", "one_time_codes", "sign_ins"):
        op.drop_table(table)
    op.drop_column("personal_tokens", "multi_factor")
    for name in ("provider_session", "provider", "agent", "ip", "acr", "amr", "last_used_at", "auth_time"):
        op.drop_column("sessions", name)
    op.drop_index("ix_sessions_id", "sessions")
    op.drop_column("sessions", "id")

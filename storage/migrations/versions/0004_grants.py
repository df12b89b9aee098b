"""What people allow apps: consents, grants with their codes and refresh tokens, pushed requests, device codes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    grants()
    issued_on_grants()
    consents()
    requests()


def downgrade() -> None:
    for table in (
        *("device_codes", "pushed_requests", "consents", "refresh_tokens", "authorization_codes", "grants"),
    ):
        op.drop_table(table)


def text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=nullable)


def number(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=nullable)


def refers(table: str, column: str, to: str, ondelete: str | None = None) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{to}.id"], name=f"fk_{table}_{column}", ondelete=ondelete)


def index(table: str, *columns: str) -> None:
    for column in columns:
        op.create_index(f"ix_{table}_{column}", table, [column])


def grants() -> None:
    op.create_table(
        "grants",
        *(text("id"), text("app_id"), text("person_id"), text("scope"), text("resource")),
        *(text("session_hash"), text("acr"), text("amr"), number("auth_time")),
        *(sa.Column("ends_with_session", sa.Boolean(), nullable=False), number("created_at")),
        *(number("expires_at"), number("revoked_at", nullable=True), text("revoked_for", nullable=True)),
        sa.PrimaryKeyConstraint("id", name="pk_grants"),
        refers("grants", "app_id", "apps"),
        refers("grants", "person_id", "people", "CASCADE"),
    )
    index("grants", "app_id", "person_id", "session_hash", "expires_at", "revoked_at")


def issued_on_grants() -> None:
    op.create_table(
        "authorization_codes",
        *(text("code_hash"), text("grant_id"), text("redirect_uri"), text("challenge")),
        *(text("nonce", nullable=True), text("dpop_jkt", nullable=True)),
        *(number("expires_at"), number("used_at", nullable=True)),
        sa.PrimaryKeyConstraint("code_hash", name="pk_authorization_codes"),
        refers("authorization_codes", "grant_id", "grants", "CASCADE"),
    )
    index("authorization_codes", "grant_id")
    op.create_table(
        "refresh_tokens",
        *(text("token_hash"), text("grant_id"), text("dpop_jkt"), number("created_at"), number("expires_at")),
        number("used_at", nullable=True),
        sa.PrimaryKeyConstraint("token_hash", name="pk_refresh_tokens"),
        refers("refresh_tokens", "grant_id", "grants", "CASCADE"),
    )
    index("refresh_tokens", "grant_id")


def consents() -> None:
    op.create_table(
        "consents",
        *(text("id"), text("person_id"), text("app_id"), text("scope"), number("given_at")),
        *(number("expires_at"), number("withdrawn_at", nullable=True)),
        sa.PrimaryKeyConstraint("id", name="pk_consents"),
        refers("consents", "person_id", "people", "CASCADE"),
        refers("consents", "app_id", "apps"),
    )
    index("consents", "person_id", "app_id")
    in_force = sa.text("withdrawn_at IS NULL")
    op.create_index(
        "uq_consents_in_force",
        "consents",
        ["person_id", "app_id"],
        unique=True,
        sqlite_where=in_force,
        postgresql_where=in_force,
    )


def requests() -> None:
    op.create_table(
        "pushed_requests",
        *(text("uri_hash"), text("app_id"), text("parameters"), number("created_at"), number("expires_at")),
        *(number("opened_at", nullable=True), number("used_at", nullable=True)),
        sa.PrimaryKeyConstraint("uri_hash", name="pk_pushed_requests"),
        refers("pushed_requests", "app_id", "apps"),
    )
    index("pushed_requests", "app_id", "expires_at")
    op.create_table(
        "device_codes",
        *(text("device_hash"), text("user_code_hash"), text("app_id"), text("scope"), text("resource")),
        *(text("state"), number("created_at"), number("expires_at")),
        sa.Column("interval", sa.Integer(), nullable=False),
        *(number("polled_at", nullable=True), text("grant_id", nullable=True)),
        sa.PrimaryKeyConstraint("device_hash", name="pk_device_codes"),
        sa.UniqueConstraint("user_code_hash", name="uq_device_codes_user_code_hash"),
        refers("device_codes", "app_id", "apps"),
        refers("device_codes", "grant_id", "grants", "CASCADE"),
    )
    index("device_codes", "app_id", "expires_at", "grant_id")

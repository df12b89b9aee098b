"""What an app is as an OAuth client: one row of client metadata for each app that is more than the usual."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "clients",
        *(text("app_id"), text("profile"), text("auth_method"), text("auth_signing_alg", nullable=True)),
        text("application_type"),
        *(text(name) for name in ("redirect_uris", "post_logout_redirect_uris")),
        *(text(name) for name in ("grant_types", "response_types")),
        *(text(name, nullable=True) for name in ("scopes", "jwks", "jwks_uri")),
        *(text(name, nullable=True) for name in ("tls_client_auth_name", "tls_client_auth_value")),
        flag("dpop_bound_access_tokens"),
        flag("tls_client_certificate_bound_access_tokens"),
        flag("require_pushed_authorization_requests"),
        text("id_token_signed_response_alg"),
        text("backchannel_logout_uri", nullable=True),
        flag("backchannel_logout_session_required"),
        *(text(name, nullable=True) for name in ("client_uri", "logo_uri", "tos_uri", "policy_uri")),
        text("contacts"),
        *(text(name, nullable=True) for name in ("software_id", "software_version")),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("app_id", name="pk_clients"),
        sa.ForeignKeyConstraint(["app_id"], ["apps.id"], name="fk_clients_app_id"),
    )


def text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=nullable)


def flag(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean(), nullable=False)


def downgrade() -> None:
    op.drop_table("clients")

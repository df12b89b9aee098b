"""The first form: people, organisations, apps and their access, the usage ledger, the audit log.

The append-only rules of the audit log are triggers, which the tables' definitions in `storage` cannot say.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    changes()
    people()
    organisations()
    apps()
    subscriptions()
    signing_keys()
    usage()
    audit()
    if op.get_bind().dialect.name == "sqlite":
        append_only_on_sqlite()
    else:
        append_only_on_postgresql()


def downgrade() -> None:
    for table in (
        *("audit_head", "audit", "usage", "signing_keys", "subscriptions", "revocations", "credentials"),
        *("apps", "members", "organisations", "personal_tokens", "sessions", "people", "changes"),
    ):
        op.drop_table(table)
    if op.get_bind().dialect.name != "sqlite":
        op.execute("DROP FUNCTION audit_refuse()")
        op.execute("DROP FUNCTION audit_next()")
        op.execute("DROP FUNCTION audit_head_step()")


def text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=nullable)


def number(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=nullable)


def key(table: str, *columns: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint(*columns, name=f"pk_{table}")


def unique(table: str, column: str) -> sa.UniqueConstraint:
    return sa.UniqueConstraint(column, name=f"uq_{table}_{column}")


def refers(table: str, column: str, to: str, ondelete: str | None = None) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{to}.id"], name=f"fk_{table}_{column}", ondelete=ondelete)


def index(table: str, *columns: str) -> None:
    op.create_index(f"ix_{table}_{'_'.join(columns)}", table, list(columns))


def unique_where(name: str, table: str, columns: list[str], where: str) -> None:
    condition = sa.text(where)
    op.create_index(name, table, columns, unique=True, sqlite_where=condition, postgresql_where=condition)


def changes() -> None:
    op.create_table(
        "changes",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        number("version"),
        number("changed_ms"),
        sa.CheckConstraint("id = 1", name="ck_changes_one_row"),
        key("changes", "id"),
    )
    op.execute("INSERT INTO changes (id, version, changed_ms) VALUES (1, 0, 0)")


def people() -> None:
    op.create_table(
        "people",
        *(text("id"), text("email"), text("name"), text("password_hash")),
        sa.Column("operator", sa.Boolean(), nullable=False),
        *(text("language"), number("created_at"), number("disabled_at", nullable=True)),
        *(key("people", "id"), unique("people", "email")),
    )
    op.create_table(
        "sessions",
        *(text("id_hash"), text("person_id"), text("csrf"), number("created_at"), number("expires_at")),
        key("sessions", "id_hash"),
        refers("sessions", "person_id", "people", "CASCADE"),
    )
    index("sessions", "person_id")
    index("sessions", "expires_at")
    op.create_table(
        "personal_tokens",
        *(text("id"), text("person_id"), text("name"), text("token_hash"), text("last4")),
        *(number("created_at"), number("expires_at", nullable=True), number("revoked_at", nullable=True)),
        *(key("personal_tokens", "id"), unique("personal_tokens", "token_hash")),
        refers("personal_tokens", "person_id", "people", "CASCADE"),
    )
    index("personal_tokens", "person_id")


def organisations() -> None:
    op.create_table(
        "organisations",
        *(text("id"), text("name"), text("name_key"), text("number"), text("type")),
        *(number("created_at"), number("disabled_at", nullable=True)),
        *(key("organisations", "id"), unique("organisations", "name_key")),
    )
    op.create_table(
        "members",
        *(text("organisation_id"), text("person_id"), text("role"), number("created_at")),
        key("members", "organisation_id", "person_id"),
        refers("members", "organisation_id", "organisations"),
        refers("members", "person_id", "people", "CASCADE"),
    )
    index("members", "person_id")


def apps() -> None:
    op.create_table(
        "apps",
        *(text("id"), text("organisation_id"), text("name"), text("environment"), text("client_id")),
        *(text("state"), number("tokens_valid_from"), number("created_at")),
        *(key("apps", "id"), unique("apps", "client_id")),
        refers("apps", "organisation_id", "organisations"),
    )
    index("apps", "organisation_id")
    op.create_table(
        "credentials",
        *(text("id"), text("app_id"), text("kind"), text("secret_hash"), text("last4"), number("created_at")),
        *(number(name, nullable=True) for name in ("expires_at", "revoked_at", "last_used_at")),
        *(key("credentials", "id"), unique("credentials", "secret_hash")),
        refers("credentials", "app_id", "apps"),
    )
    index("credentials", "app_id")
    op.create_table(
        "revocations",
        *(text("jti"), text("app_id"), number("expires_at"), number("revoked_at"), text("reason")),
        *(key("revocations", "jti"), refers("revocations", "app_id", "apps")),
    )
    index("revocations", "app_id")
    index("revocations", "expires_at")


def subscriptions() -> None:
    op.create_table(
        "subscriptions",
        *(text("id"), text("organisation_id"), text("app_id"), text("api"), text("plan")),
        sa.Column("plan_version", sa.Integer(), nullable=False),
        *(text("state"), number("created_at"), number("changed_at")),
        key("subscriptions", "id"),
        refers("subscriptions", "organisation_id", "organisations"),
        refers("subscriptions", "app_id", "apps"),
    )
    index("subscriptions", "organisation_id")
    index("subscriptions", "app_id")
    index("subscriptions", "state")
    unique_where("uq_subscriptions_open", "subscriptions", ["app_id", "api"], "state != 'closed'")


def signing_keys() -> None:
    op.create_table(
        "signing_keys",
        *(text("kid"), text("algorithm"), text("public_jwk")),
        sa.Column("private_encrypted", sa.LargeBinary(), nullable=False),
        *(text("state"), number("created_at"), number("changed_at")),
        key("signing_keys", "kid"),
    )
    unique_where("uq_signing_keys_active", "signing_keys", ["state"], "state = 'active'")


def usage() -> None:
    identity = ("source", "hour", "subscription_id", "operation", "outcome", "plan", "plan_version")
    op.create_table(
        "usage",
        *(text("source"), number("hour"), text("subscription_id"), text("operation"), text("outcome")),
        *(text("plan"), sa.Column("plan_version", sa.Integer(), nullable=False)),
        *(text("organisation_id"), text("app_id"), text("api"), number("units"), number("calls")),
        key("usage", *identity),
    )
    index("usage", "organisation_id", "hour")
    index("usage", "subscription_id", "hour")


def audit() -> None:
    op.create_table(
        "audit",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        *(number("at"), text("actor_kind"), text("actor_id"), text("act"), text("object_kind")),
        *(text("object_id"), text("organisation_id", nullable=True), text("request_id"), text("ip")),
        *(text("before", nullable=True), text("after", nullable=True), text("hash")),
        key("audit", "seq"),
    )
    index("audit", "organisation_id")
    op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        *(number("seq"), text("hash")),
        sa.CheckConstraint("id = 1", name="ck_audit_head_one_row"),
        key("audit_head", "id"),
    )
    op.execute(f"INSERT INTO audit_head (id, seq, hash) VALUES (1, 0, '{'0' * 64}')")  # noqa: S608


def append_only_on_sqlite() -> None:
    refused = "SELECT RAISE(ABORT, 'the audit log is append-only')"
    follows = "NEW.seq <> (SELECT seq FROM audit_head) + 1"
    for name, when in (
        ("audit_no_update", "BEFORE UPDATE ON audit"),
        ("audit_no_delete", "BEFORE DELETE ON audit"),
        ("audit_no_gap", f"BEFORE INSERT ON audit WHEN {follows}"),
        ("audit_head_no_delete", "BEFORE DELETE ON audit_head"),
        ("audit_head_no_insert", "BEFORE INSERT ON audit_head"),
        ("audit_head_forward", "BEFORE UPDATE ON audit_head WHEN NEW.seq <> OLD.seq + 1 OR NEW.id <> 1"),
    ):
        op.execute(f"CREATE TRIGGER {name} {when} BEGIN {refused}; END")


def append_only_on_postgresql() -> None:
    for name, condition in (
        ("audit_refuse", "TRUE"),
        ("audit_next", "NEW.seq <> (SELECT seq FROM audit_head) + 1"),
        ("audit_head_step", "NEW.seq <> OLD.seq + 1"),
    ):
        op.execute(
            f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"IF {condition} THEN RAISE EXCEPTION 'the audit log is append-only' "
            f"USING ERRCODE = 'integrity_constraint_violation'; END IF; RETURN NEW; END $$"
        )
    for name, when, function in (
        ("audit_no_change", "BEFORE UPDATE OR DELETE ON audit FOR EACH ROW", "audit_refuse"),
        ("audit_no_truncate", "BEFORE TRUNCATE ON audit FOR EACH STATEMENT", "audit_refuse"),
        ("audit_no_gap", "BEFORE INSERT ON audit FOR EACH ROW", "audit_next"),
        ("audit_head_no_change", "BEFORE INSERT OR DELETE ON audit_head FOR EACH ROW", "audit_refuse"),
        ("audit_head_no_truncate", "BEFORE TRUNCATE ON audit_head FOR EACH STATEMENT", "audit_refuse"),
        ("audit_head_forward", "BEFORE UPDATE ON audit_head FOR EACH ROW", "audit_head_step"),
    ):
        op.execute(f"CREATE TRIGGER {name} {when} EXECUTE FUNCTION {function}()")

"""Fetches as streams: blocks of rows, absences, HKID digests to search by; brakes of the last day; half-written
entries; where the next look for drift begins.

Revision ID: 0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_INSTANT = sa.String(32).with_variant(sa.String(32, collation="C"), "postgresql")
_WORD = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "registry_block",
        sa.Column("source", _WORD, primary_key=True),
        sa.Column("digest", sa.LargeBinary(16), primary_key=True),
        sa.Column("settled", sa.Boolean, nullable=False),
        sa.Column("rows", sa.LargeBinary, nullable=False),
    )
    op.create_index("ix_registry_block_settled", "registry_block", ["source", "settled", "digest"])
    op.create_table(
        "absence",
        sa.Column("source", _WORD, primary_key=True),
        sa.Column("student_id", _WORD, primary_key=True),
        sa.Column("programme", _WORD, primary_key=True),
        sa.Column("since_on", sa.Date, nullable=False),
        sa.Column("fetches", sa.Integer, nullable=False),
    )
    op.create_index("ix_absence_student_id", "absence", ["student_id"])
    op.create_table(
        "brake_weight",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("at", _INSTANT, nullable=False, index=True),
        sa.Column("brake", _WORD, nullable=False),
        sa.Column("weight", sa.Integer, nullable=False),
    )
    op.create_table(
        "drift_mark",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("watermark", sa.Text, nullable=False),
    )
    op.add_column("fetch", sa.Column("etag", sa.Text, nullable=True))
    op.add_column("fetch", sa.Column("watermark", sa.Text, nullable=True))
    op.add_column("record", sa.Column("hkid_digest", _WORD, nullable=True))
    if op.get_bind().dialect.name == "sqlite":  # ledgers on a server begin later than this version
        op.execute("UPDATE record SET hkid_digest = json_extract(content, '$.hkid_digest')")
    op.create_index("ix_record_hkid_digest", "record", ["source", "hkid_digest"])
    op.add_column("held_plan", sa.Column("approved_at", _INSTANT, nullable=True))
    op.add_column("account", sa.Column("unfinished", sa.Boolean, nullable=False, server_default=sa.false()))
    op.create_index("ix_account_unfinished", "account", ["unfinished"])


def downgrade() -> None:
    for index, table in (
        ("ix_account_unfinished", "account"),
        ("ix_record_hkid_digest", "record"),
        ("ix_absence_student_id", "absence"),
    ):
        op.drop_index(index, table)
    for table, column in (
        ("account", "unfinished"),
        ("held_plan", "approved_at"),
        ("record", "hkid_digest"),
        ("fetch", "watermark"),
        ("fetch", "etag"),
    ):
        op.drop_column(table, column)
    for name in ("drift_mark", "brake_weight", "absence", "registry_block"):
        op.drop_table(name)

"""Records put aside for students without an account, and the outline of a file.

Revision ID: 0005
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_WORD = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "aside",
        sa.Column("source", _WORD, primary_key=True),
        sa.Column("student_id", _WORD, primary_key=True, index=True),
        sa.Column("programme", _WORD, primary_key=True),
        sa.Column("content", sa.JSON, nullable=False),
    )
    op.add_column("fetch", sa.Column("outline", sa.LargeBinary, nullable=True))


def downgrade() -> None:
    op.drop_column("fetch", "outline")
    op.drop_table("aside")

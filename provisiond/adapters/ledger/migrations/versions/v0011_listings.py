"""What persons choose for themselves: contact details, a display name, aliases of their address.

Revision ID: 0011
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_INSTANT = sa.String(32).with_variant(sa.String(32, collation="C"), "postgresql")
_WORD = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    op.add_column("account", sa.Column("display_name", sa.Text, nullable=True))
    op.create_table(
        "alias",
        sa.Column("value", _WORD, sa.ForeignKey("identifier.value"), primary_key=True),
        sa.Column("person_id", _WORD, sa.ForeignKey("account.person_id"), nullable=False),
        sa.Column("written", _WORD, nullable=False),
        sa.Column("given_at", _INSTANT, nullable=False),
    )
    op.create_index("ix_alias_person_id", "alias", ["person_id"])
    op.create_table(
        "contact_detail",
        sa.Column("person_id", _WORD, sa.ForeignKey("account.person_id"), primary_key=True),
        sa.Column("field", _WORD, primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("audience", _WORD, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("contact_detail")
    op.drop_index("ix_alias_person_id", "alias")
    op.drop_table("alias")
    op.drop_column("account", "display_name")

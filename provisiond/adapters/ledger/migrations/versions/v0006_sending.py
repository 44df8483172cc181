"""How often and when a notice was given to a mail server, under which Message-ID, when it is tried again.

Revision ID: 0006
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_INSTANT = sa.String(32).with_variant(sa.String(32, collation="C"), "postgresql")
_WORD = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    op.add_column("outbox", sa.Column("attempts", sa.Integer, nullable=False, server_default="0"))
    op.add_column("outbox", sa.Column("doubts", sa.Integer, nullable=False, server_default="0"))
    op.add_column("outbox", sa.Column("next_try_at", _INSTANT, nullable=True))
    op.add_column("outbox", sa.Column("tried_at", _INSTANT, nullable=True))
    op.add_column("outbox", sa.Column("message_id", _WORD, nullable=True))
    op.add_column("outbox", sa.Column("sent_to", _WORD, nullable=True))
    op.add_column("outbox", sa.Column("untold", sa.Boolean, nullable=False, server_default=sa.false()))
    only = sa.text("untold")
    op.create_index("ix_outbox_untold", "outbox", ["untold"], sqlite_where=only, postgresql_where=only)
    op.create_index("ix_outbox_tried_at", "outbox", ["tried_at"])
    op.create_index("ix_outbox_message_id", "outbox", ["message_id"])


def downgrade() -> None:
    op.drop_index("ix_outbox_untold", "outbox")
    op.drop_index("ix_outbox_message_id", "outbox")
    op.drop_index("ix_outbox_tried_at", "outbox")
    for column in ("untold", "sent_to", "message_id", "tried_at", "next_try_at", "doubts", "attempts"):
        op.drop_column("outbox", column)

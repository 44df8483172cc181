"""The portal: acceptances, second factors, recovery codes, single-use codes; proofs of students without an account.

Revision ID: 0010
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_INSTANT = sa.String(32).with_variant(sa.String(32, collation="C"), "postgresql")
_WORD = sa.String().with_variant(sa.String(collation="C"), "postgresql")
_ONE_OF_A_KIND = {
    "ix_second_factor_pending": sa.text("confirmed_at IS NULL AND retired_at IS NULL"),
    "ix_second_factor_confirmed": sa.text("confirmed_at IS NOT NULL AND retired_at IS NULL"),
}


def _person(*, primary_key: bool = False) -> sa.Column[str]:
    reference = sa.ForeignKey("account.person_id")
    return sa.Column("person_id", _WORD, reference, nullable=False, primary_key=primary_key)


def upgrade() -> None:
    op.create_table(
        "acceptance",
        sa.Column("id", sa.Integer, primary_key=True),
        _person(),
        sa.Column("version", _WORD, nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
    )
    op.create_index("ix_acceptance_person_id", "acceptance", ["person_id"])
    _create_factors()
    op.create_table(
        "ticket",
        _person(primary_key=True),
        sa.Column("kind", _WORD, primary_key=True),
        sa.Column("digest", _WORD, nullable=False),
        sa.Column("issued_at", _INSTANT, nullable=False),
        sa.Column("from_at", _INSTANT, nullable=True),
        sa.Column("until_at", _INSTANT, nullable=False),
        sa.Column("issued_by", sa.JSON, nullable=False),
        sa.Column("used_at", _INSTANT, nullable=True),
    )
    op.create_table(
        "unserved",
        sa.Column("student_id", _WORD, primary_key=True),
        sa.Column("person_id", _WORD, nullable=False),
        sa.Column("problem", _WORD, nullable=False),
        sa.Column("hkid_digests", sa.Text, nullable=False),
        sa.Column("birth_digests", sa.Text, nullable=False),
    )
    op.create_index("ix_unserved_person_id", "unserved", ["person_id"])


def _create_factors() -> None:
    op.create_table(
        "second_factor",
        sa.Column("id", sa.Integer, primary_key=True),
        _person(),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("begun_at", _INSTANT, nullable=False),
        sa.Column("confirmed_at", _INSTANT, nullable=True),
        sa.Column("retired_at", _INSTANT, nullable=True),
        sa.Column("last_step", sa.BigInteger, nullable=False),
    )
    for name, which in _ONE_OF_A_KIND.items():
        op.create_index(
            name, "second_factor", ["person_id"], unique=True, sqlite_where=which, postgresql_where=which
        )
    op.create_table(
        "recovery_set",
        _person(primary_key=True),
        sa.Column("salt", sa.LargeBinary, nullable=False),
        sa.Column("made_at", _INSTANT, nullable=False),
    )
    op.create_table(
        "recovery_code",
        _person(primary_key=True),
        sa.Column("digest", sa.LargeBinary, primary_key=True),
    )


def downgrade() -> None:
    op.drop_index("ix_unserved_person_id", "unserved")
    for table in ("unserved", "ticket", "recovery_code", "recovery_set"):
        op.drop_table(table)
    for name in _ONE_OF_A_KIND:
        op.drop_index(name, "second_factor")
    op.drop_table("second_factor")
    op.drop_index("ix_acceptance_person_id", "acceptance")
    op.drop_table("acceptance")

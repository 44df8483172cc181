"""Where the access rules of `directory init` stand among those of others."""

from __future__ import annotations

import pytest

from provisiond.adapters.directory.setup import rules_first
from provisiond.domain.changes import Mod, Op

FIRST, SECOND, LAST = OURS = ("to a by x read", "to b by x write", "to * by y read")
STAFF, OLD, THEIRS = "to dn.subtree=staff by x write", "to an.old.one by x read", "to c by z none"

OFFERED = Mod(Op.ADD, "olcAccess", OURS)
WHOLE = [FIRST, SECOND, LAST]


def order(there: list[str]) -> list[str]:
    """What is there then, without numbers."""
    made = rules_first(OFFERED, there)
    assert [value.partition("}")[0] for value in made.values] == [f"{{{n}" for n in range(len(made.values))]
    return [value.partition("}")[2] for value in made.values] or there


@pytest.mark.parametrize(
    ("there", "then"),
    [
        ([], WHOLE),
        (WHOLE, WHOLE),
        ([THEIRS], [*WHOLE, THEIRS]),
        ([LAST, SECOND, FIRST], WHOLE),
        ([FIRST, SECOND, STAFF, LAST], [FIRST, SECOND, STAFF, LAST]),
        ([SECOND, STAFF, LAST, THEIRS], [FIRST, SECOND, STAFF, LAST, THEIRS]),
        ([STAFF, FIRST, SECOND, LAST], [*WHOLE, STAFF]),
        ([FIRST, OLD, SECOND, STAFF, LAST], [FIRST, SECOND, STAFF, LAST, OLD]),
        ([OLD, THEIRS], [*WHOLE, OLD, THEIRS]),
    ],
)
def test_ours_come_first_and_what_was_put_before_the_last_one_stays(
    there: list[str], then: list[str]
) -> None:
    """Once more changes nothing."""
    assert order(there) == then
    assert rules_first(OFFERED, then).values == ()


def test_spaces_make_no_other_rule() -> None:
    assert rules_first(OFFERED, ["to a  by x read", *OURS[1:]]).values == ()

"""What every Ledger does with accounts that it did not make: knows them for ever, gives none of their names away."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from provisiond.domain.changes import AdoptEntry
from provisiond.domain.errors import RejectedError
from provisiond.domain.model import Hold, HoldKind, NoticeStatus, State
from provisiond.domain.plan import Identity
from provisiond.domain.takeover import Takeover
from provisiond.ports import Ledger
from tests.rigs.ledgers import AT, DOMAIN, KINDS, LATER, TODAY, committed, events, opened
from tests.rigs.steps import a_notice, a_record, a_step

LOCK = Hold(HoldKind.LOCK, AT, None, "found locked", "rebuild")
FREEZE = Hold(HoldKind.FREEZE, AT, None, "not finished", "somebody")


@pytest.fixture(params=KINDS)
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ledger]:
    with opened(request, tmp_path) as ledger:
        yield ledger


def a_takeover(number: int = 1, **other: object) -> Takeover:
    facts: dict[str, object] = {
        "person_id": f"person-{number}",
        "student_id": f"S{number:07}",
        "identity": Identity(f"Name{number}", 20000 + number),
        "state": State.ACTIVE,
        "applied": True,
        "activated_at": AT,
        "unlisted": True,
        "holds": (LOCK,),
        "told": (a_notice(number),),
        "aliases": (),
    }
    return Takeover(**(facts | other))  # type: ignore[arg-type]


def taken(ledger: Ledger, *wanted: Takeover) -> list[str]:
    return [parked.reason for parked in ledger.take_over(wanted, "rebuilt", "somebody", AT)]


def test_an_account_is_taken_over_whole(ledger: Ledger) -> None:
    assert taken(ledger, a_takeover()) == []
    account = ledger.find("name1")
    assert account is not None
    assert (account.person_id, account.student_id, account.account_name) == ("person-1", "S0000001", "Name1")
    assert (account.uid_number, account.state, account.applied) == (20001, State.ACTIVE, True)
    assert (account.activated_at, account.unlisted, account.holds) == (AT, True, (LOCK,))
    assert [(item.status, item.notice.key) for item in account.outbox] == [
        (NoticeStatus.ACCEPTED, "person-1:created")
    ]
    assert events(ledger, "person-1") == ["rebuilt"]
    assert ledger.next_uid_number(1) == 20002
    assert ledger.verify_history() is None


def test_once_more_changes_nothing(ledger: Ledger) -> None:
    taken(ledger, a_takeover())
    assert taken(ledger, a_takeover()) == []
    assert events(ledger) == ["rebuilt"]


def test_what_was_given_to_another_is_not_taken(ledger: Ledger) -> None:
    taken(ledger, a_takeover())
    same_name = a_takeover(2, identity=Identity("nAME1", 2))
    same_number = a_takeover(3, identity=Identity("other", 20001))
    same_student = a_takeover(4, student_id="S0000001")
    fine = a_takeover(5)
    reasons = taken(ledger, same_name, same_number, same_student, fine, replace(fine, person_id="x"))
    words = ("the name", "the uid number", "the account of student", "the name")
    assert [reason.startswith(begin) for reason, begin in zip(reasons, words, strict=True)] == [True] * 4
    assert ledger.find("name5") is not None


def test_names_are_kept_for_ever_whoever_has_them(ledger: Ledger) -> None:
    taken(ledger, a_takeover(1), a_takeover(2))
    names = [("Alias", "person-1"), ("printer", None), ("ghost", "nobody"), ("name2", "person-1")]
    ledger.keep_names(names, AT)
    ledger.keep_names(names, LATER)
    assert set(ledger.identifiers()) == {"name1", "name2", "alias", "printer", "ghost"}
    assert ledger.names_with_prefixes(["p", "gh", "al"]) == {
        "p": {"printer"},
        "gh": {"ghost"},
        "al": {"alias"},
    }
    for name, owner in (("alias", "person-1"), ("name2", "person-2")):
        account = ledger.find(name)
        assert account and account.person_id == owner
    assert ledger.find("printer") is None


def test_notices_of_before_are_accepted_and_never_decided_again(ledger: Ledger) -> None:
    person = committed(ledger, 7)
    ledger.told_before([a_notice(7)], "told before", AT)
    ledger.told_before([a_notice(7)], "told again", LATER)
    step = a_step(7, new=False, notices=(a_notice(7),))
    ledger.commit([step], {}, LATER)
    (item,) = ledger.load([person])[person].outbox
    assert (item.status, item.settled_at, item.reply) == (NoticeStatus.ACCEPTED, AT, "told before")


def test_an_adoption_is_due_until_it_is_committed_and_then_free(ledger: Ledger) -> None:
    wanted = a_takeover(applied=False, holds=(FREEZE,))
    taken(ledger, wanted)
    assert list(ledger.due_students(TODAY)) == ["S0000001"]
    change = AdoptEntry("account", "uid=name1,ou=staff", "person-1", ())
    step = replace(a_step(1, to_state=State.ACTIVE), identity=wanted.identity, changes=(change,))
    ledger.commit([step], {"person-1": [a_record(1)]}, LATER)
    account = ledger.find("name1")
    assert account and account.applied and account.holds == ()
    assert list(ledger.due_students(TODAY)) == []


def test_a_freeze_that_no_adoption_set_stays(ledger: Ledger) -> None:
    person = committed(ledger, 1)
    ledger.hold(person, FREEZE)
    ledger.commit([a_step(1, new=False)], {}, LATER)
    assert ledger.load([person])[person].holds == (FREEZE,)


def test_only_an_empty_ledger_is_rebuilt_and_an_interrupted_rebuild_goes_on(ledger: Ledger) -> None:
    assert not ledger.is_half_rebuilt()
    ledger.begin_rebuild("somebody", AT)
    taken(ledger, a_takeover())
    ledger.begin_rebuild("somebody", LATER)
    assert ledger.is_half_rebuilt()
    ledger.end_rebuild("somebody", LATER)
    assert not ledger.is_half_rebuilt()
    with pytest.raises(RejectedError, match="knows accounts already"):
        ledger.begin_rebuild("somebody", LATER)
    assert ledger.reserve([a_step(9)], DOMAIN, LATER) == []

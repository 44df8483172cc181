"""Whether a claim is true: one answer to all that is not, by the same work, and never too often."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

import pytest
from prometheus_client import generate_latest

from provisiond.adapters.digests import Digests
from provisiond.portal.activation.attempts import Attempts, within
from provisiond.portal.activation.claims import Claim, Evidence, birth_claim, hkid_claim
from provisiond.portal.activation.identity import Identified, IdentityCheck, NotIdentified, Wait
from provisiond.portal_monitoring import PortalMetrics
from provisiond.ports.portal import Proofs
from tests.rigs.lives import TODAY, noon
from tests.rigs.portal_throttle import PlainThrottle

DIGESTS = Digests(b"k" * 32)
BORN_ON = date(2005, 3, 9)
PROOFS = Proofs(
    "20000001", "p1", frozenset({DIGESTS.hkid("A1234563")}), frozenset({DIGESTS.birth(BORN_ON)}), None
)
RIGHT = hkid_claim("20000001", "a123456(3)")


@dataclass
class Written:
    """A ledger that knows these, and writes down what it was asked."""

    known: dict[str, Proofs] = field(default_factory=lambda: {PROOFS.student_id: PROOFS})
    asked: list[str] = field(default_factory=list)

    def proofs(self, student_id: str) -> Proofs | None:
        self.asked.append(student_id)
        return self.known.get(student_id)


@dataclass
class Door:
    ledger: Written = field(default_factory=Written)
    throttle: PlainThrottle = field(default_factory=PlainThrottle)
    at: datetime = field(default_factory=noon)
    tally: PortalMetrics = field(default_factory=PortalMetrics)

    def judge(
        self, claim: Claim, address: str = "192.0.2.1", conclusive: bool = True
    ) -> Identified | NotIdentified | Wait:
        attempts = Attempts(self.throttle, DIGESTS, "identity", person_wide=False, tally=self.tally)
        return IdentityCheck(self.ledger, DIGESTS, attempts).judge(claim, address, self.at, conclusive)


@pytest.mark.parametrize(
    ("claim", "evidence"),
    [
        (RIGHT, Evidence.HKID),
        (birth_claim("2000 0001", "9", "3", "2005", TODAY), Evidence.BIRTH),
    ],
)
def test_what_is_true_identifies(claim: Claim, evidence: Evidence) -> None:
    assert Door().judge(claim) == Identified(PROOFS, evidence)


WRONG: dict[str, Claim] = {
    "unknown student": hkid_claim("29999999", "A123456(3)"),
    "wrong number": hkid_claim("20000001", "C123456(9)"),
    "wrong check digit": hkid_claim("20000001", "A123456(4)"),
    "no number": hkid_claim("20000001", "x' OR 1=1 --"),
    "nothing": hkid_claim("20000001", ""),
    "wrong date": birth_claim("20000001", "10", "3", "2005", TODAY),
    "no date": birth_claim("20000001", "31", "2", "2005", TODAY),
    "date of an unknown student": birth_claim("29999999", "9", "3", "2005", TODAY),
}


@pytest.mark.parametrize("why", WRONG)
def test_unknown_wrong_and_ill_formed_are_one_answer_by_the_same_work(why: str) -> None:
    door = Door()
    assert door.judge(WRONG[why]) == NotIdentified()
    assert len(door.ledger.asked) == 1
    assert door.throttle.calls == ["attempt"]


def test_a_record_without_number_is_proven_by_no_number() -> None:
    """A person without HKID has no digest of one; the empty claim must not fit the empty set."""
    door = Door(Written({"20000001": replace(PROOFS, hkid_digests=frozenset())}))
    assert door.judge(hkid_claim("20000001", "")) == NotIdentified()
    assert door.judge(RIGHT) == NotIdentified()


def test_any_of_several_records_proves() -> None:
    both = PROOFS.hkid_digests | {DIGESTS.hkid("C1234569")}
    door = Door(Written({"20000001": replace(PROOFS, hkid_digests=both)}))
    assert isinstance(door.judge(hkid_claim("20000001", "C123456(9)")), Identified)


def test_a_thirteenth_attempt_within_a_quarter_waits_even_if_it_were_right() -> None:
    door = Door(throttle=PlainThrottle(grows=False))
    for _ in range(12):
        door.judge(WRONG["wrong number"])
    asked = len(door.ledger.asked)
    assert isinstance(door.judge(RIGHT), Wait)
    assert len(door.ledger.asked) == asked
    door.at += timedelta(minutes=15)
    assert isinstance(door.judge(RIGHT), Identified)


def test_attempts_are_counted_by_what_became_of_them() -> None:
    """… and by nothing that could tell whose they were."""
    door = Door(throttle=PlainThrottle(grows=False))
    door.judge(RIGHT)
    for _ in range(12):
        door.judge(WRONG["wrong number"])
    counted = re.findall(
        r'tries_total{(.*purpose="identity".*)} (\S+)', generate_latest(door.tally.registry).decode()
    )
    assert dict(counted) == {
        'outcome="right",purpose="identity"': "1.0",
        'outcome="wrong",purpose="identity"': "11.0",
        'outcome="paused",purpose="identity"': "1.0",
        'outcome="besieged",purpose="identity"': "0.0",
    }


def test_a_stranger_who_fails_does_not_keep_the_person_out() -> None:
    door = Door()
    for _ in range(100):
        door.judge(WRONG["wrong number"], "198.51.100.7")
    assert isinstance(door.judge(RIGHT, "192.0.2.1"), Identified)


def test_who_is_besieged_from_many_addresses_must_show_something_else_too() -> None:
    """Nobody is locked out, and nobody guesses on: right and wrong answers both lead to the mailbox."""
    door = Door()
    for n in range(30):
        assert door.judge(WRONG["wrong number"], f"198.51.{n}.7") == NotIdentified()
    assert door.judge(WRONG["wrong number"], "203.0.113.1") == NotIdentified(besieged=True)
    assert door.judge(RIGHT) == Identified(PROOFS, Evidence.HKID, besieged=True)
    door.at += timedelta(days=1)
    assert door.judge(RIGHT) == Identified(PROOFS, Evidence.HKID)


def test_where_more_is_asked_for_pauses_tell_right_from_wrong_to_nobody() -> None:
    right, wrong = Door(), Door()
    for _ in range(20):
        answers = (right.judge(RIGHT, conclusive=False), wrong.judge(WRONG["wrong number"], conclusive=False))
        waits = [answer.delay if isinstance(answer, Wait) else None for answer in answers]
        assert waits[0] == waits[1]
    assert right.throttle.calls == wrong.throttle.calls


def test_a_new_address_is_let_in_whatever_others_do_to_a_log_in() -> None:
    throttle, at = PlainThrottle(), noon()
    attempts = Attempts(throttle, DIGESTS, "login")
    waits = [attempts.begin("tmchan", f"198.51.{n % 20}.7", at) for n in range(200)]
    assert any(waits)
    assert attempts.begin("tmchan", "192.0.2.1", at) is None


def test_unknown_students_are_counted_as_known_ones_are() -> None:
    door = Door()
    answers = [door.judge(WRONG["unknown student"]) for _ in range(20)]
    other = Door()
    assert answers == [other.judge(WRONG["wrong number"]) for _ in range(20)]


def test_failures_pause_longer_and_longer_until_it_is_right() -> None:
    door = Door()
    waits = []
    for _ in range(10):
        answer = door.judge(WRONG["wrong number"])
        waits.append(answer.delay if isinstance(answer, Wait) else timedelta())
    assert waits == sorted(waits)
    assert waits[-1] > timedelta()


def test_nothing_of_a_person_stands_in_a_key() -> None:
    door = Door()
    door.judge(WRONG["wrong number"])
    assert door.throttle.keys
    assert not any("20000001" in key or "192.0.2" in key for key in door.throttle.keys)


@pytest.mark.parametrize(
    ("address", "host", "network"),
    [
        ("192.0.2.77", "192.0.2.77/32", "192.0.2.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64", "2001:db8:1::/48"),
        ("::ffff:192.0.2.77", "192.0.2.77/32", "192.0.2.0/24"),
        ("", "", ""),
    ],
)
def test_an_address_stands_for_a_subscriber(address: str, host: str, network: str) -> None:
    assert (within(address, 64), within(address, 48)) == (host, network)

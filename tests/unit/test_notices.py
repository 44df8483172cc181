"""Where notices go, and what of a person's is told once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from provisiond.domain.delivery import other_address, void_code
from provisiond.domain.model import Notice, NoticeKind, Occurrence
from provisiond.domain.notices import addresses, operators_ticket
from tests.rigs.lives import TODAY, a_case, a_person, a_policy, an_account, decide, noon, the_only_step

OWN, PRIVATE = "tmchan@connect.example.edu", "tm@example.net"
POLICY = a_policy()


def a_notice(kind: NoticeKind, to: str) -> Notice:
    return Notice("key", "p20000001", kind, to, TODAY, None)


@pytest.mark.parametrize(
    ("kind", "to", "other"),
    [
        (NoticeKind.GRACE_BEGUN, OWN, PRIVATE),
        (NoticeKind.EXPIRY, OWN, PRIVATE),
        (NoticeKind.PASSWORD_CHANGED, PRIVATE, OWN),
        (NoticeKind.REINSTATED, PRIVATE, OWN),
        (NoticeKind.CREATED, PRIVATE, OWN),
    ],
)
def test_a_refused_notice_has_a_second_way(kind: NoticeKind, to: str, other: str) -> None:
    account = an_account(a_person(personal_mail=PRIVATE))
    assert other_address(a_notice(kind, to), to, account, "connect.example.edu") == other


def test_there_is_no_other_address_than_those_on_record() -> None:
    account = an_account(a_person(personal_mail=OWN.upper()))
    assert other_address(a_notice(NoticeKind.EXPIRY, OWN), OWN, account, "connect.example.edu") is None


def test_every_private_address_on_record_is_a_way_and_none_stands_twice() -> None:
    records = [a_person(personal_mail=mail) for mail in (PRIVATE, "b@example.net", PRIVATE.upper(), OWN)]
    assert addresses(NoticeKind.EXPIRY, OWN, records) == (OWN, PRIVATE, "b@example.net")
    assert addresses(NoticeKind.CREATED, OWN, records) == (PRIVATE, "b@example.net", OWN)
    assert addresses(NoticeKind.CREATED, OWN, [a_person(personal_mail=None)]) == (OWN,)


@pytest.mark.parametrize(
    "kind",
    [
        NoticeKind.PASSWORD_CHANGED,
        NoticeKind.SECOND_FACTOR_CHANGED,
        NoticeKind.RECOVERY_CODES_CHANGED,
        NoticeKind.RE_ENROLMENT_ISSUED,
    ],
)
def test_changed_credentials_are_told_to_the_private_address(kind: NoticeKind) -> None:
    """Whoever took the account over reads its own mailbox."""
    occurrence = Occurrence(kind, noon(), "by the person", "portal")
    account = an_account(a_person(personal_mail=PRIVATE), occurrences=(occurrence,))
    step = the_only_step(decide(a_case(accounts=[account]), POLICY).steps)
    assert [(n.kind, n.to) for n in step.notices] == [(kind, PRIVATE)]


def test_each_refusal_is_told_once() -> None:
    refused = [Occurrence(NoticeKind.EXTENSION_REFUSED, noon(day), "no", "op") for day in (TODAY,)]
    account = an_account(
        a_person(), occurrences=(refused[0], replace(refused[0], at=noon(TODAY).replace(minute=1)))
    )
    step = the_only_step(decide(a_case(accounts=[account]), POLICY).steps)
    assert [n.kind for n in step.notices] == [NoticeKind.EXTENSION_REFUSED] * 2
    assert len({n.key for n in step.notices}) == 2


@pytest.mark.parametrize("ticket", ["abc123", "fetch-students:gone"])
def test_an_operator_notice_names_its_ticket(ticket: str) -> None:
    to = "op@example.edu"
    notice = Notice(
        f"operator:{ticket}:{noon().isoformat()}:{to}", None, NoticeKind.OPERATOR, to, TODAY, None
    )
    assert operators_ticket(notice) == ticket


def test_a_code_goes_to_private_addresses_only() -> None:
    """Also when one refuses it: the code proves that its reader has that mailbox, not the account's."""
    code = NoticeKind.ACTIVATION_CODE
    assert addresses(code, OWN, [a_person(personal_mail=PRIVATE)]) == (PRIVATE,)
    account = an_account(a_person(personal_mail=PRIVATE))
    assert other_address(a_notice(code, PRIVATE), PRIVATE, account, "connect.example.edu") is None


def test_a_code_that_is_out_of_date_or_replaced_is_not_sent() -> None:
    """A mail server that was down for a day makes it worthless; a second code makes the first one so."""
    lasts = timedelta(hours=24)
    issued = Occurrence(NoticeKind.ACTIVATION_CODE, noon(), "", "student")
    account = an_account(a_person(personal_mail=PRIVATE), occurrences=(issued,))
    (notice,) = the_only_step(decide(a_case(accounts=[account]), POLICY).steps).notices
    assert (notice.kind, notice.to, notice.due_on) == (NoticeKind.ACTIVATION_CODE, PRIVATE, TODAY)
    assert void_code(notice, account, noon() + timedelta(hours=23), lasts) is None
    assert void_code(notice, account, noon() + lasts, lasts) == "the code is out of date"
    later = replace(issued, at=noon() + timedelta(minutes=5))
    again = replace(account, occurrences=(issued, later))
    assert void_code(notice, again, noon() + timedelta(minutes=6), lasts) == "overtaken by a later code"

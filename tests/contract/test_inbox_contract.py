"""What ports.Inbox promises: on the fake mailbox, and on ours in front of a real Dovecot."""

from __future__ import annotations

import pytest

from provisiond.adapters.inbox.mailbox import READ_AT_MOST
from tests.rigs.dovecot import DovecotRig
from tests.rigs.inboxes import Box, FakeBox, imap_box

ONE, TWO, THREE = (f"Subject: {n}\r\n\r\nhello {n}\r\n".encode() for n in (1, 2, 3))


@pytest.fixture(params=["fake", "dovecot"])
def box(request: pytest.FixtureRequest) -> Box:
    if request.param == "fake":
        return FakeBox()
    dovecot: DovecotRig = request.getfixturevalue("dovecot")
    return imap_box(dovecot)


def test_an_empty_folder_has_no_mails(box: Box) -> None:
    with box.inbox.opened() as folder:
        assert folder.uids(0) == []
        assert folder.uid_validity > 0
        folder.file([])


def test_mails_come_in_order_each_whole_and_still_unseen(box: Box) -> None:
    box.put(ONE, TWO, THREE)
    with box.inbox.opened() as folder:
        first, *others = folder.uids(0)
        assert folder.uids(first) == others and folder.uids(others[-1]) == []
        assert [folder.mail(uid) for uid in (first, *others)] == [ONE, TWO, THREE]
    assert box.flags() == [False] * 3


def test_a_huge_mail_is_cut_off(box: Box) -> None:
    box.put(b"Subject: huge\r\n\r\n" + b"x" * 76 * READ_AT_MOST)
    with box.inbox.opened() as folder:
        cut = folder.mail(folder.uids(0)[0])
        assert cut and len(cut) == READ_AT_MOST and cut.startswith(b"Subject: huge")


def test_what_was_taken_is_put_away_and_the_rest_stays_as_it_was(box: Box) -> None:
    box.put(ONE, TWO, THREE)
    with box.inbox.opened() as folder:
        first, second, third = folder.uids(0)
        folder.file([first, third])
        assert folder.uids(0) == [second]
    assert (box.flags(), box.done()) == ([False], 2)


def test_a_mail_that_somebody_removed_is_passed_over(box: Box) -> None:
    box.put(ONE, TWO)
    with box.inbox.opened() as folder:
        first, second = folder.uids(0)
        box.lose(first)
        assert folder.mail(first) is None
        folder.file([first, second])
    assert box.done() == 1


def test_who_only_looks_changes_nothing(box: Box) -> None:
    box.put(ONE)
    with box.inbox.opened(read_only=True) as folder:
        assert folder.mail(folder.uids(0)[0]) == ONE
    assert box.flags() == [False]


def test_a_sound_mailbox_has_no_faults(box: Box) -> None:
    assert box.inbox.check() == []

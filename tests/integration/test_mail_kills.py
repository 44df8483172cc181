"""kill -9 while notices go through a real Postfix to a real Dovecot, and while bounces are read: none is lost, at
most one copy too many for each kill, all copies with one Message-ID; a bounce counts once.

PROVISIOND_TRIALS=50 is the whole measure: 50 kills in 1,000 notices."""

from __future__ import annotations

import os
import random
import signal
from collections import Counter
from pathlib import Path

from provisiond.domain.model import NoticeStatus
from tests.rigs.inboxes import imap_box
from tests.rigs.ledgers import events
from tests.rigs.mail_killing import INBOX_POINTS, killed_while_sending, office, reader_process
from tests.rigs.postfix import PostfixRig
from tests.rigs.postoffice import private
from tests.rigs.reports import VACATION, a_report

KILLS = int(os.environ.get("PROVISIOND_TRIALS", "6"))
NOTICES = 20 * KILLS + 30
EACH_MAIL = ("after imap fetch", "before take_returned", "after take_returned")


def test_kills_while_sending_lose_nothing_and_double_little(postfix: PostfixRig, tmp_path: Path) -> None:
    postfix.dovecot.clear()
    ledger, chance, kills = tmp_path / "ledger.db", random.Random(42), 0
    with office(ledger, postfix.smtp, create=True) as posts:
        posts.due(NOTICES)
    in_doubt: Counter[str] = Counter()
    for _ in range(10 * KILLS):
        kills += killed_while_sending(ledger, postfix.smtp, chance.randint(1, 20), chance)
        with office(ledger, postfix.smtp) as posts:
            left = [item.address for item in posts.ledger.outbox(NoticeStatus.SENDING)]
        assert len(left) <= 1, "a kill leaves one notice in doubt at most"
        in_doubt.update(left)
        if kills == KILLS:
            break
    assert kills == KILLS

    with office(ledger, postfix.smtp) as posts:
        posts.deliver()
        sent = {item.address: item.message_id for item in posts.ledger.outbox()}
        assert set(posts.statuses()) == {NoticeStatus.ACCEPTED}
    postfix.wait_until_delivered()

    mails = {to: [mail["Message-ID"] for mail in postfix.dovecot.mails(to)] for to in sent}
    assert len(sent) == NOTICES
    assert [to for to, ids in mails.items() if not ids] == [], "lost"
    assert all(set(ids) == {sent[to]} for to, ids in mails.items()), "a copy has the same Message-ID"
    extra = Counter({to: len(ids) - 1 for to, ids in mails.items()})
    assert extra <= in_doubt, "only what was in doubt at a kill goes out again, once for each"
    assert extra.total() <= KILLS
    print(f"{kills} kills in {NOTICES} notices: {extra.total()} copies too many, none lost")  # noqa: T201


def test_a_reader_of_bounces_that_is_killed_loses_and_doubles_nothing(
    postfix: PostfixRig, tmp_path: Path
) -> None:
    """At each point; where it is passed with each mail, at the second one."""
    postfix.dovecot.clear()
    ledger, box = tmp_path / "ledger.db", imap_box(postfix.dovecot)
    with office(ledger, postfix.smtp, create=True) as posts:
        posts.due(2 * len(INBOX_POINTS))
        posts.deliver()
        ids = {number: posts.of(number).message_id for number in range(1, 2 * len(INBOX_POINTS) + 1)}
    reached = set()
    for turn, point in enumerate(INBOX_POINTS):
        numbers = (2 * turn + 1, 2 * turn + 2)
        reports = [a_report(ids[n], private(n), own_id=f"<{n}@mx>") for n in numbers]
        box.put(VACATION, reports[0], VACATION, reports[1])
        process = reader_process(ledger, box.account, point, nth=2 if point in EACH_MAIL else 1)
        process.join(30)
        reached |= {point} if process.exitcode == -signal.SIGKILL else set()
    last = reader_process(ledger, box.account)
    last.join(30)
    assert last.exitcode == 0

    assert reached == set(INBOX_POINTS)
    with office(ledger, postfix.smtp) as posts:
        assert set(posts.statuses()) == {NoticeStatus.DUE}, "each goes to the other address"
        assert events(posts.ledger).count("notice-returned") == len(ids)
        assert len(posts.ledger.bad_addresses()) == len(ids)
    assert (box.flags(), box.done()) == ([False] * len(ids), len(ids)), (
        "answers are left, bounces put away once"
    )

"""A real Postfix writes a real bounce into a real mailbox, and the real commands deal with it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from provisiond.cli.main import app
from provisiond.demo.sample import MAPPING
from tests.integration.conftest import CODE, Site
from tests.rigs.dovecot import HOST, PASSWORD
from tests.rigs.inboxes import ImapBox, imap_box
from tests.rigs.postfix import PostfixRig
from tests.rigs.reports import VACATION

MAIL, STUDENT = MAPPING["personal_mail"], MAPPING["student_id"]


@pytest.fixture
def box(postfix: PostfixRig) -> ImapBox:
    postfix.dovecot.clear()
    return imap_box(postfix.dovecot)


def with_mailbox(site: Site, postfix: PostfixRig, box: ImapBox) -> None:
    """Everybody has a private address; that of one does not exist, those of five are out of reach."""
    secret = site.university.config.parent / "inbox-password"
    secret.write_text(PASSWORD)
    secret.chmod(0o600)
    told = f"""
[mail]
host = "127.0.0.1"
port = {postfix.smtp}
sender = "University Accounts <accounts@example.edu>"
bounces_to = "{box.account.user}"

[inbox]
host = "{HOST}"
port = {postfix.dovecot.imaps}
tls = "tls"
ca_file = "{postfix.dovecot.ca_file}"
user = "{box.account.user}"
password_file = "{secret}"
done_folder = "Done"
"""
    config = site.university.config
    config.write_text(config.read_text() + told)
    places = iter(["gone@example.net", *(f"p{n}@late.example" for n in range(5))])

    def private(row: dict[str, str]) -> None:
        usual = f"p{row[STUDENT]}@example.net"
        row[MAIL] = next(places, usual) if row[MAPPING["status"]] == CODE["registered"] else usual

    site.edit(private)


def run(site: Site, *words: str, expect: int = 0) -> str:
    """The real command within this process: it starts a dozen times here."""
    done = CliRunner().invoke(app, ["-c", str(site.university.config), *words])
    assert done.exit_code == expect, done.output
    return done.output


def the_notice(site: Site, word: str) -> dict[str, Any]:
    """The one whose private address holds that word."""
    (found,) = [i for i in json.loads(run(site, "outbox", "--json")) if word in i["notice"]["to"]]
    return dict(found)


def test_a_notice_to_nobody_comes_back_and_goes_to_the_other_address(
    site: Site, postfix: PostfixRig, box: ImapBox
) -> None:
    with_mailbox(site, postfix, box)
    run(site, "once")
    run(site, "outbox", "send")
    box.put(VACATION)
    postfix.dovecot.wait_for(box.account.user, 3)

    seen = run(site, "inbox", "--dry-run")
    assert "550 5.1.1 <gone@example.net>" in seen and "nothing was changed" in seen
    assert "1 bounces" in seen and "reports of delay or delivery" in seen and "1 others, left there" in seen
    told = run(site, "inbox")
    assert "1 notices came back, 1 of them go to the other address on record" in told
    assert box.flags() == [False] and box.done() >= 2, "the answer stays, unread"

    came_back = the_notice(site, "gone")
    assert (came_back["status"], came_back["reply"][:25]) == ("due", "came back: 550 5.1.1 <gon")
    (bad,) = json.loads(run(site, "inbox", "bad", "--json"))
    assert (bad["address"], bad["notice"]) == ("gone@example.net", came_back["notice"]["key"])

    run(site, "outbox", "send")
    postfix.wait_until_delivered()
    (mail,) = postfix.dovecot.mails(came_back["sent_to"])
    assert mail["Message-ID"] == came_back["message_id"]
    (operators,) = postfix.dovecot.mails("operators@example.edu")
    assert "notices came back" in str(operators["Subject"])
    explained = run(site, "explain", came_back["sent_to"])
    assert "gone@example.net since" in explained and "550 5.1.1" in explained
    trust = ("inbox", "trust", "gone@example.net", "--reason", "mended")
    assert "1 addresses trusted again" in run(site, *trust)
    assert "not marked" in run(site, *trust, expect=65)


def test_a_mailbox_that_cannot_be_used_is_told(site: Site, postfix: PostfixRig, box: ImapBox) -> None:
    assert "inbox.host: missing" in run(site, "inbox", expect=78)
    with_mailbox(site, postfix, box)
    assert "ok  inbox" in run(site, "check")
    secret = site.university.config.parent / "inbox-password"
    secret.write_text("wrong")
    assert "refused the log-in" in run(site, "inbox", expect=75)
    assert "FAULT inbox" in run(site, "check", expect=78)

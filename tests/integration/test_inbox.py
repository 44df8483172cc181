"""Our mailbox client in front of a real Dovecot, and of servers that fail in every way: each failure is told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from provisiond.adapters.inbox.mailbox import ImapInbox, MailAccount
from provisiond.domain.errors import UnavailableError
from provisiond.ports import Inbox
from tests.rigs.dovecot import DovecotRig
from tests.rigs.front import Front, certificate
from tests.rigs.imap import DRIP, DROP, STALL, ScriptedImap
from tests.rigs.inboxes import imap_box

ONE = b"Subject: 1\r\n\r\nhello\r\n"


@pytest.fixture
def server() -> Iterator[ScriptedImap]:
    with ScriptedImap() as made:
        yield made


def inbox_at(server: ScriptedImap, **told: object) -> ImapInbox:
    facts: dict[str, object] = {"host": "127.0.0.1", "port": server.port, "tls": "none", "timeout": 0.3}
    facts |= {"user": 'a"b\\c', "password": 'p"\\', "done_folder": "Done"}
    return ImapInbox(MailAccount(**(facts | told)))  # type: ignore[arg-type]


def only_fault(inbox: Inbox, *, lasts: bool = True) -> str:
    """What `check` tells; `lasts`: whether it is for somebody to mend."""
    (fault,) = inbox.check()
    assert isinstance(fault, UnavailableError) and fault.lasts is lasts
    return str(fault)


def trouble(inbox: ImapInbox) -> str:
    """Reading a mail and putting it away."""
    with pytest.raises(UnavailableError) as raised, inbox.opened() as folder:
        folder.file([uid for uid in folder.uids(0) if folder.mail(uid)])
    assert raised.value.system == "inbox"
    return raised.value.reason


# -- a real server -----------------------------------------------------------------------------------------
def test_starttls_serves_as_well(dovecot: DovecotRig) -> None:
    box = imap_box(dovecot, port=dovecot.imap, tls="starttls")
    box.put(ONE)
    with box.inbox.opened() as folder:
        assert folder.mail(folder.uids(0)[0]) == ONE


def test_without_a_folder_for_them_mails_that_were_taken_stay_as_read(dovecot: DovecotRig) -> None:
    box = imap_box(dovecot, done_folder=None)
    box.put(ONE, ONE)
    with box.inbox.opened() as folder:
        folder.file(folder.uids(0)[:1])
    assert box.flags() == [True, False]


def test_a_wrong_password_is_told_with_what_to_mend(dovecot: DovecotRig) -> None:
    told = only_fault(imap_box(dovecot, password="wrong").inbox)
    assert "refused the log-in of" in told and "mend inbox.user or inbox.password_file" in told
    assert "wrong" not in told


def test_a_server_that_is_away_may_come_back(server: ScriptedImap) -> None:
    server.says["greeting"] = DROP
    assert "cannot be used" in only_fault(inbox_at(server), lasts=False)
    server.says["greeting"] = STALL
    assert "does not answer" in only_fault(inbox_at(server), lasts=False)


def test_a_folder_that_lacks_is_told(dovecot: DovecotRig) -> None:
    told = only_fault(imap_box(dovecot, folder="Nowhere").inbox)
    assert "has no folder Nowhere" in told and "mend inbox.folder" in told


def test_a_certificate_that_is_not_trusted_ends_it(dovecot: DovecotRig) -> None:
    for port, tls in ((dovecot.imaps, "tls"), (dovecot.imap, "starttls")):
        told = only_fault(imap_box(dovecot, port=port, tls=tls, ca_file=None).inbox)
        assert "its certificate is not trusted" in told


def test_a_certificate_for_another_host_ends_it(dovecot: DovecotRig, tmp_path: Path) -> None:
    ca_file, context = certificate(tmp_path, "mail.example.edu")
    with Front(f"imap://127.0.0.1:{dovecot.imap}", context) as front:
        told = only_fault(imap_box(dovecot, port=front.port, ca_file=ca_file).inbox)
    assert "its certificate is not trusted" in told and "localhost" in told


def test_a_server_without_tls_gets_no_password(server: ScriptedImap) -> None:
    reason = trouble(inbox_at(server, tls="starttls"))
    assert "TLS not supported" in reason
    assert not any("LOGIN" in asked or "AUTH" in asked for asked in server.commands)


# -- servers that fail -------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "word", ["greeting", "LOGIN", "SELECT", "SEARCH", "FETCH", "STORE", "COPY", "EXPUNGE"]
)
@pytest.mark.parametrize(
    "says", [DROP, STALL, "", "%t rubbish", "* BYE going down", "* 1 FETCH (BODY[] {99999999999}"]
)
def test_whatever_a_server_does_it_is_unavailable(server: ScriptedImap, word: str, says: str) -> None:
    server.says[word] = says
    assert trouble(inbox_at(server))


@pytest.mark.parametrize("word", ["LOGIN", "SELECT", "SEARCH", "STORE", "COPY", "EXPUNGE"])
def test_a_no_is_told_with_the_servers_words(server: ScriptedImap, word: str) -> None:
    server.says[word] = "%t NO [SERVERBUG] not today"
    assert "not today" in trouble(inbox_at(server))


def test_a_mail_that_the_server_does_not_give_is_none(server: ScriptedImap) -> None:
    for said in ("%t NO [SERVERBUG] broken", "%t OK done", "* 1 FETCH (UID 5 BODY[]<0> NIL)\r\n%t OK done"):
        server.says["FETCH"] = said
        with inbox_at(server).opened() as folder:
            assert folder.mail(5) is None


def test_a_byte_now_and_then_does_not_hold_us_for_ever(server: ScriptedImap) -> None:
    server.says["SEARCH"] = DRIP
    assert trouble(inbox_at(server, timeout=5, session_timeout=0.5))


def test_a_folder_without_uidvalidity_is_not_read(server: ScriptedImap) -> None:
    server.says["SELECT"] = "* 1 EXISTS\r\n%t OK [READ-WRITE] done"
    assert "UIDVALIDITY" in trouble(inbox_at(server))


def test_nothing_is_expunged_that_others_deleted(server: ScriptedImap) -> None:
    server.offers = "IMAP4rev1"
    with inbox_at(server).opened() as folder:
        folder.file([5])
    assert not any("EXPUNGE" in asked for asked in server.commands)
    assert 'UID COPY 5 "Done"' in server.commands
    assert r"UID STORE 5 +FLAGS.SILENT (\Deleted)" in server.commands


def test_names_and_passwords_are_quoted(server: ScriptedImap) -> None:
    assert inbox_at(server).check() == []
    assert r'LOGIN "a\"b\\c" "p\"\\"' in server.commands
    told = only_fault(inbox_at(server, user="a\r\nX LOGOUT"))
    assert "printable ASCII" in told
    assert "X LOGOUT" not in server.commands


def test_the_folder_for_them_is_made_when_it_lacks(server: ScriptedImap) -> None:
    server.says["COPY"] = "%t NO [TRYCREATE] no such folder"
    assert "no such folder" in trouble(inbox_at(server))
    assert 'CREATE "Done"' in server.commands

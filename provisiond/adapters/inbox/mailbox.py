"""ports.Inbox by IMAP: imaplib, with what it leaves to its user done here.

Certificates are verified (imaplib alone does not), arguments are quoted (nor that), a connection has a time-out for
each answer and an end for all of them, every failure is UnavailableError. What a mail means is bounces.py's."""

from __future__ import annotations

import imaplib
import re
import socket
import ssl
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from provisiond.domain.errors import ProvisiondError, UnavailableError

READ_AT_MOST = 256 * 1024  # of a mail: a report comes first, what it returns after it
PER_COMMAND = 200  # UIDs in one command
# What imaplib raises on rubbish, beside its own errors.
_FAILURES = (imaplib.IMAP4.error, OSError, ValueError, LookupError, TypeError, AttributeError)


@dataclass(frozen=True, slots=True)
class MailAccount:
    """A mailbox and its server. `tls`: "tls", "starttls" or "none"; `done_folder`: where mails go that were taken,
    None: they stay, as read. `timeout`: seconds for each answer, `session_timeout` for all that is done at once."""

    host: str
    port: int
    tls: str
    user: str
    password: str = field(repr=False)
    folder: str = "INBOX"
    done_folder: str | None = None
    ca_file: Path | None = None
    timeout: float = 30
    session_timeout: float = 600

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class ImapInbox:
    """Made for one mailbox; holds nothing between openings."""

    def __init__(self, account: MailAccount) -> None:
        self._account = account

    @property
    def folder(self) -> str:
        return self._account.folder

    @contextmanager
    def opened(self, *, read_only: bool = False) -> Iterator[ImapFolder]:
        with _session(self._account) as client:
            yield _opened_folder(client, self._account, read_only=read_only)

    def check(self) -> list[ProvisiondError]:
        try:
            with _session(self._account) as client:
                _opened_folder(client, self._account, read_only=True)
        except UnavailableError as error:
            return [error]
        return []


class ImapFolder:
    """ports.InboxFolder."""

    def __init__(self, client: imaplib.IMAP4, account: MailAccount, uid_validity: int) -> None:
        self._client, self._account, self._validity = client, account, uid_validity

    @property
    def uid_validity(self) -> int:
        return self._validity

    def uids(self, after: int) -> list[int]:
        """`n:*` names the last mail also where its UID is smaller (RFC 3501 6.4.8)."""
        with _told(self._account):
            lines = _ok(self._client.uid("SEARCH", "UID", f"{after + 1}:*"))
            found = {int(word) for line in lines if isinstance(line, bytes) for word in line.split()}
            return sorted(uid for uid in found if uid > after)

    def mail(self, uid: int) -> bytes | None:
        with _told(self._account):
            said, lines = self._client.uid("FETCH", str(uid), f"(UID BODY.PEEK[]<0.{READ_AT_MOST}>)")
        bodies = (each for each in lines if isinstance(each, tuple) and b"BODY[]" in each[0].upper())
        found = next(bodies, None) if said == "OK" else None
        return bytes(found[1]) if found else None

    def file(self, uids: Sequence[int]) -> None:
        for start in range(0, len(uids), PER_COMMAND):
            these = ",".join(map(str, uids[start : start + PER_COMMAND]))
            with _told(self._account):
                self._file(these)

    def _file(self, uids: str) -> None:
        _ok(self._client.uid("STORE", uids, "+FLAGS.SILENT", r"(\Seen)"))
        folder = self._account.done_folder
        if folder is None:
            return
        if "MOVE" in self._client.capabilities:
            self._into(folder, "MOVE", uids)
            return
        self._into(folder, "COPY", uids)
        _ok(self._client.uid("STORE", uids, "+FLAGS.SILENT", r"(\Deleted)"))
        if "UIDPLUS" in self._client.capabilities:  # without it all that others deleted would go, too
            _ok(self._client.uid("EXPUNGE", uids))

    def _into(self, folder: str, command: str, uids: str) -> None:
        """The folder is made when the server says that it lacks (RFC 3501 6.4.7)."""
        said, lines = self._client.uid(command, uids, _quoted(folder))
        if said == "OK":
            return
        if not _text(lines).startswith("[TRYCREATE]"):
            raise imaplib.IMAP4.error(f"{command} into {folder}: {_text(lines)}")
        _ok(self._client.create(_quoted(folder)))
        _ok(self._client.uid(command, uids, _quoted(folder)))


@contextmanager
def _session(account: MailAccount) -> Iterator[imaplib.IMAP4]:
    """Logged in; the connection is closed however this ends, politely where that works."""
    with _told(account):
        client = _connected(account)
    end = threading.Timer(account.session_timeout, _cut, [client])
    end.daemon = True
    end.start()
    try:
        with _told(account):
            if account.tls == "starttls":
                client.starttls(_context(account))
            _log_in(client, account)
        yield client
    finally:
        with suppress(*_FAILURES):
            client.sock.settimeout(min(5, account.timeout))
            client.logout()
        end.cancel()
        with suppress(*_FAILURES):
            client.shutdown()


class _Plain(imaplib.IMAP4):
    def read(self, size: int) -> bytes:
        return super().read(_bearable(size))


class _Encrypted(imaplib.IMAP4_SSL):
    def read(self, size: int) -> bytes:
        return super().read(_bearable(size))


def _bearable(size: int) -> int:
    """imaplib takes as much memory as a server announces."""
    if size > 2 * READ_AT_MOST:
        raise imaplib.IMAP4.abort(f"{size} bytes were announced where {READ_AT_MOST} were asked for")
    return size


def _connected(account: MailAccount) -> imaplib.IMAP4:
    if account.tls == "tls":
        context = _context(account)
        return _Encrypted(account.host, account.port, ssl_context=context, timeout=account.timeout)
    return _Plain(account.host, account.port, timeout=account.timeout)


def _context(account: MailAccount) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(account.ca_file) if account.ca_file else None)


def _cut(client: imaplib.IMAP4) -> None:
    """A server that answers a byte a minute would hold us for ever."""
    with suppress(OSError):
        client.sock.shutdown(socket.SHUT_RDWR)


def _log_in(client: imaplib.IMAP4, account: MailAccount) -> None:
    """PLAIN where it is offered: it takes any character."""
    offered = _capabilities(client)
    try:
        if "AUTH=PLAIN" in offered:
            given = f"\0{account.user}\0{account.password}".encode()
            client.authenticate("PLAIN", lambda _: given)
        elif "LOGINDISABLED" in offered:
            raise UnavailableError(
                "inbox", f'{account} allows no log-in without TLS; set inbox.tls = "starttls"', lasts=True
            )
        else:
            client.login(_quoted(account.user), account.password)
    except imaplib.IMAP4.abort:
        raise
    except imaplib.IMAP4.error as error:
        why = f"{_line(str(error))}; mend inbox.user or inbox.password_file"
        told = f"{account} refused the log-in of {account.user}: {why}"
        raise UnavailableError("inbox", told, lasts="[UNAVAILABLE]" not in why) from None  # RFC 5530
    _capabilities(client)


def _capabilities(client: imaplib.IMAP4) -> tuple[str, ...]:
    """Other ones after TLS, and other ones after the log-in: imaplib keeps the first."""
    lines = _ok(client.capability())
    client.capabilities = tuple(bytes(lines[-1]).decode("ascii", "replace").upper().split())
    return client.capabilities


def _opened_folder(client: imaplib.IMAP4, account: MailAccount, *, read_only: bool) -> ImapFolder:
    with _told(account):
        said, lines = client.select(_quoted(account.folder), readonly=read_only)
        if said != "OK":
            raise UnavailableError(
                "inbox",
                f"{account} has no folder {account.folder}: {_text(lines)}; mend inbox.folder",
                lasts=True,
            )
        _, validity = client.response("UIDVALIDITY")
        if not validity[-1]:
            raise UnavailableError("inbox", f"{account} gives {account.folder} no UIDVALIDITY")
        return ImapFolder(client, account, int(validity[-1]))


@contextmanager
def _told(account: MailAccount) -> Iterator[None]:
    """Whatever fails in talking to the server is its being unavailable."""
    try:
        yield
    except ssl.SSLCertVerificationError as error:
        why = f"its certificate is not trusted: {error.verify_message}; mend it or inbox.ca_file"
        raise UnavailableError("inbox", f"{account} cannot be used: {why}", lasts=True) from error
    except TimeoutError as error:
        raise UnavailableError("inbox", f"{account} does not answer") from error
    except _FAILURES as error:
        why = _line(str(error)) or type(error).__name__
        raise UnavailableError("inbox", f"{account} cannot be used: {why}") from error


def _ok(answer: tuple[str, list[Any]]) -> list[Any]:
    said, lines = answer
    if said != "OK":
        raise imaplib.IMAP4.error(_text(lines))
    return lines


def _text(lines: Sequence[Any]) -> str:
    return _line(b" ".join(each for each in lines if isinstance(each, bytes)).decode("utf-8", "replace"))


def _line(text: str) -> str:
    return " ".join(re.sub(r"[^ -~]", " ", text).split())[:300]


def _quoted(text: str) -> str:
    """As a quoted string (RFC 3501 4.3)."""
    if not text.isascii() or not text.isprintable():
        why = "inbox.user or a folder has other characters than printable ASCII"
        raise UnavailableError("inbox", why, lasts=True)
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'

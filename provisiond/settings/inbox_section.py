"""The section [inbox]: the mailbox to which mails come back."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

from provisiond.settings import sections as s
from provisiond.settings.mail_server import encryption, log_in_password, trusted
from provisiond.settings.parsing import Faults
from provisiond.settings.values import InboxSettings

_PORTS = {"starttls": 143, "tls": 993, "none": 143}


def inbox(section: s.Inbox | None, folder: Path, faults: Faults) -> InboxSettings | None:
    """None without a host: bounces are not read."""
    if section is None:
        return None
    password = log_in_password("inbox", section, folder, faults)
    ca_file = trusted("inbox", section, folder, faults)
    if section.host is None:
        return None
    tls = encryption("inbox", section, section.host, "tls", faults)
    if section.user is None:
        faults.add("inbox.user", "missing: a mailbox needs a log-in")
    if section.believed_for is not None and not section.believed_for:
        faults.add("inbox.believed_for", "must be longer than nothing")
    known = {field.name for field in fields(InboxSettings)}
    given = {key: value for key, value in section.given().items() if key in known}
    given |= {"tls": tls, "ca_file": ca_file}
    given |= {"user": section.user or "", "password": password or ""}
    given.setdefault("port", _PORTS[tls])
    made = InboxSettings(**given)
    if made.folder == made.done_folder:
        faults.add("inbox.done_folder", "must be another folder than inbox.folder")
    return made

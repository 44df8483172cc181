"""The section [mail]: the server that takes our mails, as whom, how many and how long.

Refuses what would send mails or a password in the clear over a network."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

from provisiond.domain.delivery import MailPolicy
from provisiond.domain.errors import ConfigError
from provisiond.settings import sections as s
from provisiond.settings.parsing import Faults
from provisiond.settings.secret_files import secret_file
from provisiond.settings.values import MailSettings

_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_PORTS = {"starttls": 587, "tls": 465, "none": 25}


def mail(section: s.Mail | None, folder: Path, faults: Faults) -> MailSettings | None:
    """None without a host: nothing is sent."""
    if section is None:
        return None
    policy = _policy(section, faults)
    password = _password(section, folder, faults)
    ca_file = _ca_file(section, folder, faults)
    if section.host is None:
        return None
    local = section.host in _LOOPBACK
    tls = section.tls or ("none" if local else "starttls")
    if tls == "none" and not local:
        faults.add(
            "mail.tls", f'"none" is for a server on this machine; {section.host} needs "starttls" or "tls"'
        )
    if section.sender is None:
        if not any(said.startswith(faults.key("mail.sender:")) for said in faults.sentences):
            faults.add("mail.sender", "missing: mails need a sender")
        return None
    address = section.sender.rpartition("<")[2].removesuffix(">")
    known = {field.name for field in fields(MailSettings)}
    given = {key: value for key, value in section.given().items() if key in known}
    given |= {"tls": tls, "password": password, "ca_file": ca_file, "policy": policy}
    given.setdefault("port", _PORTS[tls])
    given.setdefault("bounces_to", address)
    given.setdefault("message_id_domain", address.rpartition("@")[2])
    return MailSettings(**given)


def _policy(section: s.Mail, faults: Faults) -> MailPolicy:
    known = {field.name for field in fields(MailPolicy)}
    policy = MailPolicy(**{key: value for key, value in section.given().items() if key in known})
    if not policy.backoff:
        faults.add("mail.backoff", "must be longer than nothing")
    if policy.longest_backoff < policy.backoff:
        faults.add("mail.longest_backoff", "must not be shorter than mail.backoff")
    if policy.give_up_after < policy.backoff:
        faults.add(
            "mail.give_up_after", "must not be shorter than mail.backoff: nothing would be tried twice"
        )
    return policy


def _password(section: s.Mail, folder: Path, faults: Faults) -> str | None:
    if (section.user is None) is not (section.password_file is None):
        faults.add("mail", "user and password_file go together")
    if section.password_file is None:
        return None
    try:
        return secret_file(faults.key("mail.password_file"), section.password_file, folder).read()
    except ConfigError as error:
        faults.sentences += error.faults
        return None


def _ca_file(section: s.Mail, folder: Path, faults: Faults) -> Path | None:
    if section.ca_file is None:
        return None
    path = folder / section.ca_file
    try:
        path.read_bytes()
    except OSError as error:
        faults.add("mail.ca_file", f"{path} cannot be read: {error.strerror}")
    return path

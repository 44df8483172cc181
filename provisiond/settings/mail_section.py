"""The section [mail]: the server that takes our mails, as whom, how many and how long.

Refuses what would send mails or a password in the clear over a network."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

from provisiond.domain.delivery import MailPolicy
from provisiond.settings import sections as s
from provisiond.settings.mail_server import encryption, log_in_password, trusted
from provisiond.settings.parsing import Faults
from provisiond.settings.values import MailSettings

_PORTS = {"starttls": 587, "tls": 465, "none": 25}


def mail(section: s.Mail | None, folder: Path, faults: Faults) -> MailSettings | None:
    """None without a host: nothing is sent."""
    if section is None:
        return None
    policy = _policy(section, faults)
    password = log_in_password("mail", section, folder, faults)
    ca_file = trusted("mail", section, folder, faults)
    if section.host is None:
        return None
    tls = encryption("mail", section, section.host, "starttls", faults)
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

"""When a notice is sent, to which address and under which Message-ID, when again and when not at all any more.

Pure; what a mail server says is the mailer's, what is done about it the outbox's."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from provisiond.domain.model import Account, Notice, NoticeKind, State
from provisiond.domain.notices import addresses, occurrence_of

_STUDYING = frozenset({State.PENDING, State.ACTIVE, State.ON_LEAVE})
# What a notice of these kinds says is true in these states only.
_TRUE_IN = {
    NoticeKind.CREATED: _STUDYING | {State.GRACE},
    NoticeKind.GRACE_BEGUN: frozenset({State.GRACE}),
    NoticeKind.EXPIRY_REMINDER: frozenset({State.GRACE}),
    NoticeKind.EXPIRY: frozenset({State.GRACE}),
    NoticeKind.EXTENDED: frozenset({State.GRACE}),
    NoticeKind.ALUMNI: frozenset({State.ALUMNI}),
    NoticeKind.TERMINATED: frozenset({State.TERMINATED}),
    NoticeKind.REINSTATED: _STUDYING,
}
_OF_EXPIRY = (NoticeKind.EXPIRY_REMINDER, NoticeKind.EXPIRY)
# RFC 5321 4.1.2 without quoted local parts and address literals, RFC 6531 3.3: what may stand in a command as it is.
_ADDRESS = re.compile(
    r"(?P<local>[\w!#$%&'*+/=?^`{|}~-]+(\.[\w!#$%&'*+/=?^`{|}~-]+)*)@"
    r"(?P<domain>[^\W_]([\w-]{0,61}[^\W_])?(\.[^\W_]([\w-]{0,61}[^\W_])?)+)"
)
# RFC 5894 7.2: IDNA 2003 (Python's codec) and IDNA 2008 make different domains of these.
_TWO_MEANINGS = frozenset("ßς")


@dataclass(frozen=True, slots=True)
class MailPolicy:
    """How many mails go out, and how long one is tried. After a 4xx: `backoff`, then twice that, up to
    `longest_backoff`; no more once all this waiting came to `give_up_after`. An address from which a mail came back
    is not tried for `avoid_for` where there is another one."""

    per_minute: int = 300
    per_run: int = 1000
    backoff: timedelta = timedelta(minutes=5)
    longest_backoff: timedelta = timedelta(hours=4)
    give_up_after: timedelta = timedelta(days=3)
    avoid_for: timedelta = timedelta(days=90)


def is_mail_address(text: str) -> bool:
    """Nothing that could end a command or a header, whatever a registry or a person wrote."""
    found = _ADDRESS.fullmatch(text)
    if found is None or any(unicodedata.category(sign)[0] in "CZ" for sign in text):
        return False
    if set(found["domain"]) & _TWO_MEANINGS:
        return False
    return len(found["local"].encode()) <= 64 and len(text.encode()) <= 254


def with_ascii_domain(address: str) -> str:
    """As it stands in commands and headers (RFC 5891); what is before the @ stays. Raises ValueError."""
    local, _, domain = address.rpartition("@")
    return address if domain.isascii() else f"{local}@{domain.encode('idna').decode()}"


def waiting(attempts: int, policy: MailPolicy) -> timedelta | None:
    """How long to wait after that many attempts, all of them put off; None: give up."""
    wait, waited = policy.backoff, timedelta()
    for _ in range(attempts - 1):
        waited += wait
        if waited >= policy.give_up_after:
            return None
        wait = min(wait * 2, policy.longest_backoff)
    return wait


def other_address(notice: Notice, tried: str, account: Account | None, mail_domain: str) -> str | None:
    """The address on record to which a notice goes that `tried` does not take; None when there is no other, or it
    was tried before."""
    if account is None or tried != notice.to:
        return None
    ways = addresses(notice.kind, f"{account.account_name}@{mail_domain}", account.records)
    return next((to for to in ways if to.casefold() != tried.casefold()), None)


def overtaken(notice: Notice, account: Account | None, today: date) -> str | None:
    """Why a notice that waited is not sent any more; None: it is still true. A reminder that nothing followed is
    sent late: policy may make the expiry wait for it."""
    if account is None:
        return None
    allowed = _TRUE_IN.get(notice.kind)
    if allowed is not None and account.state not in allowed:
        return f"overtaken: the account is {account.state} now"
    if notice.kind not in _OF_EXPIRY or notice.about_on is None:
        return None
    if any(extension.until_on > notice.about_on for extension in account.extensions):
        return "overtaken: the expiry date is a later one now"
    if notice.kind is NoticeKind.EXPIRY:
        return None if today <= notice.about_on else "overtaken: that day is over"
    if _followed(notice, (item.notice for item in account.outbox)):
        return "overtaken by the next notice of this expiry"
    return None


def void_code(notice: Notice, account: Account | None, now: datetime, lasts: timedelta) -> str | None:
    """Why a mail with a code is not worth sending any more; None: it is, or there is no code in it."""
    if notice.kind is not NoticeKind.ACTIVATION_CODE or account is None:
        return None
    issued = occurrence_of(notice, account)
    if issued is None or now >= issued.at + lasts:
        return "the code is out of date"
    later = (o for o in account.occurrences if o.kind is notice.kind and o.at > issued.at)
    return "overtaken by a later code" if any(later) else None


def _followed(reminder: Notice, notices: Iterable[Notice]) -> bool:
    assert reminder.about_on
    return any(
        other.kind in _OF_EXPIRY
        and other.due_on > reminder.due_on
        and other.about_on is not None
        and other.about_on >= reminder.about_on
        for other in notices
    )

"""Notices as they would be if they fell due today: of sample persons, for the check of the templates, and of real
ones for a preview. Decides what a kind of notice presupposes; nothing here is stored."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta, tzinfo

from provisiond.domain.errors import ConfigError
from provisiond.domain.lifecycle import add_months, standing
from provisiond.domain.model import (
    Account,
    Extension,
    Hold,
    HoldKind,
    Level,
    Notice,
    NoticeKind,
    NoticeStatus,
    Occurrence,
    OutboxItem,
    RegistryRecord,
    State,
    Status,
)
from provisiond.domain.notices import addresses, mark, notice_key
from provisiond.domain.people import person
from provisiond.domain.policy import Policy
from provisiond.letters import LANGUAGES, Writer

OCCURRENCES = frozenset(
    {NoticeKind.EXTENSION_REFUSED, NoticeKind.PASSWORD_CHANGED, NoticeKind.SECOND_FACTOR_CHANGED}
    | {NoticeKind.RECOVERY_CODES_CHANGED, NoticeKind.RE_ENROLMENT_ISSUED, NoticeKind.ACTIVATION_CODE}
)
# … and in how many days the account then expires
ABOUT_EXPIRY = {
    NoticeKind.EXPIRY_REMINDER: 7,
    NoticeKind.EXPIRY: 0,
    NoticeKind.ALUMNI: -1,
    NoticeKind.EXTENDED: 90,
    NoticeKind.EXTENSION_REFUSED: 14,
}
SAMPLE = "a sample"


@dataclass(frozen=True, slots=True)
class Specimens:
    """Imagines under this policy, at this instant."""

    policy: Policy
    zone: tzinfo
    now: datetime

    @property
    def today(self) -> date:
        return self.now.astimezone(self.zone).date()

    def of(self, kind: NoticeKind, account: Account | None) -> tuple[Notice, Account | None]:
        """The notice, and the account as it is when that falls due. None: to the operators."""
        if account is None or kind is NoticeKind.OPERATOR:
            to = next(iter(self.policy.operators), "operators")
            return Notice(f"operator:{SAMPLE}", None, NoticeKind.OPERATOR, to, self.today, None), None
        account, about_on, milestone = self._imagined(kind, account)
        own = f"{account.account_name}@{self.policy.directory.mail_domain}"
        to = addresses(kind, own, account.records)[0]
        key = notice_key(account.person_id, kind, milestone)
        return Notice(key, account.person_id, kind, to, self.today, about_on), account

    def _imagined(self, kind: NoticeKind, account: Account) -> tuple[Account, date | None, str]:
        """The account, the date the notice speaks of, and what its key ends with."""
        occurred = Occurrence(kind, self.now, SAMPLE, SAMPLE)
        if kind in OCCURRENCES:
            account = replace(account, occurrences=(*account.occurrences, occurred))
        if kind is NoticeKind.GRACE_BEGUN:
            return self._completed(account, self.today), self.today, self.today.isoformat()
        if kind in ABOUT_EXPIRY:
            expires_on = self.today + timedelta(days=ABOUT_EXPIRY[kind])
            last = mark(occurred) if kind in OCCURRENCES else expires_on.isoformat()
            return self._leaving(account, expires_on), expires_on, last
        if kind is NoticeKind.TERMINATED:
            return self._of_status(account, Status.WITHDRAWN, self.today), self.today, self.today.isoformat()
        if kind is NoticeKind.HOLD_SET:
            until_on = self.today + timedelta(days=30)
            hold = Hold(HoldKind.LOCK, self.now, until_on, SAMPLE, SAMPLE)
            return replace(account, holds=(hold,)), until_on, self.now.isoformat(timespec="seconds")
        return account, None, mark(occurred) if kind in OCCURRENCES else ""

    def _completed(self, account: Account, on: date) -> Account:
        done = self._of_status(account, Status.COMPLETED, on)
        return replace(done, state=State.GRACE, outbox=(), extensions=())

    def _leaving(self, account: Account, expires_on: date) -> Account:
        """Told in time, so that the date holds."""
        record = self._deciding(account)
        months = self.policy.lifecycle.grace_months[record.level]
        completed_on = add_months(expires_on, -months)
        granted = Extension(expires_on, self.now, SAMPLE, SAMPLE)
        told_at = self.now - timedelta(days=400)
        told = tuple(
            replace(
                OutboxItem.decided(
                    Notice(kind, account.person_id, kind, "", told_at.date(), about_on), told_at
                ),
                status=NoticeStatus.ACCEPTED,
                settled_at=told_at,
                reply=SAMPLE,
            )
            for kind, about_on in (
                (NoticeKind.GRACE_BEGUN, completed_on),
                (NoticeKind.EXPIRY_REMINDER, expires_on),
            )
        )
        left = self._completed(account, completed_on)
        state = State.GRACE if expires_on >= self.today else State.ALUMNI
        return replace(left, extensions=(granted,), outbox=told, state=state)

    def _deciding(self, account: Account) -> RegistryRecord:
        someone = person(account.student_id, account, (), self.policy.sources)
        return standing(someone, self.today, self.zone, self.policy.lifecycle).record

    def _of_status(self, account: Account, status: Status, on: date) -> Account:
        """Whatever is studied ended so: all programmes at the level that decides, or their months would differ."""
        level = self._deciding(account).level
        ended = tuple(
            r if r.is_supplement else replace(r, level=level, status=status, status_on=on)
            for r in account.records
        )
        return replace(account, records=ended)


def faults(writer: Writer, now: datetime) -> list[str]:
    """What goes wrong when every kind of notice is written in every language to sample persons."""
    specimens = Specimens(writer.policy, writer.zone, now)
    found: dict[str, None] = {}
    for account in sample_accounts(now):
        for kind in NoticeKind:
            for language in LANGUAGES:
                notice, imagined = specimens.of(kind, account)
                try:
                    replace(writer, language=language).letter(notice, imagined)
                except ConfigError as error:
                    found.update(dict.fromkeys(error.faults))
    return list(found)


def sample_accounts(now: datetime) -> Iterator[Account]:
    """An ordinary person, and awkward ones: no private address, no Chinese name, one name only, very long names,
    names that look like HTML or like a header."""
    for number, (surname, given, preferred, chinese, mail) in enumerate(_PEOPLE):
        record = RegistryRecord(
            source="samples",
            file="samples",
            line=number,
            student_id=f"sample-{number}",
            proposed_id=f"sample-{number}",
            surname=surname,
            given_names=given,
            preferred_name=preferred,
            chinese_name=chinese,
            hkid_digest=None,
            birth_digest="",
            programme="SAMPLE",
            department="Samples",
            level=list(Level)[number % len(Level)],
            status=Status.REGISTERED,
            status_on=now.date() - timedelta(days=1000),
            expected_end_on=None,
            personal_mail=mail,
            supervisor_mail=None,
            language=None,
            confidential=False,
        )
        yield _account(record, now)


_LONG = "Wolfeschlegelsteinhausenbergerdorff " * 5
_PEOPLE = (
    ("CHAN", "Tai Man", "Peter", "陳大文", "peter@example.net"),
    ("CHAN", "Tai Man", None, None, None),
    ("Sukarno", "", None, None, "sukarno@example.net"),
    (_LONG.strip(), _LONG.strip(), None, "歐陽" * 20, f"{'x' * 64}@{'y' * 60}.example.net"),
    ("<b>O'Brien</b>", '"J" & Sons', "<script>", "<陳>&", "a&b@example.net"),
    ("LEE\r\nBcc: all@example.net", "Line\u2028Break", None, "李\n明", None),
)


def _account(record: RegistryRecord, now: datetime) -> Account:
    return Account(
        person_id=record.proposed_id,
        student_id=record.student_id,
        account_name="tmchan",
        uid_number=None,
        state=State.ACTIVE,
        applied=True,
        created_at=now,
        activated_at=now,
        unlisted=False,
        next_on=None,
        records=(record,),
        holds=(),
        extensions=(),
        occurrences=(),
        outbox=(),
        absences=(),
        contact=(),
        display_name=None,
        aliases=(),
        second_factor_at=None,
    )

"""What a mail to a person says: the words (template variables) that stand for a notice, and in which languages.

Which mails are due is domain/notices'; how templates are found and rendered, and what is wrong with one, is the
template adapter's; sending is the outbox's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from typing import Protocol

from provisiond.domain.entries import display_name
from provisiond.domain.lifecycle import Standing, standing
from provisiond.domain.model import Account, Language, Notice, NoticeKind, State
from provisiond.domain.notices import occurrence_of
from provisiond.domain.people import person
from provisiond.domain.policy import Policy, SourcePolicy
from provisiond.ports import Clock, Letter

MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
TO_OPERATORS = (Language.ENGLISH,)
LANGUAGES = {
    "both": (Language.ENGLISH, Language.CHINESE),
    Language.ENGLISH: (Language.ENGLISH,),
    Language.CHINESE: (Language.CHINESE,),
}


class Templates(Protocol):
    """What the template adapter does."""

    def rendered(
        self, kind: NoticeKind, languages: tuple[Language, ...], words: Mapping[str, object]
    ) -> Letter:
        """Raises ConfigError naming template, line and variable."""
        ...


@dataclass(frozen=True, slots=True)
class Day:
    """A date, or an instant, as each language writes it."""

    en: str
    zh: str


@dataclass(frozen=True, slots=True)
class Sender:
    """Who writes, and where people ask."""

    name: str
    chinese_name: str | None
    help_mail: str
    help_telephone: str | None
    help_url: str | None
    portal_url: str | None


@dataclass(frozen=True, slots=True)
class Writer:
    """ports.Letters. `language`: as in settings; `summary`: what an operator notice is about; `code_of`: the
    code that was issued to a person at an instant, which is kept nowhere."""

    templates: Templates
    policy: Policy
    zone: tzinfo
    clock: Clock
    sender: Sender
    language: str
    summary: Callable[[Notice], str]
    code_of: Callable[[str, datetime], str]

    def letter(self, notice: Notice, account: Account | None) -> Letter:
        return self.templates.rendered(
            notice.kind, self._languages(notice, account), self.words(notice, account)
        )

    def words(self, notice: Notice, account: Account | None) -> dict[str, object]:
        """The same names for every kind; what a kind has nothing to say of is None."""
        now = self.clock.now()
        today = now.astimezone(self.zone).date()
        told: dict[str, object] = dict.fromkeys(WORDS) | _of_sender(self.sender) | {"today": day(today)}
        if account is None:
            return told | {"summary": self.summary(notice)}
        someone = person(account.student_id, account, (), self.policy.sources)
        where = standing(someone, today, self.zone, self.policy.lifecycle) if someone.records else None
        return told | self._of_account(account, where) | self._of_notice(notice, account, where, today)

    def _languages(self, notice: Notice, account: Account | None) -> tuple[Language, ...]:
        if account is None:
            return TO_OPERATORS
        said = language_of(account, self.policy.sources) if self.language == "record" else self.language
        return LANGUAGES[said or "both"]

    def _of_account(self, account: Account, where: Standing | None) -> dict[str, object]:
        told: dict[str, object] = {
            "account_name": account.account_name,
            "mail": f"{account.account_name}@{self.policy.directory.mail_domain}",
            "name": account.account_name,
            "name_zh": account.account_name,
        }
        if where is None:  # cut off before the first commit
            return told
        name = display_name(where.record)
        later = self.policy.entitlement(State.ALUMNI, where.record.level)
        return told | {
            "name": name,
            "name_zh": where.record.chinese_name or name,
            "alumni_login": later.login,
            "alumni_quota": quota_text(later.quota_bytes),
        }

    def _of_notice(
        self, notice: Notice, account: Account, where: Standing | None, today: date
    ) -> dict[str, object]:
        told: dict[str, object] = {}
        if (expires_on := _expires_on(notice, where)) is not None:
            told |= {"expires_on": day(expires_on), "days_left": (expires_on - today).days}
        if where and where.completed_on:
            told["completed_on"] = day(where.completed_on)
        if notice.about_on:
            if notice.kind is NoticeKind.GRACE_BEGUN:
                told["completed_on"] = day(notice.about_on)
            if notice.kind is NoticeKind.TERMINATED:
                told["withdrawn_on"] = day(notice.about_on)
            if notice.kind is NoticeKind.HOLD_SET:
                told["until_on"] = day(notice.about_on)
        if (occurrence := occurrence_of(notice, account)) is not None:
            told |= {"happened_at": moment(occurrence.at, self.zone), "reason": occurrence.reason or None}
            if notice.kind is NoticeKind.ACTIVATION_CODE:
                until = moment(occurrence.at + self.policy.portal.code_lasts, self.zone)
                told |= {"code": grouped(self.code_of(account.person_id, occurrence.at)), "code_until": until}
        return told


# Every word a template may use; docs/operations.md says what each means.
WORDS = (
    *("university", "university_zh", "portal_url", "help_mail", "help_telephone", "help_url", "today"),
    *("name", "name_zh", "account_name", "mail", "alumni_login", "alumni_quota"),
    *("completed_on", "expires_on", "days_left", "withdrawn_on", "until_on", "happened_at", "reason"),
    *("summary", "code", "code_until"),
)
_ABOUT_EXPIRY = frozenset(
    {NoticeKind.EXPIRY_REMINDER, NoticeKind.EXPIRY, NoticeKind.ALUMNI}
    | {NoticeKind.EXTENDED, NoticeKind.EXTENSION_REFUSED}
)


def language_of(account: Account, sources: SourcePolicy) -> Language | None:
    """None: the registry does not say."""
    records = person(account.student_id, account, (), sources).records if account.records else ()
    return next((record.language for record in records if record.language), None)


def day(on: date) -> Day:
    """28 February 2027 (Sunday), and 2027年2月28日（星期日）; no locale has a say in it."""
    weekday = on.weekday()
    english = f"{on.day} {MONTHS[on.month - 1]} {on.year} ({WEEKDAYS[weekday]})"
    return Day(english, f"{on.year}年{on.month}月{on.day}日（星期{'一二三四五六日'[weekday]}）")


def moment(at: datetime, zone: tzinfo) -> Day:
    there = at.astimezone(zone)
    on = day(there.date())
    return Day(f"{on.en}, {there:%H:%M}", f"{on.zh}{there:%H:%M}")


def grouped(code: str) -> str:
    """In fours, as people read it out and type it."""
    return "-".join(code[begin : begin + 4] for begin in range(0, len(code), 4))


def quota_text(quota_bytes: int | None) -> str | None:
    """As people say it: 5 GB. None: no limit is written, or there is no mailbox."""
    if not quota_bytes:
        return None
    size, unit = float(quota_bytes), "MB"
    size /= 2**20
    if size >= 1024:
        size, unit = size / 1024, "GB"
    return f"{size:.1f}".removesuffix(".0") + f" {unit}"


def _of_sender(sender: Sender) -> dict[str, object]:
    return {
        "university": sender.name,
        "university_zh": sender.chinese_name or sender.name,
        "portal_url": sender.portal_url,
        "help_mail": sender.help_mail,
        "help_telephone": sender.help_telephone,
        "help_url": sender.help_url,
    }


def _expires_on(notice: Notice, where: Standing | None) -> date | None:
    """The date that holds on the day of sending: where a notice was late, it is later than the one decided on."""
    if where and where.expires_on:
        return where.expires_on
    return notice.about_on if notice.kind in _ABOUT_EXPIRY else None

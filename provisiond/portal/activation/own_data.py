"""Whether a password holds what others know of its owner: name, account name, student ID, address, date of birth,
HKID number. The last two are kept nowhere in the clear: what in a password may be one is digested and compared."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import cached_property

from provisiond.domain import hkid
from provisiond.domain.model import Account
from provisiond.portal.activation.blocklist import folded
from provisiond.portal.activation.identity import Digests

_LETTERS = r"[^\W\d_]"
_PARTS = re.compile(r"[^\W\d_]+")
_SHORTEST_PART, _SHORTEST_MARK, _HIDDEN = 3, 4, 5
_NUMBER = re.compile(r"(?=([a-z]{1,2}[0-9]{6}))")
_GAP = r"[-/.,_ \u5e74\u6708\u65e5]{0,2}"
_DAY, _YEAR = r"(\d{1,2})(?:st|nd|rd|th)?", r"((?:19|20)\d\d|\d\d)"
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_NAMED = f"({'|'.join(_MONTHS)})[a-z]{{0,6}}"
# in which order year, month and day stand: (?=…) finds those that overlap, too
_ORDERS = (
    (re.compile(f"(?={_YEAR}{_GAP}(\\d\\d?){_GAP}{_DAY})"), "ymd"),
    (re.compile(f"(?={_DAY}{_GAP}(\\d\\d?){_GAP}{_YEAR})"), "dmy"),
    (re.compile(f"(?=(\\d\\d?){_GAP}{_DAY}{_GAP}{_YEAR})"), "mdy"),
    (re.compile(f"(?={_YEAR}{_GAP}{_NAMED}{_GAP}{_DAY})"), "ymd"),
    (re.compile(f"(?={_DAY}{_GAP}{_NAMED}{_GAP}{_YEAR})"), "dmy"),
    (re.compile(f"(?={_NAMED}{_GAP}{_DAY}{_GAP}{_YEAR})"), "mdy"),
)
_RUN = re.compile(r"\d{6,}")
_FIXED = (
    *(("ymd", (4, 2, 2)), ("dmy", (2, 2, 4)), ("mdy", (2, 2, 4))),
    *(("ymd", (2, 2, 2)), ("dmy", (2, 2, 2)), ("mdy", (2, 2, 2))),
)


class Own(StrEnum):
    """What was found."""

    NAME = "own-name"
    ACCOUNT_NAME = "own-account-name"
    STUDENT_ID = "own-student-id"
    MAIL = "own-mail"
    BIRTH_DATE = "own-birth-date"
    HKID = "own-hkid"


@dataclass(frozen=True)
class OwnData:
    """Of one person; `names`: every name on record, as written."""

    account_name: str
    student_id: str
    names: frozenset[str]
    mails: frozenset[str]
    birth_digests: frozenset[str] = field(repr=False)
    hkid_digests: frozenset[str] = field(repr=False)

    @cached_property
    def name_parts(self) -> frozenset[str]:
        """Words of Latin names from three letters on, and all of a name together; Chinese names whole and without the
        surname."""
        parts = {part for name in self.names for part in _PARTS.findall(folded(name))}
        whole = {"".join(_PARTS.findall(folded(name))) for name in self.names}
        latin = {part for part in parts | whole if len(part) >= _SHORTEST_PART}
        chinese = {part for part in parts if not part.isascii() and len(part) >= 2 and _is_han(part)}
        return frozenset(latin | chinese | {part[1:] for part in chinese if len(part) >= 3})

    def guesses(self) -> tuple[str, ...]:
        """What somebody who knows the person tries first."""
        return (self.account_name, self.student_id, *sorted(self.name_parts), *sorted(self._mailboxes))

    @property
    def _mailboxes(self) -> frozenset[str]:
        return frozenset(folded(mail).partition("@")[0] for mail in self.mails)

    def within(self, password: str, digests: Digests) -> Iterator[Own]:
        """Each kind once."""
        plain = folded(password)
        if any(_stands_out(part, plain) for part in self.name_parts):
            yield Own.NAME
        if folded(self.account_name) in plain:
            yield Own.ACCOUNT_NAME
        if len(self.student_id) >= _SHORTEST_MARK and folded(self.student_id) in plain:
            yield Own.STUDENT_ID
        if any(len(box) >= _SHORTEST_MARK and box in plain for box in self._mailboxes):
            yield Own.MAIL
        if any(digests.birth(on) in self.birth_digests for on in set(dates_within(plain))):
            yield Own.BIRTH_DATE
        if any(digests.hkid(number) in self.hkid_digests for number in numbers_within(plain)):
            yield Own.HKID


def own_data(account: Account) -> OwnData:
    records = account.records
    names = {n for r in records for n in (r.surname, r.given_names, r.preferred_name, r.chinese_name) if n}
    return OwnData(
        account_name=account.account_name,
        student_id=account.student_id,
        names=frozenset(names),
        mails=frozenset(r.personal_mail for r in records if r.personal_mail),
        birth_digests=frozenset(r.birth_digest for r in records if r.birth_digest),
        hkid_digests=frozenset(r.hkid_digest for r in records if r.hkid_digest),
    )


def _is_han(text: str) -> bool:
    return all("\u3400" <= sign <= "\u9fff" or sign >= "\U00020000" for sign in text)


def _stands_out(part: str, plain: str) -> bool:
    """Whether a name is there to be seen: `chan` in `chan2026` and `taichan`, not in `merchant`; `man` not in
    `seaman`, but in `man-2026`."""
    if _is_han(part) or len(part) > _HIDDEN:
        return part in plain
    begins, ends = f"(?<!{_LETTERS}){part}", f"{part}(?!{_LETTERS})"
    form = f"{begins}(?!{_LETTERS})" if len(part) <= _SHORTEST_PART else f"{begins}|{ends}"
    return re.search(form, plain) is not None


def numbers_within(plain: str) -> Iterator[str]:
    """Whatever may be an HKID number, canonical; its check digit may be missing or wrong."""
    for found in _NUMBER.finditer(plain):
        body = found[1].upper()
        yield body + hkid.check_digit(body)


def dates_within(plain: str) -> Iterator[date]:
    """Whatever may be a date: 2005-03-09, 09/03/05, 9 Mar 2005, 20050309, 2005年3月9日, in any order of parts."""
    for pattern, order in _ORDERS:
        for found in pattern.finditer(plain):
            yield from _dates(order, found.groups())
    for run in _RUN.findall(plain):
        for order, sizes in _FIXED:
            for at in range(len(run) - sum(sizes) + 1):
                yield from _dates(order, _cut(run[at:], sizes))


def _cut(digits: str, sizes: Iterable[int]) -> tuple[str, ...]:
    parts, at = [], 0
    for size in sizes:
        parts.append(digits[at : at + size])
        at += size
    return tuple(parts)


def _dates(order: str, parts: tuple[str, ...]) -> Iterator[date]:
    named = dict(zip(order, parts, strict=True))
    month = _MONTHS.index(named["m"]) + 1 if named["m"] in _MONTHS else int(named["m"])
    year = int(named["y"])
    for full in (year,) if len(named["y"]) == 4 else (1900 + year, 2000 + year):
        try:
            yield date(full, month, int(named["d"]))
        except ValueError:
            continue

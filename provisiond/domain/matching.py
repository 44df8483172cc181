"""Which entry that another tool made is whose: how a student ID is read from it, whether the rest of it fits that
student, and what keeps it from being adopted. Which pairs there are is gathered by the roster."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from provisiond.domain.latin import fold
from provisiond.domain.model import Attributes, Entry, RegistryRecord
from provisiond.domain.policy import DirectoryPolicy
from provisiond.domain.takeover import account_name

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_BIRTH_FORMATS = ("%Y%m%d", "%Y-%m-%d", "%d/%m/%Y")


@dataclass(frozen=True, slots=True)
class AdoptRule:
    """How existing entries are matched. `pattern`: a regular expression; its group `student_id`, or the first, or all
    of what it finds is the student ID. `activated`: adopted accounts have a password of their own and use it;
    `listed`: make a listing for them (nobody asked them yet)."""

    attribute: str = "employeeNumber"
    pattern: str | None = None
    surname: bool = True  # must fit
    birth_date_attribute: str | None = None  # must fit where an entry has it
    activated: bool = True
    listed: bool = False


def student_ids(attributes: Attributes, rule: AdoptRule) -> frozenset[str]:
    """Whose the entry says it is."""
    values = attributes.get(rule.attribute.lower(), ())
    return frozenset(filter(None, (_student_id(value.strip(), rule.pattern) for value in values)))


def _student_id(value: str, pattern: str | None) -> str | None:
    if pattern is None:
        return value
    found = re.search(pattern, value)
    if found is None:
        return None
    named = found.groupdict().get("student_id")
    return named or (found[1] if found.re.groups else found[0])


def hindrances(entry: Entry, where: DirectoryPolicy) -> Iterator[str]:
    """What keeps this entry from being anybody's account."""
    classes = {name.casefold() for name in entry.attributes.get("objectclass", ())}
    name = account_name(entry)
    if "inetorgperson" not in classes:
        yield "it is no inetOrgPerson, and a server changes no structural class"
    if name is None:
        yield "it has no uid"
    elif not _NAME.fullmatch(name):
        yield f"the name {name} can stand in no mail address"
    if not any(_under(entry.dn, base) for base in (where.people_base, *where.account_bases)):
        yield "it lies neither under directory.people_base nor in directory.account_bases"
    if any(_under(entry.dn, dn) or entry.dn.casefold() == dn.casefold() for dn in where.protected):
        yield "it is protected (directory.protected)"


def misfits(
    entry: Entry, records: Sequence[RegistryRecord], rule: AdoptRule, birth_digest: Callable[[date], str]
) -> Iterator[str]:
    """What speaks against this student's being this entry's person."""
    if rule.surname and not any(_surname_fits(entry.attributes, record) for record in records):
        shown = " ".join(entry.attributes.get("sn", ()))
        yield f"the surname {shown} does not fit {' or '.join(sorted({r.surname for r in records}))}"
    births = _births(entry.attributes, rule)
    if births and not {birth_digest(on) for on in births} & {record.birth_digest for record in records}:
        yield "the birth date does not fit"


def _under(dn: str, base: str) -> bool:
    return dn.casefold().endswith(f",{base.casefold()}")


def _surname_fits(attributes: Attributes, record: RegistryRecord) -> bool:
    wanted = fold(record.surname or record.given_names).replace(" ", "")
    surnames = {fold(value).replace(" ", "") for value in attributes.get("sn", ())}
    words = {word for value in attributes.get("cn", ()) for word in fold(value).split()}
    chinese = {value for name in ("cn;lang-zh", "cn") for value in attributes.get(name, ())}
    return wanted in surnames | words or (record.chinese_name is not None and record.chinese_name in chinese)


def _births(attributes: Attributes, rule: AdoptRule) -> list[date]:
    values = attributes.get((rule.birth_date_attribute or "").lower(), ())
    return [on for value in values if (on := _date(value))]


def _date(text: str) -> date | None:
    for form in _BIRTH_FORMATS:
        try:
            return datetime.strptime(text, form).date()  # noqa: DTZ007 - a date
        except ValueError:
            continue
    return None

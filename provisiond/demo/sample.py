"""A sample registry as a real student system might export it: many kinds of names, a few of every status.

Decides rows from a count, a seed and a date only, so that a demonstration can be repeated. All numbers,
people and addresses are made up; exactly one row is bad (a wrong HKID check digit)."""

from __future__ import annotations

import csv
import os
import random
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path

from provisiond.demo.people import COMMON_GIVEN, COMMON_SURNAMES, ODD_NAMES, Name
from provisiond.domain.hkid import check_digit

MAPPING: Mapping[str, str] = {
    "student_id": "STUDENT_ID",
    "surname": "SURNAME",
    "given_names": "GIVEN_NAMES",
    "preferred_name": "PREFERRED_NAME",
    "chinese_name": "CHINESE_NAME",
    "hkid": "HKID_NO",
    "birth_date": "DATE_OF_BIRTH",
    "programme": "PROG_CODE",
    "department": "DEPT_NAME",
    "level": "STUDY_LEVEL",
    "status": "REG_STATUS",
    "status_on": "STATUS_DATE",
    "expected_end_on": "EXP_END_DATE",
    "personal_mail": "PERSONAL_EMAIL",
    "supervisor_mail": "SUPERVISOR_EMAIL",
    "confidential": "CONFIDENTIAL",
}
CODES: Mapping[str, Mapping[str, str]] = {
    "level": {"UG": "undergraduate", "TPG": "taught-postgraduate", "RPG": "research-postgraduate"},
    "status": {"REG": "registered", "LOA": "on-leave", "GRAD": "completed", "WD": "withdrawn"},
    "confidential": {"Y": "true", "N": "false"},
}
TRAILER = r"TRAILER,(?P<count>\d+)"

_PROGRAMMES = (
    ("BSC-CS", "Computer Science", "UG", 4),
    ("BENG-CE", "Civil Engineering", "UG", 4),
    ("BBA-FIN", "Finance", "UG", 4),
    ("BA-TRA", "Translation", "UG", 4),
    ("MSC-DS", "Computer Science", "TPG", 1),
    ("MA-LING", "Linguistics", "TPG", 1),
    ("MPHIL-PHY", "Physics", "RPG", 2),
    ("PHD-CHEM", "Chemistry", "RPG", 4),
)
_STATUSES = ("REG",) * 44 + ("LOA",) * 3 + ("GRAD",) * 2 + ("WD",)


def sample_rows(count: int, seed: int, today: date) -> list[dict[str, str]]:
    """`count` rows, by column header. Odd names come first, spread later; about one person in forty has
    two programmes."""
    chance = random.Random(seed)  # noqa: S311 - a sample, no secret
    names = _names(chance)
    rows: list[dict[str, str]] = []
    while len(rows) < count:
        row = _row(len(rows) + 1, next(names), chance, today)
        rows.append(row)
        if len(rows) < count and chance.random() < 0.025 and row["STUDY_LEVEL"] == "UG":
            rows.append(_second_programme(row, today))
    chance.shuffle(rows)
    return _with_one_bad_hkid(rows)


def write_csv(path: Path, rows: Sequence[Mapping[str, str]]) -> None:
    """Header, rows and trailer, put in place at once: a reader never sees half a file."""
    new = path.with_name(f".{path.name}.new")
    with new.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, tuple(MAPPING.values()), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        stream.write(f"TRAILER,{len(rows)}\n")
        stream.flush()
        os.fsync(stream.fileno())
    new.replace(path)


def _names(chance: random.Random) -> Iterator[Name]:
    """The odd ones once each, then common ones, the most common surnames most often."""
    yield from ODD_NAMES
    surnames = list(COMMON_SURNAMES)
    weights = [len(surnames) - place for place in range(len(surnames))]
    while True:
        surname, sign = chance.choices(surnames, weights)[0]
        given, chinese = chance.choice(COMMON_GIVEN)
        preferred = chance.choice(("", "", "", "Kelly", "Jason", "Winnie", "Tony", "Yuki"))
        yield Name(surname, given, preferred, sign + chinese)


def _row(number: int, name: Name, chance: random.Random, today: date) -> dict[str, str]:
    programme, department, level, years = chance.choice(_PROGRAMMES)
    status = chance.choice(_STATUSES)
    began = today - timedelta(days=chance.randrange(1, 300))
    since = today - timedelta(days=chance.randrange(1, 60)) if status != "REG" else began
    student_id = f"{today.year % 100:02}{number:06}"
    return {
        "STUDENT_ID": student_id,
        "SURNAME": name.surname,
        "GIVEN_NAMES": name.given_names,
        "PREFERRED_NAME": name.preferred_name,
        "CHINESE_NAME": name.chinese_name,
        "HKID_NO": _hkid(number, chance) if chance.random() < 0.8 else "",
        "DATE_OF_BIRTH": (today - timedelta(days=chance.randrange(18 * 366, 32 * 365))).isoformat(),
        "PROG_CODE": programme,
        "DEPT_NAME": department,
        "STUDY_LEVEL": level,
        "REG_STATUS": status,
        "STATUS_DATE": since.isoformat(),
        "EXP_END_DATE": (since if status == "GRAD" else _years_after(began, years)).isoformat(),
        "PERSONAL_EMAIL": f"student.{student_id}@example.org" if chance.random() < 0.95 else "",
        "SUPERVISOR_EMAIL": f"prof{chance.randrange(1, 20)}@example.edu" if level == "RPG" else "",
        "CONFIDENTIAL": "Y" if chance.random() < 0.02 else "N",
    }


def _second_programme(row: Mapping[str, str], today: date) -> dict[str, str]:
    """The same person completed the first programme and goes on to a research degree."""
    since = today - timedelta(days=5)
    return dict(row) | {
        "PROG_CODE": "PHD-CS",
        "DEPT_NAME": "Computer Science",
        "STUDY_LEVEL": "RPG",
        "REG_STATUS": "REG",
        "STATUS_DATE": since.isoformat(),
        "EXP_END_DATE": _years_after(since, 4).isoformat(),
        "SUPERVISOR_EMAIL": "prof1@example.edu",
    }


def _years_after(day: date, years: int) -> date:
    return date(day.year + years, 6, 30)


def _hkid(number: int, chance: random.Random) -> str:
    """Unique by its number; written as people write it."""
    body = f"{chance.choice('ACEGKRYZ')}{number % 1_000_000:06}"
    return f"{body}({check_digit(body)})"


def _with_one_bad_hkid(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    """The first row that has an ordinary name and one programme gets a wrong check digit."""
    ids = [row["STUDENT_ID"] for row in rows]
    odd = {name.surname for name in ODD_NAMES}
    for row in rows:
        number = row["HKID_NO"]
        if number and ids.count(row["STUDENT_ID"]) == 1 and row["SURNAME"] not in odd:
            row["HKID_NO"] = f"{number[:-3]}({'1' if number[-2] != '1' else '2'})"
            break
    return rows

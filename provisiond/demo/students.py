"""With whom the demo's portal is shown: one student to activate by identity card number, one by date of birth (and a
code by mail), and one who has activated already. Knows what a student knows, and what a phone would show."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime

from provisiond.bootstrap_portal import Opened
from provisiond.demo.people import ODD_NAMES
from provisiond.demo.sample import CODES, MAPPING
from provisiond.demo.university import University
from provisiond.portal.activation.factors import code_at, new_secret
from provisiond.portal.activation.recovery import code_set, new_codes
from provisiond.portal.desk import Desk

STEP = 30  # seconds that a code is shown
_REGISTERED = {theirs for theirs, ours in CODES["status"].items() if ours == "registered"}


@dataclass(frozen=True, slots=True)
class Student:
    """One row of the registry, and the account. `password`: of one who has activated."""

    student_id: str
    name: str
    hkid: str = field(repr=False)
    born_on: str = field(repr=False)
    mail: str
    person_id: str
    account_name: str
    password: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Cast:
    by_hkid: Student
    by_birth: Student
    activated: Student

    @property
    def to_activate(self) -> tuple[Student, Student]:
        return self.by_hkid, self.by_birth


def cast(university: University, opened: Opened, taken: Collection[str]) -> Cast:
    """`taken`: student IDs of those to whom something happened already."""
    found = list(_students(university, opened.desk, taken))
    with_card = [student for student in found if student.hkid]
    without = [student for student in found if not student.hkid]
    return Cast(with_card[0], without[0], activated(opened.desk, with_card[1]))


def _students(university: University, desk: Desk, taken: Collection[str]) -> Iterator[Student]:
    """Registered, one programme, an ordinary name, an account that is there and was not activated."""
    rows = university.rows()
    ids = Counter(row[MAPPING["student_id"]] for row in rows)
    odd = {name.surname for name in ODD_NAMES}
    for row in rows:
        given = {name: row[column] for name, column in MAPPING.items()}
        student_id = given["student_id"]
        plain = given["status"] in _REGISTERED and given["confidential"] == "N" and given["personal_mail"]
        if not plain or student_id in taken or ids[student_id] > 1 or given["surname"] in odd:
            continue
        account = _account(desk, student_id)
        if account:
            name = f"{given['surname']} {given['given_names']}"
            facts = (given["hkid"], given["birth_date"], given["personal_mail"], *account)
            yield Student(student_id, name, *facts)


def _account(desk: Desk, student_id: str) -> tuple[str, str] | None:
    """Its person ID and name, where it may be activated."""
    proofs = desk.ledger.proofs(student_id)
    account = desk.ledger.account(proofs.person_id) if proofs and proofs.person_id else None
    if account is None or not account.applied or account.activated_at:
        return None
    return account.person_id, account.account_name


def activated(desk: Desk, student: Student) -> Student:
    """As the pages of the portal do it: password, token, second factor, the order to the daemon."""
    password, secret, now = f"demo {secrets.token_hex(6)}", new_secret(), desk.clock.now()
    refused = desk.directory.set_password(student.person_id, password)
    assert refused is None, refused
    desk.directory.put_token(student.person_id, secret)
    factor = desk.ledger.begin_factor(student.person_id, desk.vault.seal(secret, student.person_id), now)
    terms = (desk.rules.terms_version, now)
    step = int(now.timestamp()) // STEP - 3  # a code of the past: the one of this moment is still good
    desk.ledger.complete_activation(
        student.person_id, factor.id, step, code_set(new_codes(), now), terms, now
    )
    return replace(student, password=password)


def pending_secret(desk: Desk, student: Student) -> bytes | None:
    """Of an enrolment that waits for its first code: what the student's phone has been shown. Only the demo looks."""
    factor = desk.ledger.pending_factor(student.person_id)
    return desk.vault.open(factor.sealed, student.person_id) if factor else None


def secret(desk: Desk, student: Student) -> bytes | None:
    """Of the second factor that counts."""
    factor = desk.ledger.factor(student.person_id)
    return desk.vault.open(factor.sealed, student.person_id) if factor else None


def code(secret: bytes, at: datetime) -> str:
    """What a phone shows at that moment."""
    return code_at(secret, at)

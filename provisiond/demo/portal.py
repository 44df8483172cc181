"""The portal's part of the demo while somebody looks at it: where it is, whom to try it with, which mails go out, and
what the phones of the made-up students would show."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage

from provisiond.bootstrap_portal import Opened
from provisiond.cli import screen
from provisiond.demo import students
from provisiond.demo.sink import Sink, text_of
from provisiond.demo.students import STEP, Cast, Student
from provisiond.demo.university import University

_CODE = re.compile(r"^ {4}([A-Z2-7]{4}(?:-[A-Z2-7]{4})+)$", re.MULTILINE)  # stands alone in its mail


def tell(university: University, people: Cast) -> None:
    """What can be tried, in plain lines."""
    one, other, member = people.by_hkid, people.by_birth, people.activated
    screen.say(f"  The portal is open: http://localhost:{university.portal_port}/", "bold cyan")
    screen.say("  Activate this student with an identity card number:", "bold")
    screen.say(f"    {one.name}: student ID {one.student_id}, Hong Kong ID {one.hkid}")
    screen.say("  or this one, who has no identity card (a code comes by mail, shown here):", "bold")
    screen.say(f"    {other.name}: student ID {other.student_id}, date of birth {other.born_on}")
    screen.say("  The codes that their phones would show are told here, each half minute.")
    screen.say("  Log in as a student who has activated already:", "bold")
    screen.say(f"    {member.name}: account name {member.account_name}, password {member.password}")
    screen.say("  Search the communications directory: try the surname of one of them.")


@dataclass
class Phones:
    """Of the sample students: tells codes while they are wanted, all in one line. The university's own key opens the
    secrets, and only the demo does that: otherwise nobody but the phone knows them."""

    opened: Opened
    people: Cast
    told: dict[str, int] = field(default_factory=dict)

    def look(self) -> None:
        """Once a second."""
        now = self.opened.desk.clock.now()
        step, gone = divmod(int(now.timestamp()), STEP)
        shown = []
        for student, secret, why in self._wanted():
            if self.told.get(student.person_id) != step:
                self.told[student.person_id] = step
                shown.append(f"{student.name} {students.code(secret, now)} ({why})")
        if shown:
            screen.say(f"  on the phones for {STEP - gone} seconds: {', '.join(shown)}", "green")

    def _wanted(self) -> Iterator[tuple[Student, bytes, str]]:
        desk = self.opened.desk
        for student in (*self.people.to_activate, self.people.activated):
            if pending := students.pending_secret(desk, student):
                yield student, pending, "enrolment"
            elif confirmed := students.secret(desk, student):
                yield student, confirmed, "log-in"


@contextmanager
def mails_told(sink: Sink) -> Iterator[None]:
    """Every mail from now on, in a line; a code that it carries in another."""
    sink.told = _tell_mail
    try:
        yield
    finally:
        sink.told = lambda _mail: None


def _tell_mail(mail: EmailMessage) -> None:
    screen.say(f"  mail to {mail['To']}: {mail['Subject']}", "magenta")
    if found := _CODE.search(text_of(mail)):
        screen.say(f"    it says: {found[1]}", "bold magenta")


def wait(phones: Phones) -> None:
    """Until Ctrl-C (or SIGTERM)."""
    try:
        while True:
            phones.look()
            time.sleep(1)
    except KeyboardInterrupt:
        screen.say("bye")

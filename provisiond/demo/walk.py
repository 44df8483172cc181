"""`--once`: the demo goes the student's way by itself, over HTTP: activation, log-in, a look into the directory; and
what came of it is read back with ldapsearch."""

from __future__ import annotations

import json
import secrets
import subprocess
import time
from collections.abc import Callable
from datetime import timedelta

from provisiond.cli import screen
from provisiond.demo import students
from provisiond.demo.browser import Browser, Shown, WalkError
from provisiond.demo.slapd import program
from provisiond.demo.students import Student
from provisiond.demo.university import BASE, University
from provisiond.portal.desk import Desk

_WITHIN = 60.0  # seconds for what the daemon does


def walk(university: University, desk: Desk, student: Student) -> None:
    """Raises WalkError where the portal does not lead there."""
    password = secrets.token_urlsafe(12)
    activate(university, desk, student, password)
    log_in(university, desk, student, password)
    look_up(university, student)
    read_back(university, student, password)


def activate(university: University, desk: Desk, student: Student, password: str) -> None:
    browser = Browser(university.portal_port)
    page = _at("/activate/identity", browser.fill(browser.open("/activate"), accept="y"))
    page = browser.fill(page, student_id=student.student_id, number=student.hkid)
    _at("/activate/account", page, student.account_name)
    screen.say(f"  {student.name} proved who they are: account name {student.account_name}")
    page = browser.open("/activate/password")
    page = _at("/activate/factor", browser.fill(page, password=password, again=password), "<svg")
    secret = students.pending_secret(desk, student)
    if secret is None:
        raise WalkError("no second factor waits for its code")
    code = students.code(secret, desk.clock.now())
    screen.say(f"  password set; the phone would show {code} (the demo opened the secret with its own key)")
    page = _at("/activate/codes", browser.fill(page, code=code))
    _at("/activate/done", browser.fill(page))
    _in_time("the listing", lambda: json.loads(browser.open("/activate/progress").text)["done"])
    screen.say("  activated; services and listing are there: the daemon has written them")


def log_in(university: University, desk: Desk, student: Student, password: str) -> None:
    """With the code of the next half minute: the one before has been used."""
    secret = students.secret(desk, student)
    assert secret is not None, "it was confirmed a moment ago"
    code = students.code(secret, desk.clock.now() + timedelta(seconds=students.STEP))
    browser = Browser(university.portal_port)
    page = browser.fill(browser.open("/login"), name=student.account_name, password=password, code=code)
    _at("/account", page, student.account_name)
    screen.say("  logged in with password and code: My account is shown")


def look_up(university: University, student: Student) -> None:
    surname = student.name.split()[0]
    found = Browser(university.portal_port).open(f"/directory?name={surname}")
    _at(f"/directory?name={surname}", found, f"/directory/{student.account_name}")
    screen.say(f"  the communications directory finds {surname}: {student.account_name} is there")


def read_back(university: University, student: Student, password: str) -> None:
    """As any client of the directory: the listing for its reader, and the person's own bind."""
    reader = [f"uid=directory-reader,ou=services,{BASE}", "-y", str(university.folder / "secrets" / "reader")]
    listing = _ldap(university, "ldapsearch", *reader, f"ou=contacts,{BASE}", f"(uid={student.account_name})")
    if f"dn: uid={student.account_name},ou=contacts" not in listing:
        raise WalkError(f"ldapsearch does not show the listing of {student.account_name}: {listing}")
    screen.say("  ldapsearch, as the reader of the listings:")
    screen.say(listing.strip(), "dim")
    kept = university.folder / "secrets" / "walk"
    university.keep_secret(kept.name, password)
    own = f"uid={student.account_name},ou=people,{BASE}"
    if "dn:" not in _ldap(university, "ldapwhoami", own, "-y", str(kept)):
        raise WalkError("the new password does not bind")
    screen.say(f"  ldapwhoami with the new password: {own}")


def _ldap(university: University, command: str, bind: str, option: str, secret: str, *search: str) -> str:
    asked = [program(command), "-x", "-H", university.url, "-D", bind, option, secret]
    if search:
        asked += ["-LLL", "-o", "ldif-wrap=no", "-b", *search]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise WalkError(f"{command}: {done.stderr.strip()}")
    return done.stdout


def _at(path: str, page: Shown, holds: str = "") -> Shown:
    if page.path != path or page.status != 200 or holds not in page.text:
        raise WalkError(f"expected {path}{' with ' + holds if holds else ''}, got {page.status} {page.path}")
    return page


def _in_time(what: str, is_so: Callable[[], bool]) -> None:
    give_up = time.monotonic() + _WITHIN
    while not is_so():
        if time.monotonic() > give_up:
            raise WalkError(f"{what} was not there within {_WITHIN:.0f} seconds")
        time.sleep(0.2)

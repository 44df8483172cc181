"""Somebody at a browser without a screen who activates an account, and what is read from the pages."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from html import unescape

import pyotp

from provisiond.domain.model import NoticeKind
from tests.rigs.campus_portal import DIGESTS, HKID, Campus
from tests.rigs.visitor import Seen, Visitor

PASSWORD = "lantern on the ninth pier"


@dataclass
class Student:
    """Somebody at a browser, who knows what they need to know."""

    browser: Visitor
    place: Campus
    student_id: str = "20000001"

    def identify(self, number: str = HKID, student_id: str | None = None) -> Seen:
        page = self.browser.fill(self.browser.get("/activate"), accept="y")
        return self.browser.fill(page, student_id=student_id or self.student_id, number=number)

    def identify_by_birth(self, day: str = "9", month: str = "3", year: str = "2005") -> Seen:
        self.browser.fill(self.browser.get("/activate"), accept="y")
        page = self.browser.get("/activate/birth")
        return self.browser.fill(page, student_id=self.student_id, day=day, month=month, year=year)

    def choose(self, password: str = PASSWORD, again: str | None = None) -> Seen:
        page = self.browser.get("/activate/password")
        return self.browser.fill(page, password=password, again=password if again is None else again)

    def code(self, page: Seen) -> str:
        found = re.search(r'<code id="copyable">([A-Z2-7 ]+)</code>', page.text)
        assert found, page.text
        return pyotp.TOTP(found[1].replace(" ", "")).at(self.place.world.clock.now())

    def enrol_phone(self) -> Seen:
        page = self.browser.get("/activate/factor")
        return self.browser.fill(page, code=self.code(page))

    def activate(self) -> Seen:
        self.identify()
        self.choose()
        return self.browser.fill(self.enrol_phone())


def heading(page: Seen) -> str:
    found = re.search(r"<h1>(.*?)</h1>", page.text, re.DOTALL)
    assert found, page.text
    return unescape(found[1].strip())


def faults(page: Seen) -> list[str]:
    return [unescape(one) for one in re.findall(r'<li><a href="#[\w-]+">(.*?)</a></li>', page.text)]


def mailed(place: Campus, number: int = 1, student_id: str = "20000001") -> str:
    """What the mail of that number to that person says; it is ordered when the page has been answered."""
    pause = threading.Event()
    for _ in range(1000):
        account = place.world.account(student_id)
        told = [o for o in account.occurrences if o.kind is NoticeKind.ACTIVATION_CODE]
        if len(told) >= number:
            return DIGESTS.activation_code(account.person_id, told[number - 1].at)
        pause.wait(0.02)
    raise AssertionError(f"no mail of number {number} was ordered")

"""The way through activation in a browser, by what is on the pages, whichever language they speak."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pyotp
from playwright.sync_api import Page, expect

from tests.rigs.browser import Screen
from tests.rigs.campus_portal import Campus
from tests.rigs.student import PASSWORD

VIEWS = [(size, language) for size in ("phone", "desktop") for language in ("en", "zh-Hant")]
FEWER_VIEWS = [("phone", "zh-Hant"), ("desktop", "en")]  # each size and each language


@dataclass
class Way:
    seen: Screen
    place: Campus

    @property
    def page(self) -> Page:
        return self.seen.page

    def submit(self) -> None:
        self.page.locator("main form").first.locator("button[type=submit]").click()

    def accept(self) -> None:
        self.page.goto("/activate")
        self.page.locator("#accept").check()
        self.submit()
        expect(self.page).to_have_url(re.compile("/activate/identity$"))

    def identify(self, student_id: str = "20000001", number: str = "a123456(3)") -> None:
        self.page.locator("#student_id").fill(student_id)
        self.page.locator("#number").fill(number)
        self.submit()

    def choose(self, password: str = PASSWORD) -> None:
        self.page.locator("#password").fill(password)
        self.page.locator("#again").fill(password)
        self.submit()

    def code(self) -> str:
        key = self.page.locator("#copyable").text_content() or ""
        return pyotp.TOTP(key.replace(" ", "")).at(self.place.world.clock.now())

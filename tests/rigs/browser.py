"""Debian's Chromium, headless, driven by playwright, always from a clean profile; axe-core looks at every page that
is shown, and screenshots are left in .cache/screenshots for whoever wants to see what a student sees."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

SCREENSHOTS = Path(__file__).parents[2] / ".cache" / "screenshots"
PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 800}
SIZES = {"phone": PHONE, "desktop": DESKTOP}
LANGUAGES = {"en": "en-GB", "zh-Hant": "zh-HK"}
_RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    # of the rest one example each: telling all that is well takes longer than finding it
    "resultTypes": ["violations"],
}


@dataclass(frozen=True)
class Screen:
    """One visitor's browser: a size, a language, a colour scheme. `name` is that of its screenshots."""

    page: Page
    name: str

    def shot(self, what: str) -> None:
        """The whole page, as .cache/screenshots/<what>-<name>.png."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SCREENSHOTS / f"{what}-{self.name}.png", full_page=True)

    def check(self, what: str) -> None:
        """Photographed, and without a violation that axe-core finds; nothing wider than the screen."""
        self.shot(what)
        found = Axe().run(self.page, options=_RULES).response["violations"]
        told = [f"{one['id']}: {one['help']}: {one['nodes'][0]['html'][:200]}" for one in found]
        assert not told, f"{what} ({self.name}): {told}"
        wide = self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert wide <= 0, f"{what} ({self.name}) is {wide} pixels wider than the screen"


def chromium() -> str:
    """The path of the browser; the test is skipped where there is none."""
    found = shutil.which("chromium")
    if not found:
        pytest.skip("no Chromium: .ci/install browser")
    return found


@contextmanager
def browser() -> Iterator[Browser]:
    # root's sandbox would need user namespaces; pages are ours
    with sync_playwright() as driver:
        started = driver.chromium.launch(
            executable_path=chromium(), args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        try:
            yield started
        finally:
            started.close()


@contextmanager
def screen(
    of: Browser,
    base: str,
    size: str = "phone",
    language: str = "en",
    *,
    dark: bool = False,
    script: bool = True,
) -> Iterator[Screen]:
    """Errors that pages write on the console (a script or style that the policy forbids, say) fail the test."""
    context: BrowserContext = of.new_context(
        base_url=base,
        viewport=SIZES[size],  # type: ignore[arg-type]
        locale=LANGUAGES[language],
        color_scheme="dark" if dark else "light",
        java_script_enabled=script,
        ignore_https_errors=True,
        is_mobile=size == "phone",
        has_touch=size == "phone",
    )
    context.set_default_timeout(8000)
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    try:
        yield Screen(page, f"{size}-{language}{'-dark' if dark else ''}")
        assert not _unexpected(complaints), complaints
    finally:
        context.close()


def _unexpected(complaints: list[str]) -> list[str]:
    """A page that answers 4xx or 5xx on purpose is no fault of the page."""
    return [
        said for said in complaints if not re.match(r"Failed to load resource: the server responded", said)
    ]

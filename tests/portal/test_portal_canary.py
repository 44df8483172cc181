"""No identity number, birth date, password, key, code or token comes out where it must not: somebody lives a whole
life in the portal, mistypes everything once, meets a fault, and all that was said, shown and kept is searched."""

from __future__ import annotations

import re
import sys
from base64 import b32decode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyotp
import pytest
import structlog
from starlette.responses import Response

from provisiond.discretion import discreet, without_values
from provisiond.portal.application import Page
from provisiond.portal.site import PAGES
from provisiond.portal.visit import SESSION_COOKIE, Stage, Visit
from tests.rigs.campus_portal import DIGESTS, Campus, a_student, campus
from tests.rigs.canary import BORN, HKIDS, NAMES, Canary
from tests.rigs.portal import serving
from tests.rigs.slapd import SlapdRig
from tests.rigs.visitor import Seen, Visitor

NUMBER = HKIDS[0]
FIRST, SECOND, WRONG = "kestrel over quiet harbour", "ninth lantern on the pier", "mistyped walrus password"
A_STEP = timedelta(seconds=31)
AS_WRITTEN = f"{NUMBER[:-1]}({NUMBER[-1]})"


@dataclass
class Life:
    """What somebody does, every page they see and every secret they meet. `shown_once`: what pages are for."""

    place: Campus
    browser: Visitor
    pages: list[Seen] = field(default_factory=list)
    secrets: dict[str, str] = field(default_factory=dict)
    shown_once: set[str] = field(default_factory=set)

    def see(self, seen: Seen) -> Seen:
        self.pages.append(seen)
        if token := self.browser.cookies.get(SESSION_COOKIE):
            self.secrets[f"session {len(self.secrets)}"] = token
        return seen

    def get(self, path: str) -> Seen:
        return self.see(self.browser.get(path))

    def fill(self, page: Seen, form: int = 0, **values: str) -> Seen:
        return self.see(self.browser.filled(page, values, form=form))

    def identify(self, path: str, **typed: str) -> Seen:
        return self.see(self.browser.filled(self.get(path), {"student_id": "47000001", **typed}))

    def code(self) -> str:
        self.place.world.clock.at = self.place.world.clock.at.replace(microsecond=0) + A_STEP
        return pyotp.TOTP(self.secrets["key"]).at(self.place.world.clock.now())

    def keep_codes(self, page: Seen) -> None:
        for number, code in enumerate(
            re.findall(r"<code>([0-9a-z]{4}(?:-[0-9a-z]{4}){3})</code>", page.text)
        ):
            self.secrets[f"recovery code {number} {len(self.secrets)}"] = code


def _broken(visit: Visit) -> Response:
    raise ValueError(f"number {AS_WRITTEN} born {BORN} password {FIRST} of {visit.cookies}")


@contextmanager
def listened() -> Iterator[list[dict[str, Any]]]:
    """Every event at every level, as it leaves for the log."""
    heard: list[dict[str, Any]] = []

    def keep(_logger: Any, _method: str, event: Any) -> Any:
        heard.append(dict(event))
        raise structlog.DropEvent

    before = structlog.get_config()
    mark = [structlog.processors.add_log_level, _exception, without_values, discreet, keep]
    structlog.configure(processors=mark, wrapper_class=structlog.make_filtering_bound_logger(0))
    try:
        yield heard
    finally:
        structlog.configure(**before)


def _exception(_logger: Any, method: str, event: Any) -> Any:
    if method == "exception":
        event["exc_info"] = sys.exc_info()
    return event


def lived(life: Life) -> None:
    world = life.place.world
    life.secrets |= {"first password": FIRST, "second password": SECOND, "wrong password": WRONG}
    life.fill(life.get("/activate"), accept="y")
    life.identify("/activate/identity", number=HKIDS[1])
    life.identify("/activate/birth", day=str(BORN.day), month=str(BORN.month), year=str(BORN.year))
    person_id = world.account("47000001").person_id
    life.secrets["mailed code"] = DIGESTS.activation_code(person_id, world.clock.now())
    life.fill(life.get("/activate/code"), code="AAAA-BBBB-CCCC-DDDD")
    life.fill(life.get("/activate/code"), code=life.secrets["mailed code"])
    life.fill(life.get("/activate/password"), password=WRONG, again=FIRST)
    life.fill(life.get("/activate/password"), password=AS_WRITTEN + " my own", again=AS_WRITTEN + " my own")
    life.fill(life.get("/activate/password"), password=FIRST, again=FIRST)
    key = re.search(r'<code id="copyable">([A-Z2-7 ]+)</code>', life.get("/activate/factor").text)
    assert key is not None
    life.secrets["key"] = key[1].replace(" ", "")
    life.secrets["key, raw"] = b32decode(life.secrets["key"]).decode("latin-1")
    life.shown_once = {"key", "recovery code"}
    life.fill(life.get("/activate/factor"), code="000000")
    codes = life.fill(life.get("/activate/factor"), code=life.code())
    life.keep_codes(codes)
    life.get("/activate/codes.txt")
    assert life.fill(life.get("/activate/codes")).url == "/activate/done"
    world.cycle()
    name = world.account("47000001").account_name
    life.fill(life.get("/account"))  # log out
    life.fill(life.get("/login"), name=name, password=WRONG, code="000000")
    life.fill(life.get("/login"), name=name, password=FIRST, code=life.code())
    for path in ("", "/activity", "/security", "/contact", "/display-name", "/alias", "/phone", "/codes"):
        life.get(f"/account{path}")
    life.fill(life.get("/account/password"), 1, old=FIRST, password=SECOND, again=SECOND)
    told = life.fill(life.get("/account/data"), 1)
    assert '"kept as a digest"' in told.text
    assert life.get("/broken").status == 500
    other = replace(life, browser=Visitor(life.browser.base))
    other.identify("/forgotten", number=AS_WRITTEN)
    other.fill(other.get("/forgotten/code"), code=life.code())
    world.cycle()


def test_nothing_secret_comes_out_in_a_whole_life(slapd: SlapdRig, tmp_path: Path) -> None:
    student = a_student(
        "47000001", NUMBER, birth_digest=DIGESTS.birth(BORN), surname=NAMES[0].upper(), given_names=NAMES[1]
    )
    broken = Page("/broken", Stage.VISITOR, get=_broken)
    with campus(slapd, tmp_path) as place, listened() as heard:
        with serving(place.desk, (*PAGES, broken)) as base:
            place.enrol(student)
            life = Life(place, Visitor(base))
            lived(life)
        person_id = place.world.account("47000001").person_id
        history = str(place.portal_ledger.history(person_id))
    secrets, canary = life.secrets, Canary(life.secrets)
    assert len(secrets) > 20 and len(life.pages) > 40

    said = "\n".join(map(str, heard))
    assert "log-in refused" in said and "identity refused" in said and "page failed" in said
    assert canary.found(said) == [] and canary.names(said) == []
    assert not [
        event for event in heard if "request" in event and "47000001" in str(event)
    ]  # the portal's own

    kept = "".join(file.read_bytes().decode("latin-1") for file in tmp_path.iterdir() if file.is_file())
    assert person_id in kept and canary.found(kept) == []
    assert canary.found(history) == []

    hidden = {what: secret for what, secret in secrets.items() if not what.startswith(tuple(life.shown_once))}
    for page in life.pages:
        assert Canary(hidden).found(page.text + page.url) == [], page.url


@pytest.mark.parametrize("secret", ["session", "key", "recovery code"])
def test_what_is_searched_for_would_be_found(secret: str) -> None:
    """The test of the test."""
    assert Canary({secret: "7k2m-abcd-efgh-jkmn"}).found("so it is 7k2m-abcd-efgh-jkmn.")

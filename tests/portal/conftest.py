"""One Chromium for the tests of a file; a small university whose portal is open."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from provisiond.domain.model import Level, Status
from tests.rigs import browser
from tests.rigs.campus_portal import Campus, a_student, campus
from tests.rigs.lives import TODAY
from tests.rigs.member import activated
from tests.rigs.portal import serving
from tests.rigs.prey import Prey
from tests.rigs.slapd import SlapdRig
from tests.rigs.student import Student
from tests.rigs.visitor import Visitor


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Not for the whole run: playwright's event loop is open until then, and other files run their own."""
    with browser.browser() as started:
        yield started


@pytest.fixture
def place(slapd: SlapdRig, tmp_path: Path) -> Iterator[Campus]:
    with campus(slapd, tmp_path) as made:
        yield made


@pytest.fixture
def address(place: Campus) -> Iterator[str]:
    """Where its portal is."""
    with serving(place.desk) as served:
        yield served


@pytest.fixture
def student(address: str, place: Campus) -> Student:
    return Student(Visitor(address), place)


@pytest.fixture
def many(place: Campus) -> Campus:
    place.enrol(
        a_student(),
        a_student("20000002", "AB9876543"),
        a_student("20000003", "AB1234569"),
        a_student("20000004", "WX1234569"),
        a_student("20000005", "E3649125", surname="", given_names="陳"),
    )
    place.change(place.world.registry.records["20000003", "BSC-CS"], status=Status.WITHDRAWN, status_on=TODAY)
    activated = place.world.account("20000004").person_id
    place.world.ledger.activate(activated, "operator", place.world.clock.now())
    place.world.cycle()
    return place


@pytest.fixture(scope="module")
def prey(slapd_server: SlapdRig, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prey]:
    slapd_server.reset()
    with campus(slapd_server, tmp_path_factory.mktemp("prey")) as place, serving(place.desk) as base:
        place.enrol(a_student("20000009", "G1234566", surname="LEE", given_names="Ka Yan"))
        newcomer = place.world.account("20000009").person_id
        place.enrol(a_student("20000008", "C1234569", surname="WONG", given_names="Siu Ming"))
        phoneless = place.world.account("20000008").person_id
        place.world.ledger.activate(phoneless, "operator", place.world.clock.now())
        member = activated(place, a_student(level=Level.RESEARCH_POSTGRADUATE))
        yield Prey(place, base, member, newcomer, phoneless)

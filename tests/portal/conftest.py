"""One Chromium for all tests of pages in this process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from provisiond.domain.model import Level
from tests.rigs import browser
from tests.rigs.campus_portal import a_student, campus
from tests.rigs.member import activated
from tests.rigs.portal import serving
from tests.rigs.prey import Prey
from tests.rigs.slapd import SlapdRig


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with browser.browser() as started:
        yield started


@pytest.fixture(scope="module")
def prey(slapd_server: SlapdRig, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prey]:
    slapd_server.reset()
    with campus(slapd_server, tmp_path_factory.mktemp("prey")) as place, serving(place.desk) as base:
        place.enrol(a_student("20000009", "G1234566", surname="LEE", given_names="Ka Yan"))
        newcomer = place.world.account("20000009").person_id
        yield Prey(place, base, activated(place, a_student(level=Level.RESEARCH_POSTGRADUATE)), newcomer)

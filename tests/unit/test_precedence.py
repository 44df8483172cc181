"""Several registries about one person: who is believed for what, and that no order of arrival matters."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date
from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from provisiond.domain.model import Level, RegistryRecord, Status
from provisiond.domain.people import people, person
from provisiond.domain.policy import SourcePolicy
from provisiond.domain.precedence import merged
from tests.rigs.lives import a_case, a_person, a_policy, an_account, decide

SOURCES = SourcePolicy(("main", "research", "names"), {"supervisor_mail": ("research", "main")})
MAIN = a_person(source="main", chinese_name=None, personal_mail=None, supervisor_mail="registry@example.edu")
RESEARCH = a_person(
    source="research",
    surname="CHEN",
    given_names="",
    chinese_name="陳大文",
    personal_mail="tm@example.org",
    supervisor_mail="prof@example.edu",
    department="Informatics",
    level=Level.RESEARCH_POSTGRADUATE,
    status=Status.COMPLETED,
    status_on=date(2025, 1, 31),
)
NAMES = a_person(source="names", programme="", chinese_name="陳小文", preferred_name="Tim", birth_digest="")


def the_only(records: tuple[RegistryRecord, ...]) -> RegistryRecord:
    assert len(records) == 1
    return records[0]


def test_two_sources_of_one_programme_are_one_record() -> None:
    record = the_only(merged((MAIN, RESEARCH), SOURCES))
    assert (record.department, record.level, record.status) == (MAIN.department, MAIN.level, MAIN.status)


def test_the_best_source_that_has_a_value_gives_it() -> None:
    record = the_only(merged((MAIN, RESEARCH), SOURCES))
    assert (record.chinese_name, record.personal_mail) == ("陳大文", "tm@example.org")


def test_an_attribute_may_have_an_order_of_its_own() -> None:
    assert the_only(merged((MAIN, RESEARCH), SOURCES)).supervisor_mail == "prof@example.edu"
    plain = replace(SOURCES, precedence={})
    assert the_only(merged((MAIN, RESEARCH), plain)).supervisor_mail == "registry@example.edu"


def test_a_name_is_taken_whole_from_one_source() -> None:
    policy = replace(SOURCES, precedence={"surname": ("research",)})
    record = the_only(merged((MAIN, RESEARCH), policy))
    assert (record.surname, record.given_names) == ("CHEN", "")


def test_a_status_is_taken_with_its_date() -> None:
    policy = replace(SOURCES, precedence={"status": ("research",)})
    record = the_only(merged((MAIN, RESEARCH), policy))
    assert (record.status, record.status_on) == (Status.COMPLETED, date(2025, 1, 31))


def test_other_programmes_stay_and_share_what_is_personal() -> None:
    other = replace(RESEARCH, programme="PHD-CS")
    first, second = merged((MAIN, other), SOURCES)
    assert (first.programme, second.programme) == ("BSC-CS", "PHD-CS")
    assert (first.surname, second.surname) == ("CHAN", "CHAN")
    assert (first.status, second.status) == (Status.REGISTERED, Status.COMPLETED)


def test_whoever_is_confidential_anywhere_is_confidential() -> None:
    assert person("20000001", None, (MAIN, replace(RESEARCH, confidential=True)), SOURCES).confidential


def test_a_supplement_adds_to_a_person_and_makes_none() -> None:
    record = the_only(merged((MAIN, NAMES), SOURCES))
    assert (record.chinese_name, record.preferred_name, record.programme) == ("陳小文", "Tim", "BSC-CS")
    assert people((), {"20000001": (NAMES,)}, SOURCES) == []


def test_a_changed_supplement_is_not_another_human() -> None:
    account = an_account(MAIN)
    found = person("20000001", account, (replace(NAMES, surname="", given_names=""),), SOURCES)
    assert not found.is_another_human
    assert found.records[0].preferred_name == "Tim"


def test_the_main_source_unchanged_and_a_supplement_changed_make_one_step() -> None:
    policy = a_policy(sources=SOURCES)
    plan = decide(a_case(accounts=[an_account(MAIN)], records=[NAMES]), policy)
    assert [step.student_id for step in plan.steps] == ["20000001"]


@st.composite
def records_of_one_person(draw: st.DrawFn) -> list[RegistryRecord]:
    """Up to nine records of three sources, two programmes and supplements."""
    texts = st.sampled_from([None, "a", "b"])
    found = {}
    for source in ("main", "research", "names", "forgotten"):
        for programme in draw(st.sets(st.sampled_from(["BSC-CS", "bsc-cs", "PHD-CS", ""]), max_size=3)):
            found[source, programme.casefold()] = a_person(
                source=source,
                programme=programme,
                surname=draw(st.sampled_from(["CHAN", "CHEN", ""])),
                chinese_name=draw(texts),
                personal_mail=draw(texts),
                department=draw(st.sampled_from(["CS", "Informatics"])),
                status=draw(st.sampled_from(list(Status))),
                confidential=draw(st.booleans()),
            )
    return list(found.values())


@given(records_of_one_person(), st.randoms(use_true_random=False))
def test_the_order_of_records_decides_nothing(records: list[RegistryRecord], chance: random.Random) -> None:
    shuffled = list(records)
    chance.shuffle(shuffled)
    assert merged(tuple(shuffled), SOURCES) == merged(tuple(records), SOURCES)


def test_the_order_of_sources_decides_only_by_policy() -> None:
    given = (MAIN, RESEARCH, NAMES)
    assert len({merged(order, SOURCES) for order in permutations(given)}) == 1
    turned = SourcePolicy(("names", "research", "main"))
    assert the_only(merged(given, turned)).surname != ""
    assert the_only(merged(given, turned)).chinese_name == "陳小文"
    assert the_only(merged(given, SOURCES)).chinese_name == "陳大文"

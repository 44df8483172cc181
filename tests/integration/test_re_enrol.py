"""`provisiond re-enrol`: two operators, one code, and everything that stands between them and a stolen account."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from provisiond.adapters.ledger.portal import SqlPortalLedger
from provisiond.domain.model import NoticeKind
from provisiond.portal.account.re_enrolment import (
    CONFIRMED_WITHIN,
    USED_WITHIN,
    Asked,
    AskedBefore,
    Issued,
    IssuedBefore,
    ReEnrolment,
    plain,
)
from provisiond.portal.account.services import ticket_digest
from provisiond.ports.portal import CodeSet, PortalLedger
from tests.integration.conftest import Site
from tests.rigs.ledgers import AT, committed, url
from tests.rigs.portal_ledgers import Both, on_sqlite
from tests.rigs.registry import DIGESTS

WAIT = timedelta(hours=24)
WHY = "phone stolen, student card seen"
CODES = CodeSet(b"salt", frozenset({b"digest"}), AT)
TERMS = ("1", AT)


@pytest.fixture
def both(tmp_path: Path) -> Iterator[Both]:
    with on_sqlite(tmp_path) as both:
        yield both


@pytest.fixture
def person(both: Both) -> str:
    return committed(both.ledger, 1)


@pytest.fixture
def service(both: Both) -> ReEnrolment:
    return ReEnrolment(both.portal, ticket_digest(DIGESTS), WAIT)


def issued(service: ReEnrolment, person: str) -> Issued:
    assert isinstance(service.vouch(person, "ann", WHY, AT), Asked)
    second = service.vouch(person, "ben", WHY, AT)
    assert isinstance(second, Issued)
    return second


def test_one_operator_is_not_two(service: ReEnrolment, person: str) -> None:
    """However often they ask."""
    service.vouch(person, "ann", WHY, AT)
    assert service.vouch(person, "ann", WHY, AT) == AskedBefore("ann", AT + CONFIRMED_WITHIN)


def test_a_word_that_nobody_confirmed_goes_stale(service: ReEnrolment, person: str) -> None:
    """The second operator of the day after is a first one."""
    service.vouch(person, "ann", WHY, AT)
    later = AT + CONFIRMED_WITHIN
    assert service.vouch(person, "ben", WHY, later) == Asked("ben", later + CONFIRMED_WITHIN)


def test_the_code_counts_after_the_waiting_time_once_and_for_three_days(
    service: ReEnrolment, person: str
) -> None:
    """However it is typed; the ledger does not hold it."""
    given = issued(service, person)
    assert (given.from_at, given.until_at) == (AT + WAIT, AT + WAIT + USED_WITHIN)
    typed = f" {given.code.lower().replace('-', ' ')} "
    assert service.fitting(person, typed, given.from_at - timedelta(seconds=1)) is None
    assert service.fitting(person, typed, given.until_at) is None
    assert service.fitting(person, "AAAA-AAAA-AAAA-AAAA", given.from_at) is None
    digest = service.fitting(person, typed, given.from_at)
    assert digest is not None and plain(given.code).lower() not in digest
    assert service.use(person, digest, given.from_at)
    assert not service.use(person, digest, given.from_at)
    assert given.code not in repr(given)


def test_another_code_wants_the_first_one_withdrawn(service: ReEnrolment, person: str) -> None:
    """So that nobody takes over what two others did."""
    given = issued(service, person)
    assert service.vouch(person, "eve", WHY, AT) == IssuedBefore(
        ("ann", "ben"), given.from_at, given.until_at
    )
    assert service.withdraw(person, "eve", "wrong person", AT)
    assert not service.withdraw(person, "eve", "wrong person", AT)
    assert service.fitting(person, given.code, given.from_at) is None
    assert isinstance(service.vouch(person, "eve", WHY, AT), Asked)


def test_the_person_is_told_in_the_same_stroke(both: Both, service: ReEnrolment, person: str) -> None:
    """And the history says who vouched and why."""
    issued(service, person)
    account = both.portal.account(person)
    assert account is not None
    assert [one.kind for one in account.occurrences] == [NoticeKind.RE_ENROLMENT_ISSUED]
    told = [(line.event, line.actor) for line in both.portal.history(person)]
    assert ("re-enrolment-asked", "ann") in told and ("re-enrolment-confirmed", "ben") in told
    assert sum(WHY in line.detail for line in both.portal.history(person)) == 2


def with_portal(site: Site) -> None:
    """The configuration says that there is a portal."""
    config = site.university.config
    text = config.read_text(encoding="utf-8")
    secrets = (
        'password_file = "p"\nreader_password_file = "r"\nfactor_key_file = "f"\nhosts = ["localhost"]\n'
    )
    config.write_text(f"{text}\n[portal]\n{secrets}", encoding="utf-8")


def enrolled(site: Site) -> str:
    """The account name of somebody with a second factor."""
    site.run("once")
    name: str = site.json("accounts")[0]["account_name"]
    with closing(SqlPortalLedger.open(url(site.university.folder / "ledger.db"))) as opened:
        portal: PortalLedger = opened
        account = portal.account_named(name)
        assert account is not None
        begun = portal.begin_factor(account.person_id, b"sealed", AT)
        assert portal.complete_activation(account.person_id, begun.id, 1, CODES, TERMS, AT)
    return name


def test_the_command_takes_two_operators(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """By their own names behind sudo; root alone is nobody in particular."""
    with_portal(site)
    name = enrolled(site)
    command = ("re-enrol", name, "--reason", WHY)
    monkeypatch.delenv("SUDO_USER", raising=False)
    monkeypatch.setenv("LOGNAME", "root")
    assert "use sudo" in site.run(*command, expect=65)
    monkeypatch.setenv("SUDO_USER", "ann")
    assert "a second operator must confirm" in site.run(*command)
    assert "ann vouched" in site.run(*command, expect=65)
    monkeypatch.setenv("SUDO_USER", "ben")
    said = site.run(*command)
    [code] = re.findall(r"^  ([A-Z2-7]{4}(?:-[A-Z2-7]{4}){3})$", said, re.MULTILINE)
    assert "good once, from" in said
    assert "to issue another one, withdraw it first" in site.run(*command, expect=65)
    assert "withdrawn" in site.run(*command, "--withdraw")
    assert code not in site.run("history", name)

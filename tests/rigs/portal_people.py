"""Sample students in a ledger, for tests of the portal: made by the real cycle, known by their real digests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from provisiond.adapters.clock import SetClock
from provisiond.cycle import Cycle
from provisiond.domain.hkid import canonical
from provisiond.domain.model import Account, Level, RegistryRecord
from provisiond.ports import Directory, Ledger
from provisiond.ports.portal import CodeSet, PortalLedger
from provisiond.result import Work
from tests.rigs.directory import FakeDirectory
from tests.rigs.lives import TODAY, ZONE, a_policy, noon
from tests.rigs.registry import DIGESTS, a_record
from tests.rigs.world import Rows

SECRET = b"JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"  # base32, of the factor of who is active
ACTIVATED_AT = noon(date(2024, 9, 2))


@dataclass(frozen=True, slots=True)
class Sample:
    """What a student knows of themselves, beside what the registry says. `hkid`: as it stands on the card."""

    record: RegistryRecord
    hkid: str | None
    born_on: date

    @property
    def student_id(self) -> str:
        return self.record.student_id


def a_sample(student_id: str, hkid: str | None, born_on: date, **said: Any) -> Sample:
    number = canonical(hkid) if hkid else None
    assert bool(hkid) == bool(number), f"the check digit of {student_id} is wrong"
    record = a_record(
        student_id=student_id,
        source="students",
        hkid_digest=DIGESTS.hkid(number) if number else None,
        birth_digest=DIGESTS.birth(born_on),
        **said,
    )
    return Sample(record, hkid, born_on)


UNDERGRADUATE = a_sample("20240001", "A123456(3)", date(2005, 4, 3), chinese_name="陳大文")
WITHOUT_HKID = a_sample(
    "20240002",
    None,
    date(2004, 12, 31),
    surname="MÜLLER",
    given_names="Anna",
    personal_mail="anna@example.org",
)
ACTIVE = a_sample("20240003", "AB987654(3)", date(2003, 2, 28), surname="WONG", given_names="Siu Ming")
POSTGRADUATE = a_sample(
    "20240004",
    "G123456(A)",
    date(1998, 7, 1),
    surname="LEE",
    given_names="Ka Yan",
    preferred_name="Karen",
    programme="MPHIL-PHY",
    department="Physics",
    level=Level.RESEARCH_POSTGRADUATE,
    supervisor_mail="supervisor@example.edu",
)
CONFIDENTIAL = a_sample(
    "20240005", "Z683365(A)", date(2005, 1, 1), surname="HO", given_names="Wai", confidential=True
)
PARKED = a_sample("20240006", "C555555(6)", date(2005, 6, 6), surname="陳", given_names="")
EVERYBODY = (UNDERGRADUATE, WITHOUT_HKID, ACTIVE, POSTGRADUATE, CONFIDENTIAL, PARKED)


def filled(
    ledger: Ledger,
    portal: PortalLedger,
    directory: Directory | None = None,
    seal: Callable[[bytes, str], bytes] = lambda secret, person_id: secret,
    at: datetime | None = None,
) -> dict[str, Account]:
    """By student ID. All but PARKED have an account; only ACTIVE is activated (the code of no step is used, there are
    no recovery codes left). `seal`: the vault's."""
    rows = Rows()
    rows.put(*(sample.record for sample in EVERYBODY))
    there = directory or FakeDirectory(groups=("students", "library", "alumni"))
    cycle = Cycle([rows], there, ledger, SetClock(at or noon(TODAY)), a_policy(), ZONE)
    cycle.run()
    _activate(portal, DIGESTS.person(ACTIVE.student_id), seal)
    cycle.run(Work((ACTIVE.student_id,)))
    return ledger.load_students(sample.student_id for sample in EVERYBODY)


def _activate(portal: PortalLedger, person_id: str, seal: Callable[[bytes, str], bytes]) -> None:
    factor = portal.begin_factor(person_id, seal(SECRET, person_id), ACTIVATED_AT)
    codes = CodeSet(b"salt", frozenset(), ACTIVATED_AT)
    done = portal.complete_activation(person_id, factor.id, 1, codes, ("sample", ACTIVATED_AT), ACTIVATED_AT)
    assert done

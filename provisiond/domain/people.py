"""Correlates records into persons: one human per student ID, the ledger's person ID before the proposed one.

Decides whose records count; which source is believed is precedence's, what it means for the account lifecycle's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from provisiond.domain.model import Account, RegistryRecord
from provisiond.domain.policy import SourcePolicy
from provisiond.domain.precedence import merged

ONE_SOURCE = SourcePolicy()


@dataclass(frozen=True, slots=True)
class Person:
    """One human: what the registries say now (known records updated by changed ones, one per programme) and the
    account, if there is one. `changed` are the records to be committed with the next step, as they came."""

    person_id: str
    student_id: str
    records: tuple[RegistryRecord, ...]
    changed: tuple[RegistryRecord, ...]
    account: Account | None

    @property
    def confidential(self) -> bool:
        """One programme's flag protects the whole person."""
        return any(record.confidential for record in self.records)

    @property
    def is_another_human(self) -> bool:
        """Whether the changed records tell of somebody else than the account's: neither birth date nor HKID
        (without one: the name) fits. One of them may be corrected; both at once is a student ID given to a
        second person."""
        known = self.account.studies if self.account else ()
        births = {record.birth_digest for record in known}
        marks = {_mark(record) for record in known} | {_name(record) for record in known}
        return bool(known) and any(
            r.birth_digest not in births and _mark(r) not in marks
            for r in self.changed
            if not r.is_supplement
        )


def _name(record: RegistryRecord) -> str:
    return f"{record.surname} {record.given_names}"


def _mark(record: RegistryRecord) -> str:
    return record.hkid_digest or _name(record)


def person(
    student_id: str,
    account: Account | None,
    changed: tuple[RegistryRecord, ...],
    sources: SourcePolicy = ONE_SOURCE,
) -> Person:
    """The person of these records; `changed` replace known ones of the same source and programme."""
    known = {record.key: record for record in (account.records if account else ())}
    known.update({record.key: record for record in changed})
    records = merged(tuple(known.values()), sources)
    person_id = account.person_id if account else next(iter(known.values())).proposed_id
    return Person(person_id, student_id, records, changed, account)


def people(
    accounts: Iterable[Account],
    changed: Mapping[str, tuple[RegistryRecord, ...]],
    sources: SourcePolicy = ONE_SOURCE,
) -> list[Person]:
    """Everyone in the work set, by student ID: so the order of records decides nothing. An account reserved in
    an interrupted cycle, whose records have since gone, waits for the registry to speak again; a person of whom
    only supplements speak waits for a source that tells of studies."""
    by_student = {account.student_id: account for account in accounts}
    everyone = sorted(by_student.keys() | changed.keys())
    with_records = (
        sid for sid in everyone if changed.get(sid) or (sid in by_student and by_student[sid].records)
    )
    found = (person(sid, by_student.get(sid), changed.get(sid, ()), sources) for sid in with_records)
    return [someone for someone in found if someone.records]

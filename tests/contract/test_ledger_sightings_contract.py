"""What ports.Ledger promises of the directory's entries: on every ledger."""

from __future__ import annotations

from dataclasses import replace

from provisiond.domain.changes import DeleteEntry
from provisiond.ports import Kind, Ledger, Sighting
from tests.contract.test_ledger_contract import ledger
from tests.rigs.ledgers import AT, committed
from tests.rigs.steps import a_step

__all__ = ["ledger"]


def seen(number: int, person_id: str = "person-1", state: bytes | None = b"8 octets") -> Sighting:
    return Sighting(number.to_bytes(16, "big"), person_id, Kind.ACCOUNT, state)


def test_entries_are_remembered_as_last_seen(ledger: Ledger) -> None:
    """Another state, another owner: in place of what was known; a mark of nobody we know is no fault."""
    ledger.sight([seen(1), seen(2, "person-2", None), seen(3, "nobody")])
    ledger.sight([seen(1, state=None), seen(2, "person-9", b"changed!"), seen(2, "person-9", b"for good")])
    found = {each.entry_id: each for each in ledger.sightings()}
    wanted = [seen(1, state=None), seen(2, "person-9", b"for good"), seen(3, "nobody")]
    assert found == {each.entry_id: each for each in wanted}


def test_what_is_gone_is_forgotten(ledger: Ledger) -> None:
    """And one that is gone and was seen is there."""
    ledger.sight(seen(number) for number in range(2000))
    ledger.sight([seen(7)], [seen(number).entry_id for number in range(5, 2000)])
    assert sorted(ledger.sightings(), key=lambda each: each.entry_id) == [*map(seen, range(5)), seen(7)]


def test_owners_of_known_entries_are_told(ledger: Ledger) -> None:
    ledger.sight([seen(1), seen(2, "person-2")])
    wanted = [seen(number).entry_id for number in (1, 2, 3)]
    assert ledger.owners(wanted) == {wanted[0]: "person-1", wanted[1]: "person-2"}
    assert ledger.owners([]) == {}


def test_what_a_step_removed_is_not_missed(ledger: Ledger) -> None:
    """The entry of that person and kind only."""
    committed(ledger, 1)
    committed(ledger, 2)
    listings = [replace(seen(number, f"person-{number}"), kind=Kind.LISTING) for number in (1, 2)]
    ledger.sight([seen(3, "person-1"), *listings])
    removal = DeleteEntry("listing", "uid=name1,ou=contacts,dc=example,dc=edu", "person-1")
    ledger.commit([replace(a_step(1, new=False), changes=(removal,))], {}, AT)
    assert {each.entry_id for each in ledger.sightings()} == {seen(3).entry_id, listings[1].entry_id}


def test_every_student_is_told_with_the_person(ledger: Ledger) -> None:
    assert list(ledger.students()) == []
    committed(ledger, 1)
    committed(ledger, 2)
    assert sorted(ledger.students()) == [("person-1", "S0000001"), ("person-2", "S0000002")]

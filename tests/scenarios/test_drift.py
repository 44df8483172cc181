"""Changes by others, found by one look after another and by comparisons of everything: over the directory in memory
and over slapd, with a ledger that knows four persons, two of them with a listing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pytest

from provisiond.comparison import Comparison
from provisiond.domain.changes import AddEntry, Change, DeleteEntry, Join, Mod, Op
from provisiond.domain.model import Entry
from provisiond.drift import look
from tests.contract.test_drift_contract import site
from tests.rigs.directory import FakeDirectory
from tests.rigs.directory_site import OURS, Site
from tests.rigs.ledger import FakeLedger
from tests.rigs.slapd import SlapdRig
from tests.rigs.steps import a_step

__all__ = ["site"]
AT = datetime(2026, 9, 1, tzinfo=UTC)
PERSONS = (1, 2, 3, 4)
LISTED = (1, 2)


@dataclass(frozen=True)
class Office:
    """The directory, what we know, and where our persons are."""

    site: Site
    ledger: FakeLedger = field(default_factory=FakeLedger)

    def dn(self, number: int) -> str:
        return f"uid={self.site.name}{number},{self.site.people_base}"

    def listing(self, number: int) -> str:
        return f"uid={self.site.name}{number},{self.site.contacts_base}"

    def entry(self, number: int) -> Entry:
        return self.site.entry(str(number), provisiondpersonid=(f"person-{number}",))

    def load(self) -> None:
        steps = [a_step(number, account_name=f"{self.site.name}{number}") for number in PERSONS]
        self.ledger.reserve(steps, "connect.example.edu", AT)
        batches: list[list[Change]] = [self._changes(number) for number in PERSONS]
        self.site.directory.apply(batches)
        self.ledger.commit(steps, {}, AT)

    def _changes(self, number: int) -> list[Change]:
        entry = self.entry(number)
        listing: list[Change] = [AddEntry("listing", Entry(self.listing(number), entry.attributes))]
        return [
            self.site.add(entry),
            *(listing if number in LISTED else []),
            Join(self.site.students, entry.dn),
        ]

    def suspects(self, *unfinished: int) -> set[int]:
        """One look, remembered; of the unfinished something was left to do."""
        with closing(look(self.site.directory, self.ledger)) as found:
            found.remember(self.ledger, {f"S{number:07}" for number in unfinished})
            return {int(student_id[1:]) for student_id in found.student_ids}

    def compared(self, *unfinished: int) -> set[int]:
        """One comparison of everything, remembered."""
        with closing(Comparison(self.site.directory, self.ledger, checking=True)) as found:
            suspects = found.suspects()
            found.clear({f"S{number:07}" for number in unfinished})
            self.ledger.sight(found.news(), found.gone())
            return {int(student_id[1:]) for student_id in suspects}

    def strangers(self) -> dict[str, str]:
        with closing(Comparison(self.site.directory, self.ledger, checking=True)) as found:
            return {each.dn.lower(): each.why for each in found.strangers()}

    def unmark(self, dn: str) -> None:
        self.site.tree.strip(dn, objectclass=("provisiondObject",), provisiondpersonid=())


@pytest.fixture
def office(site: Site) -> Iterator[Office]:
    """Loaded, and looked at once since."""
    found = Office(site)
    assert found.suspects() == set()  # the first look only finds where to begin
    found.load()
    assert found.suspects() == set()  # what we did ourselves
    assert found.suspects() == set()
    yield found


PLANTED = {
    "another name": lambda o: o.site.tree.plant(o.dn(1), {"cn": ("Somebody Else",)}),
    "an address taken away": lambda o: o.site.tree.strip(o.dn(1), mail=()),
    "an attribute of others": lambda o: o.site.tree.plant(o.dn(1), {"description": ("planted",)}),
    "another name in the listing": lambda o: o.site.tree.plant(o.listing(1), {"cn": ("Somebody Else",)}),
    "a deleted account": lambda o: o.site.tree.uproot(o.dn(1)),
    "a deleted listing": lambda o: o.site.tree.uproot(o.listing(1)),
    "a mark taken off the account": lambda o: o.unmark(o.dn(1)),
    "a mark taken off the listing": lambda o: o.unmark(o.listing(1)),
}


@pytest.mark.parametrize("planted", PLANTED)
def test_the_next_look_finds_it_and_the_one_after_nothing(office: Office, planted: str) -> None:
    """Without having compared anything: the ledger knows every entry from the looks before."""
    PLANTED[planted](office)
    assert office.suspects() == {1}
    assert office.suspects() == set()


@pytest.mark.parametrize("planted", PLANTED)
def test_a_comparison_finds_it_too(office: Office, planted: str) -> None:
    """Once everything was known to be right."""
    assert office.compared() == set(PERSONS)  # never looked at before
    assert office.compared() == set()
    PLANTED[planted](office)
    assert office.compared(1) == {1}
    assert office.compared(1) >= {1}  # until it is repaired


def test_a_removed_member_is_found(office: Office) -> None:
    """Though no account's number shows that its group changed; again and again, until it is repaired."""
    office.site.tree.strip(office.site.students, member=(office.dn(3),))
    assert office.suspects(3) == {3}
    office.site.tree.strip(office.site.students, member=(office.dn(2),))
    assert office.suspects(2, 3) == {2, 3}
    assert office.suspects() == set()


def test_a_deletion_does_not_hide_a_removed_member(office: Office) -> None:
    """The refint overlay takes the deleted account out of the same group, and is its last author then."""
    office.site.tree.strip(office.site.students, member=(office.dn(3),))
    office.site.tree.uproot(office.dn(1))
    assert office.suspects() == {1, 3}


def test_an_added_member_is_found(office: Office) -> None:
    office.compared()
    office.site.tree.plant(office.site.alumni, {"member": (office.dn(4),)})
    assert office.suspects() == {4}


def test_a_changed_mark_tells_both_persons(office: Office) -> None:
    """The entry of 1 bears the mark of 4 now: both are looked at."""
    office.unmark(office.dn(1))
    office.site.tree.strip(office.dn(4), objectclass=("provisiondObject",), provisiondpersonid=())
    office.site.tree.plant(
        office.dn(1), {"objectclass": ("provisiondObject",), "provisiondpersonid": ("person-4",)}
    )
    assert office.suspects() == {1, 4}


def test_what_we_took_away_ourselves_is_no_drift(office: Office) -> None:
    step = replace(a_step(1, new=False), changes=(DeleteEntry("listing", office.listing(1), "person-1"),))
    office.site.directory.apply([step.changes])
    office.ledger.commit([step], {}, AT)
    assert office.suspects() == set()


def test_our_own_change_after_theirs_does_not_hide_it(office: Office) -> None:
    """They change a name, we put the person into a group: the name of its last author is then the overlay's.

    Not within the second in which the entry was made: times are no finer."""
    time.sleep(1.1)
    office.site.tree.plant(office.dn(2), {"cn": ("Somebody Else",)})
    office.site.directory.apply([[Join(office.site.alumni, office.dn(2))]])
    assert office.suspects() == {2}


def test_a_server_that_forgot_is_compared(office: Office, request: pytest.FixtureRequest) -> None:
    """What we wrote counts as right then; what others touched, or took away, is found."""
    office.site.tree.uproot(office.dn(1))
    office.site.tree.plant(office.dn(2), {"description": ("planted",)})
    if isinstance(office.site.directory, FakeDirectory):
        office.site.directory.remembers_since = office.site.directory.drift(None).watermark
    else:  # slapd keeps the log of deletions in memory
        rig: SlapdRig = request.getfixturevalue("slapd_server")
        rig.restart()
    assert office.suspects(1) == {1, 2}
    assert office.suspects() == set()


def test_strangers_are_told_and_nobody_is_suspected(office: Office) -> None:
    """A mark nobody knows, a mark outside our bases, two listings of one person."""
    office.compared()
    tree, tokens = office.site.tree, office.site.people_base.replace("ou=people", "ou=tokens")
    unknown = {**office.site.entry("x").attributes, "objectclass": OURS}
    tree.plant(f"uid={office.site.name}x,{office.site.people_base}", unknown)
    outside = {**office.entry(3).attributes, "uid": (f"{office.site.name}y",), "mail": ()}
    tree.plant(f"uid={office.site.name}y,{tokens}", {name: v for name, v in outside.items() if v})
    second = {**office.entry(1).attributes, "uid": (f"{office.site.name}z",), "mail": ("z@elsewhere",)}
    tree.plant(f"uid={office.site.name}z,{office.site.contacts_base}", second)
    told = office.strangers()
    assert len(told) == 3
    assert sorted(why.partition(":")[0] for why in told.values()) == [
        "carries a person ID outside the bases of accounts and listings",
        "carries a person ID that the ledger does not know",
        "carry the same person ID",
    ]
    assert office.compared() == set()  # which of two listings is right nobody can say


def test_a_person_without_account_is_suspected_and_one_that_changed_since(office: Office) -> None:
    """We changed 2 ourselves since: looked at once, because nobody has seen it whole."""
    office.compared()
    office.site.tree.uproot(office.dn(4))
    mod = Mod(Op.REPLACE, "sn", ("Wong",))
    change = replace(office.site.modify(mod, dn=office.dn(2)), person_id="person-2")
    office.site.directory.apply([[change]])
    assert office.compared(4) == {2, 4}
    assert office.compared(4) == {4}

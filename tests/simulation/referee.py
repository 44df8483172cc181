"""What must hold whatever happens (FIELD-NOTES, Appendix B), judged from the directory's entries and the ledger's
tables alone, after every step and once more when all is calm."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from provisiond.domain.model import Account, Attributes, HoldKind, NoticeKind, NoticeStatus, State
from tests.simulation.campus import LOSSES, Campus

MARK = "provisiondpersonid"


@dataclass(slots=True)
class Referee:
    """`faults` come out as sentences; an empty list is a fair game."""

    campus: Campus
    owners: dict[str, str] = field(default_factory=dict)  # account name → person, for ever
    served: dict[str, bool] = field(default_factory=dict)  # person → may log in
    lost: list[datetime] = field(default_factory=list)  # unapproved losses, by the campus's clock
    latest: datetime | None = None

    def faults(self) -> list[str]:
        return [*self._identifiers(), *self._losses(), *self._notices(), *self._foreign(), *self._expiry()]

    def faults_when_calm(self, turns: int) -> list[str]:
        """Everything came to its end, and the next cycle writes nothing."""
        found = [] if turns < 8 else ["the plan does not converge"]
        before = len(self.campus.directory.written)
        self.campus.quiet_cycle()
        if len(self.campus.directory.written) != before:
            found.append("a second run writes again")
        return [*found, *self._agreement(), *self.faults()]

    # -- I1, I2: one account a person, one person a name ----------------------------------------------
    def _identifiers(self) -> Iterator[str]:
        marks = Counter(entry[MARK][0] for entry in self._accounts())
        yield from (f"{who} has {count} accounts" for who, count in marks.items() if count > 1)
        for entry in self._accounts():
            names = {*entry["uid"], *(m.partition("@")[0] for m in entry["mail"] if "connect" in m)}
            for name in names:
                owner = self.owners.setdefault(name, entry[MARK][0])
                if owner != entry[MARK][0]:
                    yield f"the name {name} went from {owner} to {entry[MARK][0]}"

    # -- I4: nobody loses access beyond the brake -------------------------------------------------------
    def _losses(self) -> Iterator[str]:
        now = self.campus.clock.now()
        locked = {
            p for p, a in self.campus.ledger.people.items() if any(h.kind is HoldKind.LOCK for h in a.holds)
        }
        for entry in self._accounts():
            who, open_now = entry[MARK][0], "pwdendtime" not in entry
            if self.served.get(who) and not open_now and who not in locked and not self.campus.approved:
                self.lost.append(now)
            self.served[who] = open_now
        # a clock set back brings earlier losses near again: that is the clock's doing
        day = [at for at in self.lost if abs(now - at) < timedelta(hours=24)]
        self.campus.approved = False
        if len(day) > 2 * LOSSES:  # two windows may meet in one day of ours
            yield f"{len(day)} persons lost access within a day without an approval"

    # -- I5: each notice decided once ---------------------------------------------------------------------
    def _notices(self) -> Iterator[str]:
        """Not counted: those that every address refused, which are told again to one that was not tried."""
        said = Counter(
            (i.notice.person_id, i.notice.kind, i.notice.about_on)
            for i in self.campus.ledger.outbox()
            if i.notice.kind in (NoticeKind.CREATED, NoticeKind.GRACE_BEGUN, NoticeKind.ALUMNI)
            and i.status is not NoticeStatus.REFUSED
        )
        yield from (
            f"{kind} told {count} times to {who}" for (who, kind, _), count in said.items() if count > 1
        )

    # -- what others wrote stays --------------------------------------------------------------------------
    def _foreign(self) -> Iterator[str]:
        for dn, (name, value) in self.campus.planted.items():
            if value not in self.campus.directory.look(dn).get(name, ()):
                yield f"{name} {value} of others is gone from {dn}"

    # -- no notice, no expiry -----------------------------------------------------------------------------
    def _expiry(self) -> Iterator[str]:
        lead = timedelta(days=self.campus.policy.lifecycle.minimum_lead_days)
        for entry in self._accounts():
            if entry["provisiondstate"] != (State.ALUMNI,):
                continue
            told = [
                at
                for key, at in self.campus.accepted
                if key.startswith(f"{entry[MARK][0]}:{NoticeKind.GRACE_BEGUN}")
            ]
            if not told or self.campus.clock.now() + timedelta(hours=40) < min(told) + lead:
                yield f"{entry['uid'][0]} expired and nobody was told in time"

    # -- I3, I7, I8: ledger and directory agree ------------------------------------------------------------
    def _agreement(self) -> Iterator[str]:
        shown = {entry[MARK][0]: entry for entry in self._accounts()}
        for who, account in self.campus.ledger.people.items():
            entry = shown.pop(who, None)
            if any(hold.kind is HoldKind.FREEZE for hold in account.holds):
                continue
            if (
                not account.applied
            ):  # cut off, and the registry took the record back: it waits for the registry
                continue
            if entry is None:
                yield f"{account.account_name} has no entry"
                continue
            if entry["provisiondstate"] != (account.state.value,):
                yield f"{account.account_name} is {account.state} here and {entry['provisiondstate']} there"
            yield from self._records(account)
            yield from self._listing(account, entry)
            yield from self._groups(account)
        yield from (f"the ledger does not know {who}" for who in shown)

    def _records(self, account: Account) -> Iterator[str]:
        known = {r.key for who, r in self.campus.ledger.records.values() if who == account.person_id}
        statuses = {r.key: r.status for _, r in self.campus.ledger.records.values()}
        said = [r for r in self.campus.registry.records.values() if r.student_id == account.student_id]
        if known and any(statuses.get(record.key) is not record.status for record in said):
            yield f"what the registry says of {account.account_name} was never taken over"

    def _listing(self, account: Account, entry: Attributes) -> Iterator[str]:
        dn = f"uid={account.account_name},{self.campus.directory.contacts_base}"
        listed = bool(self.campus.directory.look(dn))
        mine = [r for who, r in self.campus.ledger.records.values() if who == account.person_id]
        secret = account.unlisted or any(record.confidential for record in mine)
        if listed and secret:
            yield f"{account.account_name} is listed against their will"
        if account.state is State.ACTIVE and not listed and not secret:
            yield f"{account.account_name} is active and not listed"

    def _groups(self, account: Account) -> Iterator[str]:
        directory, dn = self.campus.directory, f"uid={account.account_name},ou=people,dc=example,dc=edu"
        wanted = self.campus.policy.entitlements[account.state].groups
        for group in ("students", "library", "alumni"):
            members = directory.look(f"cn={group},{directory.groups_base}")["member"]
            if (dn in members) is not (group in wanted):
                yield f"{account.account_name} ({account.state}) and the group {group} do not agree"

    def _accounts(self) -> Iterator[Attributes]:
        base = self.campus.directory.people_base
        for dn, entry in self.campus.directory.entries.items():
            if dn.endswith(base) and MARK in entry.attributes:
                yield entry.attributes

"""What the directory shows of a person, without asking it: as the ledger's last step left it, and after changes.

For rehearsals, which look at days to come; what really stands there is the directory adapter's to say."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta, tzinfo
from typing import assert_never

from provisiond.domain.changes import (
    AddEntry,
    AdoptEntry,
    Change,
    DeleteEntry,
    Join,
    Leave,
    Mod,
    ModifyEntry,
    Op,
)
from provisiond.domain.entries import desired
from provisiond.domain.lifecycle import standing
from provisiond.domain.model import Account, Attributes, Entry, Observed
from provisiond.domain.people import person
from provisiond.domain.plan import Identity
from provisiond.domain.policy import Policy

NOTHING = Observed(None, None, frozenset())


def shown(account: Account, today: date, zone: tzinfo, policy: Policy) -> Observed:
    """As if its last step had been carried out on the day before it fell due, and nobody else had written since."""
    someone = person(account.student_id, account, (), policy.sources) if account.records else None
    if someone is None or not someone.records or not account.applied:
        return NOTHING
    on = min(today, account.next_on - timedelta(days=1)) if account.next_on else today
    where = replace(standing(someone, on, zone, policy.lifecycle), state=account.state)
    identity = Identity(account.account_name, account.uid_number)
    wanted = desired(someone, identity, where, policy, zone)
    return Observed(wanted.account, wanted.listing, frozenset(group.casefold() for group in wanted.groups))


def after(changes: Iterable[Change], seen: Observed) -> Observed:
    """The same once every change was carried out."""
    for change in changes:
        seen = _after(change, seen)
    return seen


def _after(change: Change, seen: Observed) -> Observed:
    match change:
        case AddEntry(what=what, entry=entry):
            return _with(what, entry, seen)
        case ModifyEntry(what=what, mods=mods) | AdoptEntry(what=what, mods=mods):
            before = seen.account if what == "account" else seen.listing
            assert before is not None, "decided on what was seen"
            return _with(what, Entry(before.dn, _modified(before.attributes, mods)), seen)
        case DeleteEntry(what=what):
            return _with(what, None, seen)
        case Join(group=group):
            return replace(seen, groups=seen.groups | {group.casefold()})
        case Leave(group=group):
            return replace(seen, groups=seen.groups - {group.casefold()})
        case _:
            assert_never(change)


def _with(what: str, entry: Entry | None, seen: Observed) -> Observed:
    return replace(seen, account=entry) if what == "account" else replace(seen, listing=entry)


def _modified(attributes: Attributes, mods: Iterable[Mod]) -> Attributes:
    changed = dict(attributes)
    for mod in mods:
        have, named = changed.pop(mod.attribute, ()), {value.casefold() for value in mod.values}
        others = tuple(value for value in have if value.casefold() not in named)
        values = {Op.REPLACE: mod.values, Op.DELETE: others, Op.ADD: (*others, *mod.values)}[mod.op]
        if values:
            changed[mod.attribute] = values
    return changed

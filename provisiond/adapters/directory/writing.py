"""Carries out changes, many at once: entries person by person, then group memberships together. Whatever is not
known to be done (a broken connection, "exists already") is read back before anything is sent again. Entries
without the person's ID, and what others changed since it was looked at, are never touched: the server checks that
in the moment of the change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from provisiond.adapters.directory import messages
from provisiond.adapters.directory.adoption import effective, exact, missing, overwritten
from provisiond.adapters.directory.capabilities import Capabilities
from provisiond.adapters.directory.memberships import Failure, Membership, group_talk, group_updates
from provisiond.adapters.directory.messages import NO_SUCH_OBJECT, PERSON_ID, SUCCESS, Reply, equal
from provisiond.adapters.directory.pipeline import TIMES, Pipeline, Talk, read_back
from provisiond.adapters.directory.reading import texts
from provisiond.adapters.directory.wire import Found
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
from provisiond.domain.errors import UnavailableError
from provisiond.domain.model import Attributes
from provisiond.ports import Done, Outcome, Refused, Unknown

NO_SUCH_ATTRIBUTE = 16
INAPPROPRIATE_MATCHING = 18
VALUE_EXISTS = 20
ALREADY_EXISTS = 68
ASSERTION_FAILED = 122
NOT_OURS = "the entry is not (any more) ours"
OVERTAKEN = "changed by another since it was looked at; the next cycle looks again"
ID = PERSON_ID.lower()


def write(pipeline: Pipeline, batches: Sequence[Sequence[Change]], can: Capabilities) -> list[Outcome]:
    """One outcome a batch. UnavailableError where nothing at all is known to be done. `can`: the server."""
    written = pipeline.run([_entries(index, batch, can) for index, batch in enumerate(batches)])
    updates = group_updates(part for _, parts in written for part in parts)
    failed: dict[int, Failure] = {}
    for failures in pipeline.run([group_talk(group, can.permissive_modify) for group in updates]):
        for index, failure in failures:
            failed.setdefault(index, failure)
    outcomes: list[Outcome] = [entry or failed.get(i) or Done() for i, (entry, _) in enumerate(written)]
    if pipeline.halted and all(isinstance(outcome, Unknown) for outcome in outcomes):
        raise pipeline.halted
    return outcomes


def _entries(
    index: int, batch: Sequence[Change], can: Capabilities
) -> Talk[tuple[Failure | None, list[Membership]]]:
    """The batch's entry changes, up to a failed one, and the memberships that are named before it."""
    memberships: list[Membership] = []
    for change in batch:
        if isinstance(change, Join | Leave):
            memberships.append(Membership(index, change))
            continue
        try:
            failure = yield from _write(change, can)
        except UnavailableError as error:
            failure = Unknown(change, error.reason)
        if failure:
            return failure, memberships
    return None, memberships


def _write(
    change: AddEntry | ModifyEntry | AdoptEntry | DeleteEntry, can: Capabilities
) -> Talk[Failure | None]:
    match change:
        case AddEntry():
            return _add(change, can)
        case ModifyEntry(mods=mods, person_id=owner, csn=csn, seen=seen):
            asserted = _unchanged(owner, csn) if can.modify_under_assertion else None
            return _modify(change, mods, owner, asserted, seen or {})
        case AdoptEntry():
            return _take_over(change)
        case DeleteEntry():
            return _delete(change, can)


def _add(change: AddEntry, can: Capabilities) -> Talk[Failure | None]:
    for _ in range(TIMES):
        reply = yield messages.add(change.dn, change.entry.attributes)
        if reply is not None and reply.code != ALREADY_EXISTS:
            return _refusal(change, reply)
        there = yield from read_back(change.dn)
        if there is not None:
            return (yield from _adopt(change, texts(there), can))
        if reply is not None:
            return Refused(change, reply.code, f"{change.dn} exists and is hidden from us")
    return _given_up(change)


def _adopt(change: AddEntry, present: Attributes, can: Capabilities) -> Talk[Failure | None]:
    """What was sent and not answered, or half-made by an interrupted cycle, is completed; anybody else's entry
    stays as it is."""
    owner = change.entry.attributes[ID][0]
    if not _is_of(owner, present):
        whose = "of another person" if present.get(ID) else f"no {PERSON_ID}"
        return Refused(change, ALREADY_EXISTS, f"{change.dn} exists and is not ours ({whose})")
    mods = missing(change.entry, present)
    asserted = _unchanged(owner, None) if can.modify_under_assertion else None
    return (yield from _modify(change, mods, owner, asserted, {})) if mods else None


def _modify(
    change: AddEntry | ModifyEntry, mods: Sequence[Mod], owner: str, asserted: bytes | None, seen: Attributes
) -> Talk[Failure | None]:
    """At first under an assertion. Where the server knows none (UNASSERTED_MODIFY), where it failed, was not
    answered, or met slapd's faults, what is left to do is found by reading, and sent value by value.

    slapd 2.5: permissive modify does not forgive an absent *last* value (16), and `unique` tests the assertion
    on its own search base (122), so no unique attribute can be changed under one."""
    dn, reply = change.dn, None
    if asserted is not None:
        reply = yield messages.modify(dn, mods, messages.permissive(), asserted)
    by_value = True
    for _ in range(TIMES):
        if reply is not None and reply.code not in (NO_SUCH_ATTRIBUTE, VALUE_EXISTS, ASSERTION_FAILED):
            return _refusal(change, reply)
        there = yield from read_back(dn)
        if there is None:
            return Refused(change, NO_SUCH_OBJECT, f"{dn} is not there any more")
        present = texts(there)
        if not _is_of(owner, present):
            return Refused(change, ASSERTION_FAILED, NOT_OURS)
        left = effective(mods, present)
        if not left:
            return None
        if overwritten(left, present, seen):
            return Refused(change, ASSERTION_FAILED, OVERTAKEN)
        # the ID taken out and put back in the same modification guards the entry as an assertion would
        guard = (Mod(Op.DELETE, PERSON_ID, (owner,)), Mod(Op.ADD, PERSON_ID, (owner,)))
        reply = yield messages.modify(dn, (*guard, *(exact(left, present) if by_value else left)))
        if reply is not None and reply.code == INAPPROPRIATE_MATCHING:  # some values cannot be named
            by_value = False
            reply = None
    return _refusal(change, reply) if reply else _given_up(change)


def _take_over(change: AdoptEntry) -> Talk[Failure | None]:
    """Looked at first: unmarked and as it was decided on, or marked with this very person by a write whose answer was
    lost. The mark is *added*, to an attribute of one value, and what is replaced is named: so the server refuses
    where another came in between. (An assertion would not do: see `_modify` on `unique`.)"""
    reply, by_value = None, True
    for _ in range(TIMES):
        there = yield from read_back(change.dn)
        if there is None:
            return Refused(change, NO_SUCH_OBJECT, f"{change.dn} is not there any more")
        present = texts(there)
        if present.get(ID) and not _is_of(change.person_id, present):
            return Refused(change, ASSERTION_FAILED, f"{change.dn} carries the mark of another person")
        if not present.get(ID) and change.csn not in (None, _csn(there)):
            return Refused(change, ASSERTION_FAILED, OVERTAKEN)
        left = effective(change.mods, present)
        if not left:
            return None
        if overwritten(left, present, change.seen or {}):
            return Refused(change, ASSERTION_FAILED, OVERTAKEN)
        reply = yield messages.modify(change.dn, exact(left, present) if by_value else left)
        if reply is not None and reply.code not in (NO_SUCH_ATTRIBUTE, VALUE_EXISTS, INAPPROPRIATE_MATCHING):
            return _refusal(change, reply)
        by_value = by_value and not (reply and reply.code == INAPPROPRIATE_MATCHING)
    return _refusal(change, reply) if reply else _given_up(change)


def _delete(change: DeleteEntry, can: Capabilities) -> Talk[Failure | None]:
    """Where the server knows no assertion (UNASSERTED_DELETE), nothing binds it to what was read just before."""
    reply = None
    if can.assertion:
        reply = yield messages.delete(change.dn, _unchanged(change.person_id, change.csn))
    for _ in range(TIMES):
        if reply is not None and reply.code != ASSERTION_FAILED:
            return None if reply.code == NO_SUCH_OBJECT else _refusal(change, reply)
        there = yield from read_back(change.dn)
        if there is None:
            return None
        if not _is_of(change.person_id, texts(there)):
            return Refused(change, ASSERTION_FAILED, NOT_OURS)
        if change.csn not in (None, _csn(there)):
            return Refused(change, ASSERTION_FAILED, OVERTAKEN)
        asserted = [_unchanged(change.person_id, _csn(there))] if can.assertion else []
        reply = yield messages.delete(change.dn, *asserted)
    return _refusal(change, reply) if reply else _given_up(change)


def _unchanged(owner: str, csn: str | None) -> bytes:
    """It is ours and, where that is known, what it was decided on."""
    ours = equal(PERSON_ID, owner)
    return messages.asserting(messages.both(ours, equal("entryCSN", csn)) if csn else ours)


def _is_of(owner: str, present: Mapping[str, Iterable[str]]) -> bool:
    return owner in present.get(ID, ())


def _csn(there: Found) -> str | None:
    values = there.attributes.get(b"entrycsn")
    return values[0].decode() if values else None


def _refusal(change: Change, reply: Reply) -> Refused | None:
    return None if reply.code == SUCCESS else Refused(change, reply.code, reply.text)


def _given_up(change: Change) -> Unknown:
    return Unknown(change, f"the answer was lost {TIMES} times")

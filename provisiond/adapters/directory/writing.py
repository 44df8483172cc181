"""Carries out changes on one session: entries person by person, then group memberships together. Entries
that do not carry the person's ID are never touched: the server checks that in the moment of the change."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from provisiond.adapters.directory.adoption import effective, missing
from provisiond.adapters.directory.memberships import GroupUpdate, Membership, group_updates
from provisiond.adapters.directory.reading import decoded
from provisiond.adapters.directory.session import PERSON_ID, SUCCESS, Reply, Session
from provisiond.domain.changes import AddEntry, Change, DeleteEntry, Join, Leave, Mod, ModifyEntry, Op
from provisiond.ports import Refused

NO_SUCH_ATTRIBUTE = 16
NO_SUCH_OBJECT = 32
VALUE_EXISTS = 20
ALREADY_EXISTS = 68
ASSERTION_FAILED = 122
NOT_OURS = "the entry is not (any more) ours"
# codes that speak of one value (absent, constraint, syntax): other values in the same update may be good
_OF_A_VALUE = frozenset({NO_SUCH_ATTRIBUTE, 19, VALUE_EXISTS, 21, 34})
_DONE_ALREADY = {NO_SUCH_ATTRIBUTE: Leave, VALUE_EXISTS: Join}
_TRIES = 3  # of a change whose entry others change between our reading and our writing


def write_entries(
    session: Session, index: int, batch: Sequence[Change]
) -> tuple[Refused | None, list[Membership]]:
    """The batch's entry changes, up to a refused one, and the memberships that are named before it."""
    memberships: list[Membership] = []
    for change in batch:
        if isinstance(change, Join | Leave):
            memberships.append(Membership(index, change))
        elif refused := _write(session, change):
            return refused, memberships
    return None, memberships


def write_memberships(session: Session, memberships: Iterable[Membership]) -> dict[int, Refused]:
    """By batch, the first membership that was refused."""
    refused: dict[int, Refused] = {}
    for update in group_updates(memberships):
        for part, reply in _refused_parts(session, update):
            refused.setdefault(part.batch, Refused(part.change, reply.code, reply.text))
    return refused


def _refused_parts(session: Session, update: GroupUpdate) -> list[tuple[Membership, Reply]]:
    reply = session.modify(update.group, update.mods, owner=None)
    if reply.code == SUCCESS:
        return []
    if reply.code in _OF_A_VALUE and len(update.parts) > 1:
        return [refused for half in update.halves() for refused in _refused_parts(session, half)]
    done = _DONE_ALREADY.get(reply.code)
    if done and isinstance(update.parts[-1].change, done):
        return []  # slapd 2.5 says so of a last value in spite of permissive modify, others have no such control
    return [(part, reply) for part in update.parts]


def _write(session: Session, change: AddEntry | ModifyEntry | DeleteEntry) -> Refused | None:
    match change:
        case AddEntry():
            return _add(session, change)
        case ModifyEntry(dn=dn, mods=mods, person_id=owner):
            return _modify(session, change, dn, mods, owner)
        case DeleteEntry(dn=dn, person_id=owner):
            return _delete(session, change, dn, owner)


def _add(session: Session, change: AddEntry) -> Refused | None:
    reply = session.add(change.dn, change.entry.attributes)
    if reply.code == ALREADY_EXISTS:
        return _adopt(session, change)
    return _refusal(change, reply)


def _adopt(session: Session, change: AddEntry) -> Refused | None:
    """Complete an entry that an interrupted cycle left half-made; anybody else's stays as it is."""
    owner = change.entry.attributes[PERSON_ID.lower()][0]
    raw = session.read(change.dn)
    present = decoded(raw.attributes) if raw else {}
    owners = present.get(PERSON_ID.lower(), ())
    if owner not in owners:
        whose = "of another person" if owners else "no provisiondPersonId"
        return Refused(change, ALREADY_EXISTS, f"{change.dn} exists and is not ours ({whose})")
    return _modify(session, change, change.dn, missing(change.entry, present), owner)


def _delete(session: Session, change: Change, dn: str, owner: str) -> Refused | None:
    if not session.capabilities.assertion:
        return _delete_after_reading(session, change, dn, owner)
    reply = session.delete(dn, owner)
    return None if reply.code == NO_SUCH_OBJECT else _owned(change, reply)


def _delete_after_reading(session: Session, change: Change, dn: str, owner: str) -> Refused | None:
    """Degraded (UNASSERTED_DELETE): nothing binds the deletion to what was read."""
    raw = session.read(dn)
    if raw is None:
        return None
    if owner not in decoded(raw.attributes).get(PERSON_ID.lower(), ()):
        return Refused(change, ASSERTION_FAILED, NOT_OURS)
    reply = session.delete(dn, None)
    return None if reply.code == NO_SUCH_OBJECT else _refusal(change, reply)


def _modify(session: Session, change: Change, dn: str, mods: Sequence[Mod], owner: str) -> Refused | None:
    if not session.capabilities.assertion:
        return _modify_exactly(session, change, dn, mods, owner)
    reply = session.modify(dn, mods, owner)
    if reply.code in (NO_SUCH_ATTRIBUTE, ASSERTION_FAILED):
        return _modify_exactly(session, change, dn, mods, owner)
    return _refusal(change, reply)


def _modify_exactly(
    session: Session, change: Change, dn: str, mods: Sequence[Mod], owner: str
) -> Refused | None:
    """Without controls: where the server has none, and where slapd 2.5 has their faults. Its permissive modify
    does not forgive an absent *last* value (16), and its `unique` tests the assertion on its own search base
    (122), so no unique attribute can be changed under one. The ID taken out and put back in the same
    modification guards the entry as well."""
    guard = (Mod(Op.DELETE, PERSON_ID, (owner,)), Mod(Op.ADD, PERSON_ID, (owner,)))
    reply = Reply(SUCCESS, "")
    for _ in range(_TRIES):
        raw = session.read(dn)
        if raw is None:
            return Refused(change, NO_SUCH_OBJECT, f"{dn} is not there")
        present = decoded(raw.attributes)
        if owner not in present.get(PERSON_ID.lower(), ()):
            return Refused(change, ASSERTION_FAILED, NOT_OURS)
        left = effective(mods, present)
        reply = session.modify(dn, (*guard, *left), None, permissive=False) if left else Reply(SUCCESS, "")
        if reply.code not in (NO_SUCH_ATTRIBUTE, VALUE_EXISTS):
            break  # else: somebody else was quicker; what is left to do is read again
    return _refusal(change, reply)


def _owned(change: Change, reply: Reply) -> Refused | None:
    if reply.code == ASSERTION_FAILED:
        return Refused(change, reply.code, NOT_OURS)
    return _refusal(change, reply)


def _refusal(change: Change, reply: Reply) -> Refused | None:
    return None if reply.code == SUCCESS else Refused(change, reply.code, reply.text)

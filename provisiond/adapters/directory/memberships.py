"""Joins and leaves of many persons, gathered into few modifications of each group: a group's entry is
rewritten once, not once a person. A refused value is found by halving; when an answer is lost, it is read who is
a member. Sending is pipeline.py's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from provisiond.adapters.directory import messages
from provisiond.adapters.directory.dn import normalise_dn
from provisiond.adapters.directory.messages import SUCCESS, Reply
from provisiond.adapters.directory.pipeline import TIMES, Talk, read_back
from provisiond.domain.changes import Join, Leave, Mod, Op
from provisiond.domain.errors import UnavailableError
from provisiond.ports import Refused, Unknown

MOST_VALUES = 500  # of one modification
NO_SUCH_ATTRIBUTE, NO_SUCH_OBJECT = 16, 32
VALUE_EXISTS = 20
# codes that speak of one value (absent, constraint, syntax): other values in the same update may be good
_OF_A_VALUE = frozenset({NO_SUCH_ATTRIBUTE, 19, VALUE_EXISTS, 21, 34})
_DONE_ALREADY = {NO_SUCH_ATTRIBUTE: Leave, VALUE_EXISTS: Join}

Failure = Refused | Unknown


@dataclass(frozen=True, slots=True)
class Membership:
    """A join or leave and the batch it belongs to."""

    batch: int
    change: Join | Leave


@dataclass(frozen=True, slots=True)
class GroupUpdate:
    """One modification of one group, and everything that depends on it."""

    group: str
    parts: tuple[Membership, ...]

    @property
    def mods(self) -> tuple[Mod, ...]:
        """For a DN named more than once the last word counts."""
        last = {normalise_dn(part.change.dn): part.change for part in self.parts}
        joining = tuple(change.dn for change in last.values() if isinstance(change, Join))
        leaving = tuple(change.dn for change in last.values() if isinstance(change, Leave))
        wanted = ((Op.ADD, joining), (Op.DELETE, leaving))
        return tuple(Mod(op, "member", values) for op, values in wanted if values)

    def halves(self) -> tuple[GroupUpdate, GroupUpdate]:
        middle = len(self.parts) // 2
        return GroupUpdate(self.group, self.parts[:middle]), GroupUpdate(self.group, self.parts[middle:])


def group_updates(memberships: Iterable[Membership]) -> list[list[GroupUpdate]]:
    """For each group, in the order in which they are first named, updates of at most MOST_VALUES values."""
    by_group: dict[str, list[Membership]] = {}
    for membership in memberships:
        by_group.setdefault(normalise_dn(membership.change.group), []).append(membership)
    return [list(_pieces(parts)) for parts in by_group.values()]


def group_talk(updates: Sequence[GroupUpdate], forgiving: bool) -> Talk[list[tuple[int, Failure]]]:
    """One group's updates in order; by batch, what failed. `forgiving`: the server knows permissive modify."""
    failed: list[tuple[int, Failure]] = []
    for update in updates:
        try:
            refused = yield from _refused(update, forgiving)
            failed += [(p.batch, Refused(p.change, reply.code, _why(update, reply))) for p, reply in refused]
        except UnavailableError as error:
            failed += [(p.batch, Unknown(p.change, error.reason)) for p in update.parts]
    return failed


def _why(update: GroupUpdate, reply: Reply) -> str:
    gone = f"{update.group} is not there: provisiond directory init makes it"
    return gone if reply.code == NO_SUCH_OBJECT else reply.text


def _refused(update: GroupUpdate, forgiving: bool) -> Talk[list[tuple[Membership, Reply]]]:
    update, reply = yield from _sent(update, forgiving)
    if reply.code == SUCCESS:
        return []
    if reply.code in _OF_A_VALUE and len(update.parts) > 1:
        first, second = update.halves()
        return [*(yield from _refused(first, forgiving)), *(yield from _refused(second, forgiving))]
    done = _DONE_ALREADY.get(reply.code)
    if done and isinstance(update.parts[-1].change, done):
        # without permissive modify, and slapd 2.5 of a value that is not there in spite of it
        return (yield from _shown_no_more(update)) if forgiving and done is Leave else []
    return [(part, reply) for part in update.parts]


def _shown_no_more(update: GroupUpdate) -> Talk[list[tuple[Membership, Reply]]]:
    """The group has no such member and `memberOf` may still say so: slapd leaves it behind when the client that
    took the member out died before the reply. Joining and leaving in one modification makes it write again."""
    dns = tuple(part.change.dn for part in update.parts)
    mods = (Mod(Op.ADD, "member", dns), Mod(Op.DELETE, "member", dns))
    reply = yield messages.modify(update.group, mods, messages.permissive())
    if reply is None or reply.code == SUCCESS:  # unknown: `memberOf` is looked at in the next cycle again
        return []
    return [(part, reply) for part in update.parts]


def _sent(update: GroupUpdate, forgiving: bool) -> Talk[tuple[GroupUpdate, Reply]]:
    """The reply, and to which part of the update: what is seen to be done is not sent again."""
    lenient = [messages.permissive()] if forgiving else []
    reply = None
    for _ in range(TIMES):
        reply = yield messages.modify(update.group, update.mods, *lenient)
        if reply is not None and (forgiving or reply.code not in _DONE_ALREADY):
            return update, reply
        update = yield from _left(update)
        if not update.parts:
            return update, Reply(SUCCESS, "")
    if reply is not None:
        return update, reply
    raise UnavailableError("directory", f"changing {update.group}: the answer was lost {TIMES} times")


def _left(update: GroupUpdate) -> Talk[GroupUpdate]:
    """Without those who are what they should be, in the group and in their own `memberOf`: slapd writes that
    after the group, and one that was killed between the two never does, unless it is told once more."""
    members = yield from _dns(update.group, "member")
    parts: list[Membership] = []
    for part in update.parts:
        joins = isinstance(part.change, Join)
        if (normalise_dn(part.change.dn) in (members or ())) is not joins:
            parts.append(part)
        else:
            groups = yield from _dns(part.change.dn, "memberOf")
            if groups is not None and (normalise_dn(update.group) in groups) is not joins:
                parts.append(part)
    return GroupUpdate(update.group, tuple(parts))


def _dns(dn: str, attribute: str) -> Talk[set[str] | None]:
    """The values of that attribute there, normalised; None: nothing is there."""
    there = yield from read_back(dn, (attribute,))
    if there is None:
        return None
    return {normalise_dn(value.decode()) for value in there.attributes.get(attribute.lower().encode(), [])}


def _pieces(parts: Sequence[Membership]) -> Iterator[GroupUpdate]:
    for start in range(0, len(parts), MOST_VALUES):
        yield GroupUpdate(parts[0].change.group, tuple(parts[start : start + MOST_VALUES]))

"""A long cycle that is interrupted between two batches: orders have their turn and stay as they were carried out, and
what is left when the process is to end is the next cycle's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from provisiond.domain.model import Hold, HoldKind, NoticeKind
from provisiond.domain.orders import SetHold
from provisiond.pauses import Leaving
from provisiond.result import Work
from tests.rigs.lives import a_person
from tests.rigs.world import World

STUDENTS = [f"2000{number:04}" for number in range(30)]


@dataclass
class At:
    """Pauses that do something the n-th time they come."""

    nth: int
    act: Callable[[], frozenset[str]]
    count: int = field(default=0)

    def wanted(self) -> bool:
        self.count += 1
        return self.count == self.nth

    def take(self) -> frozenset[str]:
        return self.act()


def world_of(students: list[str]) -> World:
    world = World()
    for number, student in enumerate(students):
        world.registry.put(a_person(student, surname="CHAN", given_names=f"Tai {'ABCDEF'[number % 6]}"))
    return world


def run(world: World, pauses: At) -> None:
    replace(world._cycle(), pauses=pauses, persons_a_batch=10).run()


@pytest.mark.parametrize("nth", range(1, 7))
def test_left_at_any_pause_the_next_cycle_finishes_and_nothing_is_twice(nth: int) -> None:
    world = world_of(STUDENTS)

    def leave() -> frozenset[str]:
        raise Leaving

    with pytest.raises(Leaving):
        run(world, At(nth, leave))
    done = len(world.ledger.history())
    assert not list(world.ledger.unfinished), "every batch that was written is committed"
    world.cycle()
    assert len(world.ledger.history()) > done
    assert sorted(world.ledger.all_students()) == STUDENTS
    assert not world.plan().plan.is_due
    created = [i.notice.key for i in world.ledger.outbox() if i.notice.kind is NoticeKind.CREATED]
    assert len(created) == len(set(created)) == len(STUDENTS)


@pytest.mark.parametrize("nth", range(1, 7))
@pytest.mark.parametrize("who", [STUDENTS[0], STUDENTS[15], STUDENTS[29]])
def test_an_order_in_any_pause_is_carried_out_there_and_stays(nth: int, who: str) -> None:
    world = world_of(STUDENTS)
    world.cycle()
    world.registry.put(*(replace(r, department="Physics") for r in world.registry.records.values()))

    def serve() -> frozenset[str]:
        order = SetHold(Hold(HoldKind.LOCK, world.clock.now(), None, "theft", "test"))
        world._cycle().run(Work((who,), order))
        return frozenset({who})

    run(world, At(nth, serve))
    assert NoticeKind.HOLD_SET in [kind for _, kind in world.notices(who)]
    assert not world.ledger.open_orders(world.today)
    dn = f"uid={world.account(who).account_name},{world.directory.people_base}"
    assert "pwdendtime" in world.directory.look(dn), "locked, whatever was decided before"
    world.cycle()
    assert all(r.department == "Physics" for s in STUDENTS for r in world.account(s).records)
    assert "pwdendtime" in world.directory.look(dn)
    assert not world.plan().plan.is_due

"""No notice, no expiry (DESIGN §3 rule 10): whatever becomes of the mails, services close only after every required
notice was accepted by a mail server and the lead time has passed. Through the real cycle, day after day."""

from __future__ import annotations

import os
from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from provisiond.domain.model import Extension, NoticeKind, NoticeStatus, OutboxItem, State, Status
from provisiond.domain.orders import Activate, Extend
from tests.rigs.lives import TODAY, ZONE, a_person
from tests.rigs.world import World

WHO = "20000001"
DN = "uid=tmchan,ou=people,dc=example,dc=edu"
LEAD = timedelta(days=7)
TRIALS = int(os.environ.get("PROVISIOND_TRIALS", "80"))

# Days that pass, what a mail server says to each mail that is due (None: it is away), and perhaps an extension
turns = st.lists(
    st.tuples(
        st.sampled_from((1, 1, 6, 7, 7, 8, 30)),
        st.sampled_from((NoticeStatus.ACCEPTED, NoticeStatus.ACCEPTED, NoticeStatus.REFUSED, None)),
        st.sampled_from((None, None, None, None, 10, 100)),
    ),
    min_size=4,
    max_size=25,
)


def graduate() -> World:
    world = World()
    world.registry.put(a_person(WHO, surname="CHAN", given_names="Tai Man"))
    world.cycle()
    world.order(WHO, Activate(world.clock.now(), "test"))
    world.settle()
    world.registry.put(
        a_person(WHO, surname="CHAN", given_names="Tai Man", status=Status.COMPLETED, status_on=TODAY)
    )
    world.cycle()
    return world


def is_open(world: World) -> bool:
    """Whether the directory still gives services: log-in, and a group."""
    entry = world.directory.look(DN)
    return (
        "pwdendtime" not in entry
        and DN in world.directory.look("cn=students,ou=groups,dc=example,dc=edu")["member"]
    )


def was_told_in_time(items: tuple[OutboxItem, ...], today: date) -> bool:
    """Accepted notices of both kinds, the reminder one of the very last expiry date, each older than the lead."""
    last = max(i.notice.about_on for i in items if i.notice.kind is NoticeKind.ALUMNI and i.notice.about_on)
    told: dict[NoticeKind, date] = {}
    for item in items:
        if item.status is NoticeStatus.ACCEPTED and item.settled_at:
            on = item.settled_at.astimezone(ZONE).date()
            told[item.notice.kind] = min(on, told.get(item.notice.kind, on))
    required = (NoticeKind.GRACE_BEGUN, NoticeKind.EXPIRY_REMINDER)
    return last < today and all(kind in told and told[kind] + LEAD < today for kind in required)


@settings(max_examples=TRIALS)
@given(st.sampled_from((0, 100, 115, 121, 150)), turns)
def test_nothing_closes_before_every_required_notice_was_accepted_and_had_its_time(
    asleep: int,
    turns: list[tuple[int, NoticeStatus | None, int | None]],
) -> None:
    """`asleep`: days without cycle and mail after the completion; services would have ended after 120."""
    world = graduate()
    world.clock.at += timedelta(days=asleep)
    for days, answer, more in turns:
        world.clock.at += timedelta(days=days)
        world.cycle()
        if world.account(WHO).state is State.ALUMNI:
            break
        assert is_open(world)
        if answer:
            world.settle(answer)
        if more:
            until = world.today + timedelta(days=more)
            world.order(WHO, Extend(Extension(until, world.clock.now(), "thesis", "test")))
    closed = world.account(WHO).state is State.ALUMNI
    assert closed is not is_open(world)
    assert not closed or was_told_in_time(world.account(WHO).outbox, world.today)


def test_a_notice_refused_everywhere_says_so_and_the_account_stays() -> None:
    world = graduate()
    refused_everywhere(world)
    world.sleep_until(TODAY + timedelta(days=200))
    assert world.account(WHO).state is State.GRACE and is_open(world)
    world.registry.put(
        a_person(WHO, surname="CHAN", given_names="Tai", status=Status.COMPLETED, status_on=TODAY)
    )
    (step,) = world.plan().plan.due
    assert "the grace-begun notice was refused by every address on record" in step.reasons[0]


def refused_everywhere(world: World) -> None:
    """By the address it goes to first, then by the other one on record."""
    for _ in range(2):
        world.settle(NoticeStatus.REFUSED)
        world.cycle()
    assert world.ledger.outbox(NoticeStatus.DUE) == []


def test_what_every_address_refused_is_tried_again_when_another_one_is_on_record() -> None:
    """By itself, once for each address; the expiry waits for it."""
    world = graduate()
    refused_everywhere(world)
    world.registry.put(
        a_person(
            WHO,
            surname="CHAN",
            given_names="Tai Man",
            status=Status.COMPLETED,
            status_on=TODAY,
            personal_mail="new.address@example.net",
        )
    )
    for _ in range(3):
        world.cycle()
    (again,) = world.ledger.outbox(NoticeStatus.DUE)
    assert (again.notice.kind, again.address) == (NoticeKind.GRACE_BEGUN, "new.address@example.net")
    world.sleep_until(TODAY + timedelta(days=200))
    assert world.account(WHO).state is State.ALUMNI


def at_the_last_day() -> tuple[World, date]:
    """The evening before it; every mail was taken so far."""
    world = graduate()
    last_on = date(TODAY.year + 1, 3, 24)
    world.sleep_until(last_on - timedelta(days=1))
    return world, last_on


def told_last_on(world: World) -> list[tuple[date | None, NoticeStatus]]:
    items = world.account(WHO).outbox
    return [(i.notice.about_on, i.status) for i in items if i.notice.kind is NoticeKind.EXPIRY]


def test_a_last_day_on_which_nobody_worked_is_the_next_one() -> None:
    """The person gets the mail of that day, and a day on which to act on it."""
    world, _ = at_the_last_day()
    world.clock.at += timedelta(days=3)
    world.cycle()
    world.settle()
    assert is_open(world) and told_last_on(world) == [(world.today, NoticeStatus.ACCEPTED)]
    world.cycle()
    assert world.account(WHO).next_on == world.today + timedelta(days=1)
    world.clock.at += timedelta(days=1)
    world.cycle()
    assert not is_open(world) and world.account(WHO).state is State.ALUMNI
    assert len(told_last_on(world)) == 1


def test_a_last_day_on_which_no_mail_went_out_is_the_next_one() -> None:
    world, last_on = at_the_last_day()
    for _ in range(3):
        world.clock.at += timedelta(days=1)
        world.cycle()
        assert is_open(world)
        late = [item.notice.key for item in world.ledger.outbox(NoticeStatus.DUE)][:-1]
        world.ledger.drop(late, "outbox", "overtaken: that day is over", world.clock.now())
    world.settle()
    assert told_last_on(world)[-1] == (last_on + timedelta(days=2), NoticeStatus.ACCEPTED)
    world.clock.at += timedelta(days=1)
    world.cycle()
    assert not is_open(world)


def test_a_mail_of_the_last_day_that_no_address_takes_holds_nothing_up() -> None:
    """Those before it were taken in time."""
    world, _ = at_the_last_day()
    world.clock.at += timedelta(days=1)
    world.cycle()
    world.settle(NoticeStatus.REFUSED)
    world.clock.at += timedelta(days=1)
    world.cycle()
    assert not is_open(world)

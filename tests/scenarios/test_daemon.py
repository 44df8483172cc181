"""A daemon through days, outages and clocks that are set, on a simulated clock: what falls due is done once, what is
overtaken is not sent, and whatever is away is told until it is back."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from provisiond.domain.model import Hold, HoldKind, NoticeKind, State, Status
from tests.rigs.daemon import Simulated
from tests.rigs.lives import TODAY, a_person, noon

WHO = "20000001"
HOUR, MINUTE, SECOND = timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)
EXPIRY = date(2027, 3, 24)  # four months after TODAY


@pytest.fixture
def life(tmp_path: Path) -> Simulated:
    return begun(tmp_path)


def begun(folder: Path, zone: str = "Asia/Hong_Kong", at: datetime | None = None) -> Simulated:
    """One student with an account, whom the daemon found by itself."""
    life = Simulated(folder, zone)
    life.world.clock.at = at or noon(TODAY)
    life.world.registry.put(a_person(WHO, surname="CHAN", given_names="Tai Man"))
    life.start()
    return life


def completed(life: Simulated) -> None:
    life.world.registry.put(a_person(WHO, status=Status.COMPLETED, status_on=life.today))
    life.live(timedelta(minutes=10))
    assert state(life) is State.GRACE


def state(life: Simulated) -> State:
    return life.world.account(WHO).state


def kinds(life: Simulated) -> list[NoticeKind]:
    return [kind for _, kind in life.world.notices(WHO)]


def sent_once(life: Simulated) -> None:
    """Every notice of the ledger was mailed, none twice."""
    mailed = Counter(key for _, key in life.mails)
    assert set(mailed.values()) <= {1}
    assert set(mailed) == {item.notice.key for item in life.world.ledger.outbox()}


def until(life: Simulated, day: date, at: time = time(0, 5)) -> None:
    life.live(datetime.combine(day, at, ZoneInfo(life.zone)).astimezone(UTC) - life.now, timedelta(hours=2))


def test_a_whole_grace_period_is_driven_by_the_clock_alone(life: Simulated) -> None:
    completed(life)
    until(life, EXPIRY)
    assert state(life) is State.GRACE
    until(life, EXPIRY + timedelta(days=1))
    assert state(life) is State.ALUMNI
    assert Counter(kinds(life))[NoticeKind.EXPIRY_REMINDER] == 3
    sent_once(life)


def test_a_milestone_is_met_when_its_day_begins_at_the_university(life: Simulated) -> None:
    completed(life)
    reminder = EXPIRY - timedelta(days=30)
    until(life, reminder - timedelta(days=1))
    begins = datetime.combine(reminder, time(), ZoneInfo(life.zone)).astimezone(UTC)
    assert life.timetable.next_at("milestone") == begins
    life.live(begins - life.now - SECOND, timedelta(hours=1))
    assert NoticeKind.EXPIRY_REMINDER not in kinds(life)
    life.pass_by(SECOND)
    assert NoticeKind.EXPIRY_REMINDER in kinds(life)


def test_three_days_down_and_what_fell_due_is_sent_once_without_what_was_overtaken(life: Simulated) -> None:
    completed(life)
    until(life, EXPIRY - timedelta(days=8))
    life.jump(timedelta(days=8))  # down from before the reminder of seven days to the expiry date itself
    life.start()
    told = kinds(life)
    assert told.count(NoticeKind.EXPIRY_REMINDER) == 1 and told.count(NoticeKind.EXPIRY) == 1
    until(life, EXPIRY + timedelta(days=1))
    assert state(life) is State.ALUMNI
    sent_once(life)


def test_three_days_down_over_the_end_give_the_last_day_when_it_is_back(life: Simulated) -> None:
    """Nobody loses access without the mail of the last day; each is sent once."""
    completed(life)
    until(life, EXPIRY - timedelta(days=1))
    life.jump(timedelta(days=3))
    life.start()
    assert state(life) is State.GRACE and kinds(life).count(NoticeKind.EXPIRY) == 1
    life.live(timedelta(days=1), timedelta(hours=1))
    assert state(life) is State.ALUMNI
    assert kinds(life).count(NoticeKind.EXPIRY) == kinds(life).count(NoticeKind.ALUMNI) == 1
    sent_once(life)


def test_a_clock_set_forward_does_what_is_due_at_once(life: Simulated) -> None:
    completed(life)
    life.jump(EXPIRY - timedelta(days=20) - life.today)
    life.pass_by(SECOND)
    assert NoticeKind.EXPIRY_REMINDER in kinds(life)
    sent_once(life)


def test_a_clock_set_back_stops_neither_looks_nor_orders(life: Simulated) -> None:
    completed(life)
    life.jump(timedelta(hours=-5))
    looks = len(life.polls)
    life.pass_by(SECOND)
    assert len(life.polls) > looks, "it looks at once"
    order(life)
    life.pass_by(SECOND)
    life.pass_by(SECOND)
    assert kinds(life).count(NoticeKind.HOLD_SET) == 1
    looks = len(life.polls)
    life.live(timedelta(minutes=30), MINUTE)
    assert 5 <= len(life.polls) - looks <= 8, "every five minutes, not in five hours and not each second"
    sent_once(life)


def test_a_clock_set_back_over_a_milestone_repeats_nothing(life: Simulated) -> None:
    completed(life)
    until(life, EXPIRY)
    before = list(life.mails)
    life.jump(timedelta(days=-2))
    life.live(timedelta(days=2, hours=1), timedelta(hours=1))
    assert life.mails == before
    sent_once(life)


@pytest.mark.parametrize("night", [date(2027, 3, 14), date(2026, 11, 1)])
def test_in_both_nights_of_daylight_saving_everything_happens_once(tmp_path: Path, night: date) -> None:
    zone = ZoneInfo("America/New_York")
    eve = datetime.combine(night - timedelta(days=1), time(12), zone).astimezone(UTC)
    life = begun(tmp_path, "America/New_York", eve)
    completed(life)
    audits, purges = [], []
    while life.now < eve + timedelta(days=1):
        life.pass_by(timedelta(minutes=10))
        audits.append(life.beat("audit").succeeded_at)
        purges.append(life.beat("purge").succeeded_at)
    assert len({at for at in audits if at}) == 1 and len({at for at in purges if at}) == 1
    sent_once(life)


def test_a_leap_day_is_a_day(tmp_path: Path) -> None:
    life = begun(tmp_path, at=noon(date(2027, 10, 29)))
    life.world.registry.put(a_person(WHO, status=Status.COMPLETED, status_on=date(2027, 10, 31)))
    until(life, date(2028, 2, 29))
    assert NoticeKind.EXPIRY in kinds(life) and state(life) is State.GRACE
    until(life, date(2028, 3, 1))
    assert state(life) is State.ALUMNI
    sent_once(life)


@pytest.mark.parametrize("system", ["registry", "directory", "ledger", "mail"])
def test_a_system_away_for_hours_is_told_once_and_all_is_done_within_a_minute_of_its_return(
    life: Simulated, system: str
) -> None:
    completed(life)
    until(life, EXPIRY - timedelta(days=31))
    life.live(timedelta(hours=20), timedelta(hours=1))
    life.away.add(system)
    life.live(timedelta(hours=8), timedelta(minutes=1))
    job = "outbox" if system == "mail" else "poll"
    beat = life.beat(job)
    assert system in beat.error and beat.failures > 100 and beat.next_at is not None
    assert system in life.daemon.doing(), "the service manager is told"
    life.away.clear()
    life.live(MINUTE, SECOND)
    assert not life.beat(job).error and not life.beat(job).failures
    assert kinds(life).count(NoticeKind.EXPIRY_REMINDER) == 1
    sent_once(life)


def test_an_unexpected_error_is_told_by_its_place_and_never_by_its_words(life: Simulated) -> None:
    life.faults = "HKID A123456(3)"
    life.live(timedelta(hours=1))
    error = life.beat("poll").error
    assert "ValueError" in error and "daemon.py" in error and "A123456" not in error
    life.faults = ""
    life.live(MINUTE, SECOND)
    assert not life.beat("poll").error


def order(life: Simulated) -> None:
    person = life.world.account(WHO).person_id
    hold = Hold(HoldKind.LOCK, life.now, None, "theft", "test")
    life.world.ledger.hold(person, hold)


def test_an_order_is_acted_on_within_two_seconds_and_only_that_person_is_looked_at(life: Simulated) -> None:
    life.live(timedelta(minutes=6))
    order(life)
    before = life.world.registry.refuses
    life.away.add("registry")  # which an order does not need
    life.pass_by(SECOND)
    life.pass_by(SECOND)
    assert NoticeKind.HOLD_SET in kinds(life)
    assert not life.world.ledger.open_orders(life.today)
    assert before is None and not life.beat("poll").error


def test_an_order_while_the_directory_is_away_stands_and_is_done_when_it_is_back(life: Simulated) -> None:
    life.away.add("directory")
    order(life)
    life.live(timedelta(minutes=10), SECOND * 10)
    assert life.world.ledger.open_orders(life.today)
    assert "directory" in life.beat("orders").error
    life.away.clear()
    life.live(MINUTE, SECOND)
    assert not life.world.ledger.open_orders(life.today)
    assert kinds(life).count(NoticeKind.HOLD_SET) == 1


def test_a_good_file_counts_from_the_next_piece_of_work_on_and_a_bad_one_is_refused_whole(
    life: Simulated,
) -> None:
    text = life.path.read_text()
    life.path.write_text(text + '[daemon]\npoll_every = "1 minute"\n')
    life.daemon.reload()
    looks = len(life.polls)
    life.live(timedelta(minutes=10), SECOND * 30)
    assert len(life.polls) - looks >= 10
    life.path.write_text(text + '[daemon]\npoll_every = "soon"\nstuck_after = 3\n')
    life.daemon.reload()
    assert len(life.daemon.configuration.faults) == 2 and life.daemon.configuration.refused_at
    assert life.daemon.settings.daemon.poll_every == MINUTE
    assert "poll_every" in life.daemon.standing().refused and "poll_every" in life.daemon.doing()
    life.path.write_text(text)
    life.daemon.reload()
    assert not life.daemon.standing().refused
    reloads = [told.split("\n") for told in life.manager.told if told.startswith("RELOADING=1")]
    assert len(reloads) == 3 and all(lines[1].startswith("MONOTONIC_USEC=") for lines in reloads)
    assert life.manager.told.count("READY=1") == 3


def test_who_leads_no_more_begins_nothing_and_who_leads_again_looks_at_once(life: Simulated) -> None:
    life.leadership.leads = False
    looks = len(life.polls)
    life.live(timedelta(hours=1))
    assert len(life.polls) == looks and "stands by" in life.daemon.doing()
    life.leadership.leads = True
    life.pass_by(SECOND)
    assert len(life.polls) > looks


def test_the_watchdog_is_fed_only_while_what_is_at_work_makes_progress(life: Simulated) -> None:
    life.live(MINUTE, SECOND)
    life.manager.told.clear()
    life.daemon.turn()
    assert "WATCHDOG=1" in life.manager.told
    life.daemon.pulse.begin("poll")
    life.ran += 14 * 60
    life.daemon.tick("lookout")
    assert life.daemon.is_well()
    life.daemon.pulse.progress("poll", "apply 500 of 1000")
    life.ran += 14 * 60
    life.daemon.tick("lookout")
    assert life.daemon.is_well(), "slow is not stuck"
    life.ran += 2 * 60
    life.daemon.tick("lookout")
    life.manager.told.clear()
    life.daemon.turn()
    assert "WATCHDOG=1" not in life.manager.told
    assert not life.daemon.is_well()


def test_a_timetable_that_is_silent_stops_the_watchdog(life: Simulated) -> None:
    life.ran += 60
    assert not life.daemon.is_well()


def test_a_used_plan_is_forgotten_after_three_months_and_its_history_is_not(life: Simulated) -> None:
    ledger = life.world.ledger
    ledger.hold_plan("cafe", "300 losses", (), life.now)
    ledger.approve("cafe", "test", life.now)
    ledger.spend("cafe", life.now)
    ledger.hold_plan("beef", "waits", (), life.now)
    until(life, life.today + timedelta(days=89), time(5))
    assert ledger.held_plan("cafe")
    until(life, life.today + timedelta(days=3), time(5))
    assert ledger.held_plan("cafe") is None and ledger.held_plan("beef")
    assert [line.event for line in ledger.history() if line.event.startswith("plan-")]


def audits(life: Simulated) -> list[datetime]:
    return [line.at for line in life.world.ledger.history() if line.event == "audited"]


def test_an_audit_missed_at_its_hour_is_made_up_for_once(life: Simulated) -> None:
    """03:30; a machine that is off at night would else never be audited."""
    until(life, TODAY + timedelta(days=1), time(4))
    assert len(audits(life)) == 1, "nothing was missed before the first one"
    life.start()
    assert len(audits(life)) == 1, "nothing was missed since"
    life.jump(timedelta(days=2))
    life.start()
    life.live(timedelta(hours=1))
    life.start()
    assert len(audits(life)) == 2, "once, however many were missed"
    until(life, TODAY + timedelta(days=4), time(4))
    assert len(audits(life)) == 3, "and the next one at its hour"


def test_a_missed_audit_waits_for_a_directory_that_is_away(life: Simulated) -> None:
    until(life, TODAY + timedelta(days=1), time(4))
    life.jump(timedelta(days=2))
    life.away.add("directory")
    life.start()
    assert len(audits(life)) == 1
    life.away.clear()
    life.live(timedelta(minutes=10), timedelta(seconds=30))
    assert len(audits(life)) == 2

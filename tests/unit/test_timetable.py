"""When jobs are asked for: once a day on every day of every zone, and late rather than never."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from provisiond.timetable import Daily, Timetable, begins_at

NEW_YORK, SAO_PAULO, APIA = (
    ZoneInfo(name) for name in ("America/New_York", "America/Sao_Paulo", "Pacific/Apia")
)


def fires(trigger: Daily, first: datetime, last: datetime) -> list[datetime]:
    found: list[datetime] = []
    at = trigger.get_next_fire_time(None, first)
    while at <= last:
        found.append(at)
        at = trigger.get_next_fire_time(at, at)
    return found


@pytest.mark.parametrize("at", [time(0), time(1, 30), time(2, 30), time(3, 30), time(23, 30)])
def test_a_daily_job_comes_once_on_each_date_of_the_year_through_both_nights_and_a_leap_day(at: time) -> None:
    first = datetime(2028, 1, 1, tzinfo=NEW_YORK).astimezone(UTC)
    found = fires(Daily(at, NEW_YORK), first - timedelta(seconds=1), first + timedelta(days=366))
    days = [instant.astimezone(NEW_YORK).date() for instant in found]
    assert days[:366] == [date(2028, 1, 1) + timedelta(days=n) for n in range(366)]


def test_a_time_that_clocks_pass_over_comes_an_hour_later_and_one_that_comes_twice_the_first_time() -> None:
    spring = begins_at(date(2027, 3, 14), time(2, 30), NEW_YORK)
    assert spring.astimezone(NEW_YORK).time() == time(3, 30)
    autumn = begins_at(date(2026, 11, 1), time(1, 30), NEW_YORK)
    assert autumn == datetime(2026, 11, 1, 5, 30, tzinfo=UTC)


def test_a_day_whose_midnight_does_not_exist_begins_with_its_first_instant() -> None:
    begins = begins_at(date(2018, 11, 4), time(), SAO_PAULO)
    assert begins.astimezone(SAO_PAULO) == datetime(2018, 11, 4, 1, tzinfo=SAO_PAULO)
    before = (begins - timedelta(seconds=1)).astimezone(SAO_PAULO)
    assert before.date() == date(2018, 11, 3)


def test_a_date_that_a_zone_leaves_out_brings_nothing_twice() -> None:
    first = datetime(2011, 12, 28, 12, tzinfo=UTC)
    found = fires(Daily(time(3, 30), APIA), first, first + timedelta(days=6))
    assert len(set(found)) == len(found)
    days = [instant.astimezone(APIA).date().day for instant in found]
    assert days == [28, 29, 31, 1, 2, 3]


def test_what_should_have_been_long_ago_is_asked_for_at_once_and_once() -> None:
    called = threading.Semaphore(0)
    table = Timetable()
    table.start()
    try:
        table.once("milestone", datetime.now(UTC) - timedelta(days=3), called.release)
        assert called.acquire(timeout=10)
        assert not called.acquire(timeout=0.3)
        table.once("milestone", None, called.release)
        assert table.next_at("milestone") is None
    finally:
        table.stop()

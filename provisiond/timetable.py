"""When the daemon's jobs are asked for. APScheduler is the ticker and no more: it keeps nothing, and what is due
stands in the ledger. Its only importer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any

import structlog
from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_MISSED
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.date import DateTrigger
from apscheduler.triggers.interval import IntervalTrigger

log = structlog.get_logger("provisiond.daemon")

Call = Callable[[], None]


def begins_at(day: date, at: time, zone: tzinfo) -> datetime:
    """That time of that day as an instant, exactly one a day: the first of two in the night when clocks are set back;
    as long after midnight as on other days when they were set forward over it."""
    return datetime.combine(day, at, zone).astimezone(UTC)


def begun_last(now: datetime, at: time, zone: tzinfo) -> datetime:
    """The last time that it was so late."""
    day = now.astimezone(zone).date()
    today = begins_at(day, at, zone)
    return today if today <= now else begins_at(day - timedelta(days=1), at, zone)


class Daily(BaseTrigger):  # type: ignore[misc]
    """Once on each date of `zone`. APScheduler's own cron fires twice when clocks are set back, and at a time that
    does not exist when they are set forward (FIELD-NOTES 2)."""

    def __init__(self, at: time, zone: tzinfo) -> None:
        self._at, self._zone = at, zone

    def get_next_fire_time(self, previous: datetime | None, now: datetime) -> datetime:
        day = (previous or now).astimezone(self._zone).date()
        at = begins_at(day, self._at, self._zone)
        if previous is None and at > now:
            return at
        return begins_at(day + timedelta(days=1), self._at, self._zone)


class Timetable:
    """Jobs are short: they ask a lane for work. However late one comes it comes once (`coalesce`, no grace time)."""

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._now = now
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            executors={"default": ThreadPoolExecutor(2)},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )
        self._scheduler.add_listener(_tell, EVENT_JOB_MISSED | EVENT_JOB_ERROR)
        self._plan: dict[str, tuple[Callable[[], BaseTrigger], Call]] = {}

    def start(self) -> None:
        self._scheduler.start()

    def stop(self) -> None:
        self._scheduler.shutdown(wait=False)

    def every(self, name: str, interval: timedelta, call: Call) -> None:
        def trigger() -> BaseTrigger:
            seconds = interval.total_seconds()
            return IntervalTrigger(seconds=seconds, start_date=self._now() + interval, timezone=UTC)

        self._put(name, trigger, call)

    def daily(self, name: str, at: time, zone: tzinfo, call: Call) -> None:
        self._put(name, lambda: Daily(at, zone), call)

    def once(self, name: str, at: datetime | None, call: Call) -> None:
        """In the past: at once. None: never."""
        if at is None:
            self._plan.pop(name, None)
            self._disarm(name)
            return
        self._put(name, lambda: DateTrigger(at, timezone=UTC), call)

    def rearm(self) -> None:
        """Everything anew from now on: an interval counted from a clock that was set back would pause for as long."""
        for name in list(self._plan):
            self._arm(name)

    def next_at(self, name: str) -> datetime | None:
        job: Any = self._scheduler.get_job(name)
        found: datetime | None = job.next_run_time if job else None
        return found

    def _put(self, name: str, trigger: Callable[[], BaseTrigger], call: Call) -> None:
        self._plan[name] = (trigger, call)
        self._arm(name)

    def _arm(self, name: str) -> None:
        trigger, call = self._plan[name]
        self._scheduler.add_job(call, trigger(), id=name, name=name, replace_existing=True)

    def _disarm(self, name: str) -> None:
        if self._scheduler.get_job(name):
            self._scheduler.remove_job(name)


def _tell(event: Any) -> None:
    log.error("the timetable missed a job", job=event.job_id, code=event.code)

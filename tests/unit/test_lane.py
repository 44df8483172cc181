"""One thread's worth of jobs: order, coalescing, back-off, and what is told of trouble."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
import structlog
from structlog.testing import capture_logs

from provisiond.domain.errors import UnavailableError
from provisiond.lane import Job, Lane, pause_after, sentence
from provisiond.pauses import Leaving
from provisiond.pulse import Pulse
from tests.rigs.clock import StoppedClock

CAP = timedelta(seconds=40)


@dataclass
class Rig:
    """A lane whose jobs note that they ran, and raise what they are told to."""

    trouble: dict[str, Exception | str] = field(default_factory=dict)
    ran: list[str] = field(default_factory=list)
    at: float = 0.0

    def __post_init__(self) -> None:
        clock = StoppedClock()
        self.pulse = Pulse(clock, lambda: self.at)
        jobs = {name: self._job(name) for name in ("orders", "poll", "audit")}
        self.lane = Lane(
            "cycles", jobs, self.pulse, clock, lambda: CAP, monotonic=lambda: self.at, chance=lambda: 0.0
        )

    def _job(self, name: str) -> Job:
        def job() -> str:
            self.ran.append(name)
            what = self.trouble.get(name, "")
            if isinstance(what, Exception):
                raise what
            return what

        return job


def test_the_most_urgent_comes_first_and_what_is_asked_for_often_is_done_once() -> None:
    rig = Rig()
    for name in ("audit", "poll", "poll", "orders", "poll", "of another lane"):
        rig.lane.want(name)
    while rig.lane.step():
        pass
    assert rig.ran == ["orders", "poll", "audit"]


def test_asked_for_while_at_work_it_is_done_once_more() -> None:
    rig = Rig()

    def job() -> str:
        rig.lane.want("poll")
        return ""

    rig.lane.attempt("poll", job)
    assert rig.lane.step() and not rig.lane.step()


def test_pauses_double_up_to_the_cap_and_are_never_all_alike() -> None:
    assert [pause_after(n, CAP, 0) for n in (1, 2, 3, 5, 6, 1000)] == [2, 4, 8, 32, 40, 40]
    assert pause_after(6, CAP, 1) == 30


def test_trouble_is_tried_again_by_itself_told_once_and_its_end_too() -> None:
    rig = Rig({"poll": UnavailableError("directory", "no server answers")})
    structlog.reset_defaults()  # another test of this process may have said that nothing is logged
    with capture_logs() as logs:
        rig.lane.want("poll")
        while rig.at < 100:
            rig.lane.want("poll")  # the timetable goes on asking: the pause counts
            rig.lane.step()
            rig.at += 1
        assert len(rig.ran) == 6
        beat = rig.pulse.beat("poll")
        assert (beat.error, beat.failures) == ("directory: no server answers", 6)
        assert beat.next_at is not None
        rig.trouble.clear()
        rig.at += 40
        rig.lane.step()
    assert [(log["event"], log["log_level"]) for log in logs] == [
        ("in trouble", "warning"),
        ("well again", "info"),
    ]
    assert rig.pulse.beat("poll").failures == 0


def test_one_job_in_trouble_does_not_keep_another() -> None:
    rig = Rig({"poll": "registry: there is no file"})
    rig.lane.want("poll")
    rig.lane.step()
    rig.lane.want("orders")
    assert rig.lane.step()
    assert rig.ran == ["poll", "orders"]


def test_who_was_interrupted_is_asked_for_again_and_has_not_failed() -> None:
    rig = Rig({"poll": Leaving()})
    rig.lane.want("poll")
    rig.lane.step()
    assert rig.lane.wants("poll") and not rig.pulse.beat("poll").error


@pytest.mark.parametrize(
    ("error", "told", "hidden"),
    [
        (UnavailableError("mail", "no server answers"), "mail: no server answers", "Unavailable"),
        (OSError(28, "No space left on device", "/tmp"), "No space left on device: /tmp", "28"),
        (KeyError("A123456(3)"), "unexpected KeyError (test_lane.py:", "A123456"),
    ],
)
def test_an_error_is_told_with_its_cause_and_an_unexpected_one_without_its_words(
    error: Exception, told: str, hidden: str
) -> None:
    try:
        raise error
    except Exception as caught:
        text = sentence(caught)
    assert told in text and hidden not in text


def test_a_lane_ends_after_the_job_in_hand() -> None:
    begun, go = threading.Event(), threading.Event()

    def job() -> str:
        begun.set()
        assert go.wait(10)
        return ""

    lane = _lane({"poll": job})
    lane.start()
    lane.want("poll")
    assert begun.wait(10)
    lane.end()
    assert not lane.join(0.05)
    go.set()
    assert lane.join(10)


def _lane(jobs: dict[str, Callable[[], str]]) -> Lane:
    clock = StoppedClock()
    return Lane("cycles", jobs, Pulse(clock), clock, lambda: CAP)

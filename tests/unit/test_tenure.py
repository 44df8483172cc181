"""How long a leader may write, and when the kernel would end it."""

from __future__ import annotations

import signal
from math import inf

import pytest

from provisiond.adapters.ledger.alarm import Alarm
from provisiond.adapters.ledger.tenure import LEASE_FOR, MARGIN_FOR, SEND_FOR, Tenure
from provisiond.domain.errors import UnavailableError


class Ticks:
    """A clock that stands until it is moved."""

    at = 1000.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def clock() -> Ticks:
    return Ticks()


@pytest.fixture
def tenure(clock: Ticks) -> Tenure:
    return Tenure(7, clock.at + LEASE_FOR, clock, Alarm(clock))


def ends_in() -> int:
    """Seconds, rounded; 0: never."""
    return round(signal.getitimer(signal.ITIMER_REAL)[0])


def test_a_short_send_must_be_done_before_anybody_may_take_over(tenure: Tenure) -> None:
    with tenure.sending() as seconds:
        assert seconds == SEND_FOR < ends_in() == MARGIN_FOR
    assert ends_in() == 0


def test_a_long_send_may_last_as_long_as_the_lease_is_renewed(tenure: Tenure) -> None:
    with tenure.lasting():
        assert ends_in() == LEASE_FOR
        tenure.extend(tenure.until + 100)
        assert ends_in() == LEASE_FOR + 100
        with tenure.sending():
            assert ends_in() == MARGIN_FOR, "of two the earlier one"
        assert ends_in() == LEASE_FOR + 100
    assert ends_in() == 0


def test_who_is_awake_and_leads_no_more_may_finish_what_it_has_in_hand(tenure: Tenure) -> None:
    with tenure.lasting():
        tenure.end()
        assert ends_in() == 0
    with pytest.raises(UnavailableError, match=r"leadership: lost \(epoch 7\)"), tenure.lasting():
        pytest.fail("sent")


def test_in_the_last_part_of_a_lease_nothing_is_sent(tenure: Tenure, clock: Ticks) -> None:
    clock.at += LEASE_FOR - MARGIN_FOR
    with pytest.raises(UnavailableError, match="leadership: lost"), tenure.sending():
        pytest.fail("sent")
    assert ends_in() == 0


def test_without_a_lease_there_is_no_alarm() -> None:
    tenure = Tenure(1)
    assert tenure.until == inf
    with tenure.sending() as seconds, tenure.lasting():
        assert seconds is None and ends_in() == 0
    tenure.end()
    assert not tenure.holds()

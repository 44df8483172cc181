"""Nothing is sent to the directory by who leads no more, not even by a process that was stopped between its look at
the clock and the send."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from provisiond.adapters.directory.ldap import LdapDirectory
from provisiond.adapters.directory.target import LdapTarget
from provisiond.adapters.ledger.alarm import Alarm
from provisiond.adapters.ledger.tenure import LEASE_FOR, MARGIN_FOR, Tenure, lost, uptime
from provisiond.domain.changes import Change
from provisiond.domain.errors import UnavailableError
from provisiond.ports import Done, Unknown
from tests.rigs.audited import newcomer, people
from tests.rigs.slapd import SlapdRig

processes = get_context("forkserver")


def bases(rig: SlapdRig) -> tuple[str, str, str, str]:
    return rig.base, rig.people_base, rig.contacts_base, rig.groups_base


def test_what_is_lost_in_the_middle_ends_there(slapd: SlapdRig) -> None:
    """The sends before are done or not known, nothing follows; another connection is no way around."""
    left = iter([2.0, 2.0, 2.0])

    @contextmanager
    def sending() -> Iterator[float]:
        seconds = next(left, None)
        if seconds is None:
            raise lost(7)
        yield seconds

    batches = [newcomer(slapd, f"guarded{number}")[:1] for number in range(200)]
    with closing(LdapDirectory(slapd.daemon, *bases(slapd), guard=sending)) as directory:
        outcomes = directory.apply(batches)
        told = {outcome.text for outcome in outcomes if isinstance(outcome, Unknown)}
        assert told == {lost(7).reason}
        done = [outcome for outcome in outcomes if isinstance(outcome, Done)]
        there = settled(slapd)
        assert len(done) <= there < 200
        with pytest.raises(UnavailableError, match=r"leadership: lost \(epoch 7\)"):
            directory.apply(batches)
    assert settled(slapd) == there


def settled(rig: SlapdRig) -> int:
    """How many are there when the server has done what it had received."""
    for _ in range(100):
        there = len(people(rig))
        time.sleep(0.1)
        if len(people(rig)) == there:
            return there
    raise AssertionError("it never came to rest")


def test_a_process_that_was_stopped_before_it_sent_never_sends(slapd: SlapdRig) -> None:
    process = _stopping(slapd, "late")
    time.sleep(MARGIN_FOR + 0.2)  # by now nothing else would keep it from sending
    _go_on(process)
    assert process.exitcode == -signal.SIGALRM
    assert people(slapd) == []


def test_a_process_that_was_stopped_for_a_moment_goes_on(slapd: SlapdRig) -> None:
    process = _stopping(slapd, "early")
    _go_on(process)
    assert process.exitcode == 0
    assert people(slapd) == ["early"]


def _stopping(slapd: SlapdRig, name: str) -> BaseProcess:
    """A process that stands still just before it sends its first write."""
    given = slapd.daemon, bases(slapd), newcomer(slapd, name)
    process = processes.Process(target=_write, args=given)
    process.start()
    for _ in range(2000):
        if _is_stopped(process):
            return process
        time.sleep(0.01)
    raise AssertionError("it never came to the send")


def _write(target: LdapTarget, bases: tuple[str, str, str, str], changes: Sequence[Change]) -> None:
    tenure = Tenure(1, uptime() + LEASE_FOR, alarm=Alarm(uptime))
    stops = iter([signal.SIGSTOP])

    @contextmanager
    def sending() -> Iterator[float | None]:
        with tenure.sending() as seconds:
            for stop in stops:
                os.kill(os.getpid(), stop)
            yield seconds

    with closing(LdapDirectory(target, *bases, guard=sending)) as directory:
        assert directory.apply([changes]) == [Done()]


def _is_stopped(process: BaseProcess) -> bool:
    stat = Path(f"/proc/{process.pid}/stat").read_text()
    return stat.rpartition(")")[2].split()[0] == "T"


def _go_on(process: BaseProcess) -> None:
    assert process.pid
    os.kill(process.pid, signal.SIGCONT)
    process.join(60)

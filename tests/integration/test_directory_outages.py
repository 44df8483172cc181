"""A server that is killed, stands still, is full, busy or slow while we write: each is told with its cause,
nothing that was acknowledged is lost, nothing is done twice, and no plan is made from half an answer."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import replace

import pytest

from provisiond.adapters.directory.session import open_session
from provisiond.domain.changes import Change, Mod, ModifyEntry, Op
from provisiond.domain.errors import UnavailableError
from provisiond.ports import Done, Outcome, Unknown
from tests.rigs.audited import (
    audited_slapd,
    configure,
    database_dn,
    directory_of,
    dn_of,
    effects,
    members,
    newcomer,
    people,
    process,
)
from tests.rigs.slapd import SlapdRig

KILLS = 20


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SlapdRig]:
    with audited_slapd(tmp_path_factory.mktemp("audited")) as rig:
        yield rig


@pytest.fixture(autouse=True)
def clean(audited: SlapdRig) -> None:
    audited.reset()


def done(batches: Sequence[list[Change]], outcomes: Sequence[Outcome]) -> list[list[Change]]:
    return [batch for batch, outcome in zip(batches, outcomes, strict=True) if outcome == Done()]


def names_in(batches: Sequence[list[Change]]) -> set[str]:
    return {batch[0].dn.split(",")[0].removeprefix("uid=") for batch in batches}


class Killer(threading.Thread):
    """kill -9 and a new start, KILLS times, each at some moment after something more was acknowledged."""

    def __init__(self, rig: SlapdRig) -> None:
        super().__init__()
        self._rig = rig
        self._dice = random.Random(1)
        self.progress = threading.Event()

    def run(self) -> None:
        for _ in range(KILLS):
            self.progress.clear()
            self.progress.wait(30)
            time.sleep(self._dice.uniform(0, 0.2))
            self._rig.kill()
            self._rig.start()


def test_twenty_kills_under_load(audited: SlapdRig) -> None:
    """Every account that was acknowledged is there, each was made once, and after the last kill what is left over is
    finished."""
    acknowledged: set[str] = set()
    number = 0
    killer = Killer(audited)
    killer.start()
    with closing(directory_of(audited)) as directory:
        for _ in range(10_000):
            batches = [newcomer(audited, f"killed{number + i}") for i in range(40)]
            with suppress(UnavailableError):  # the next round does the same work again, as a cycle would
                acknowledged |= names_in(done(batches, directory.apply(batches)))
            if names_in(batches) <= acknowledged:
                number += len(batches)
                killer.progress.set()
            if not killer.is_alive():
                break
    killer.join()
    assert acknowledged <= set(people(audited))
    assert acknowledged <= set(members(audited))
    wanted = [f"killed{i}" for i in range(number + 40)]
    with closing(directory_of(audited)) as directory:
        groups = {name: one.groups for name, one in directory.observe({n: n for n in acknowledged}).items()}
        assert all(groups.values())  # memberOf, which slapd writes after the group, says so too
        rest = [newcomer(audited, name) for name in wanted]
        assert directory.apply(rest) == [Done()] * len(rest)
    assert set(people(audited)) == set(members(audited)) == set(wanted)
    seen = effects(audited)
    # a kill may come between the tree and its log: none is logged twice
    assert max(seen["add", dn_of(audited, name)] for name in wanted) == 1


def test_a_server_that_stands_still_is_not_waited_for(audited: SlapdRig) -> None:
    """SIGSTOP in the middle: what is not known is called unknown; when it goes on, all is done once."""
    batches = [newcomer(audited, f"still{number}") for number in range(2000)]
    target = replace(audited.daemon, receive_timeout=1, connect_timeout=1, patience=1)
    acknowledged: set[str] = set()
    with closing(directory_of(audited, target)) as directory:
        acknowledged |= names_in(done(batches[:20], directory.apply(batches[:20])))
        with standing_still(audited, after=0.1), pytest.raises(UnavailableError, match="timed out"):
            for start in range(20, len(batches), 20):
                outcomes = directory.apply(batches[start : start + 20])
                acknowledged |= names_in(done(batches[start : start + 20], outcomes))
        assert 0 < len(acknowledged) < len(batches)
        assert acknowledged <= set(people(audited))
        assert directory.apply(batches[: len(acknowledged) + 50]) == [Done()] * (len(acknowledged) + 50)
    seen = effects(audited)
    assert {seen["add", batch[0].dn] for batch in batches[: len(acknowledged) + 50]} == {1}
    assert len(members(audited)) == len(acknowledged) + 50


@contextmanager
def standing_still(rig: SlapdRig, after: float) -> Iterator[None]:
    pid = process(rig).pid
    assert pid is not None
    stopper = threading.Timer(after, os.kill, (pid, signal.SIGSTOP))
    stopper.start()
    try:
        yield
    finally:
        stopper.join()
        os.kill(pid, signal.SIGCONT)


def test_nothing_is_known_of_a_server_that_stands_still_from_the_start(audited: SlapdRig) -> None:
    target = replace(audited.daemon, receive_timeout=1, connect_timeout=1, patience=0)
    with (
        standing_still(audited, after=0),
        closing(directory_of(audited, target)) as directory,
        pytest.raises(UnavailableError) as caught,
    ):
        time.sleep(0.1)
        directory.observe({"x": "x"})
    assert audited.url in str(caught.value)


def test_a_full_disk_is_told_and_costs_nothing(audited: SlapdRig) -> None:
    """The database reaches its greatest size: the accounts that were taken stand, all others wait."""
    batches = [newcomer(audited, f"full{number}") for number in range(2000)]
    taken: set[str] = set()
    before = configured(audited, "olcDbMaxSize")
    configure(audited, Mod(Op.REPLACE, "olcDbMaxSize", ("1000000",)))
    audited.restart()
    try:
        with closing(directory_of(audited)) as directory, pytest.raises(UnavailableError) as caught:
            for start in range(0, len(batches), 50):
                outcomes = directory.apply(batches[start : start + 50])
                assert all(isinstance(outcome, Done | Unknown) for outcome in outcomes)
                taken |= names_in(done(batches[start : start + 50], outcomes))
    finally:
        configure(audited, Mod(Op.REPLACE, "olcDbMaxSize", before))
        audited.restart()
    assert "is full" in str(caught.value) and "olcDbMaxSize" in str(caught.value)
    assert 0 < len(taken) < len(batches)
    assert taken <= set(people(audited)) and taken <= set(members(audited))
    with closing(directory_of(audited)) as directory:
        assert directory.apply(batches[: len(taken) + 100]) == [Done()] * (len(taken) + 100)


def configured(rig: SlapdRig, attribute: str) -> tuple[str, ...]:
    dn = database_dn(rig)
    with closing(open_session(rig.admin)) as session:
        entry = session.read(dn)
    assert entry is not None
    return tuple(value.decode() for value in entry.attributes.get(attribute, ()))


@pytest.fixture(scope="module")
def moody(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SlapdRig]:
    """slapo-retcode: entries that answer with the code that stands in them."""
    with audited_slapd(tmp_path_factory.mktemp("moody"), durable=False) as rig:
        load_retcode(rig)
        yield rig


def load_retcode(rig: SlapdRig) -> None:
    with closing(open_session(rig.admin)) as session:
        found = session.search("cn=config", "(olcModuleLoad=*)", ["1.1"])
        session.modify(found[0].dn, [Mod(Op.ADD, "olcModuleLoad", ("retcode",))], None, permissive=False)
        overlay = f"olcOverlay=retcode,{database_dn(rig)}"
        entry = {
            "objectclass": ("olcOverlayConfig", "olcRetcodeConfig"),
            "olcoverlay": ("retcode",),
            "olcretcodeindir": ("TRUE",),
            "olcretcodeparent": (f"cn=retcodes,{rig.base}",),
        }
        reply = session.add(overlay, entry)
        assert reply.code == 0, reply.text


@contextmanager
def answering(rig: SlapdRig, dn: str, code: int, operation: str) -> Iterator[None]:
    """That entry answers `operation` with `code`."""
    mood = [("objectclass", "errAuxObject"), ("errcode", str(code)), ("errop", operation)]
    with closing(open_session(rig.admin)) as session:
        mods = [Mod(Op.ADD, name, (value,)) for name, value in mood]
        assert session.modify(dn, mods, None, permissive=False).code == 0
        try:
            yield
        finally:  # of no use where the answer is to a modification
            mods = [Mod(Op.DELETE, name, (value,)) for name, value in reversed(mood)]
            with suppress(UnavailableError):
                session.modify(dn, mods, None, permissive=False)


MOODS = [(3, "timeLimitExceeded"), (11, "adminLimitExceeded"), (51, "busy"), (52, "unavailable")]


@pytest.mark.parametrize(("code", "word"), MOODS)
def test_a_busy_server_is_no_refusal(moody: SlapdRig, code: int, word: str) -> None:
    """Nobody is parked because the server was busy: the next cycle does it."""
    name = f"busy{code}"
    change = ModifyEntry("account", dn_of(moody, name), name, (Mod(Op.REPLACE, "sn", ("New",)),))
    with closing(directory_of(moody)) as directory:
        assert directory.apply([newcomer(moody, name)]) == [Done()]
        with (
            answering(moody, dn_of(moody, name), code, "modify"),
            pytest.raises(UnavailableError, match=word),
        ):
            directory.apply([[change]])


@pytest.mark.parametrize(("code", "word"), MOODS)
def test_no_plan_from_half_an_answer(moody: SlapdRig, code: int, word: str) -> None:
    """A look that ran into a limit on its way is an error, not a smaller directory; so is a survey of all."""
    moody.reset()
    names = [f"half{code}{letter}" for letter in "abc"]
    with closing(directory_of(moody)) as directory:
        assert directory.apply([newcomer(moody, name) for name in names]) == [Done()] * 3
        with answering(moody, dn_of(moody, names[1]), code, "search"):
            with pytest.raises(UnavailableError, match=word):
                directory.observe({name: name for name in names})
            with pytest.raises(UnavailableError, match=word):
                directory.names_with_prefixes(["half"])
            with pytest.raises(UnavailableError, match=f"{code}"):
                list(directory.survey())

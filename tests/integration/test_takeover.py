"""Two real daemons on one PostgreSQL: whoever leads is killed, stopped and continued, cut off from the database. The
other takes over in time, nothing of a lost epoch is written, and the work is whole in the end.

PROVISIOND_TRIALS: how often each (default: once)."""

from __future__ import annotations

import json
import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from provisiond.demo.sample import MAPPING
from provisiond.demo.university import University
from tests.integration.conftest import CODE, Rows, Site, new_site
from tests.rigs.audited import audited_slapd, effects, process
from tests.rigs.daemons import Daemons, Node, made, until
from tests.rigs.postgres import PostgresRig
from tests.rigs.smtp import SmtpRig

NEWCOMERS = 3  # a change
TRIALS = int(os.environ.get("PROVISIOND_TRIALS", "1"))
WITHIN = 15.0  # seconds: what is promised
_WIDE = "".join(
    f"\n[brakes.{name}]\nnumber = 100000\nalways_allowed = 100000\n"
    for name in ("creations", "completions", "losses", "renames", "mails")
)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """On a slapd that logs who did what, brakes wide open, nothing loaded."""
    with audited_slapd(tmp_path / "audited", durable=False) as rig:
        process(rig).log_level = "stats"
        process(rig).restart()
        found = new_site(rig, tmp_path)
        config = found.university.config
        config.write_text(config.read_text() + _WIDE)
        yield found


@pytest.fixture
def sink() -> Iterator[SmtpRig]:
    with SmtpRig() as rig:
        yield rig


@pytest.fixture
def daemons(site: Site, postgres: PostgresRig, sink: SmtpRig) -> Iterator[Daemons]:
    with ExitStack() as stack:
        found = made(stack, site.slapd, site.university, postgres, sink)
        site.run("ledger", "init")
        for node in found.nodes:
            found.start(node)
        watching = found.watch()
        try:
            yield found
        finally:
            found.end()
            watching.join()


def test_another_daemon_takes_over_in_time_and_nothing_of_a_lost_epoch_is_written(
    site: Site, daemons: Daemons, sink: SmtpRig, tmp_path: Path
) -> None:
    took: dict[str, list[float]] = {kind.__name__: [] for kind in (kill, stop, cut, silence)}
    chance = random.Random(5)
    with changing(site.university):
        for turn in range(TRIALS):
            for fault in (stop, silence if turn % 2 else cut, kill):
                took[fault.__name__].append(overtaken(daemons, fault, chance))
                (tmp_path / "took.json").write_text(json.dumps(took))
    daemons.end()
    assert daemons.stale() == []
    assert {write.source for write in daemons.writes()} == {node.source for node in daemons.nodes}
    assert max(max(seconds) for seconds in took.values() if seconds) < WITHIN
    copies = Counter(mail.message_id for mail in sink.mails)
    (tmp_path / "took.json").write_text(json.dumps(took | {"mails": len(copies), "sent": copies.total()}))
    assert whole(site) <= set(copies), "told, under one Message-ID for ever"
    assert copies.total() - len(copies) <= 3 * TRIALS, (
        "an answer that was lost with its reader costs one copy"
    )


def overtaken(daemons: Daemons, fault: Callable[[Daemons, Node], None], chance: random.Random) -> float:
    """Seconds from the fault to the other one's first write to the directory; who was hurt is well again."""
    old = daemons.leader()
    (new,) = (node for node in daemons.nodes if node is not old)
    until(lambda: daemons.stands_by(new), "the other one stands by")
    old.writes_now()
    if chance.random() < 0.3:
        time.sleep(chance.uniform(0, 1.5))  # in whatever part of a cycle
    else:
        old.writes_now()
    began = time.monotonic()
    fault(daemons, old)
    until(lambda: daemons.leader() is new, "the other one leads")
    took = time.monotonic() - began
    new.writes_now()
    mend(daemons, old)
    return took


def kill(_daemons: Daemons, node: Node) -> None:
    node.send(signal.SIGKILL)


def stop(_daemons: Daemons, node: Node) -> None:
    node.send(signal.SIGSTOP)


def cut(daemons: Daemons, node: Node) -> None:
    daemons.cut(node)


def silence(_daemons: Daemons, node: Node) -> None:
    """Its questions arrive at the database and no answer comes back."""
    node.ledger_way.deaf = True


def mend(daemons: Daemons, node: Node) -> None:
    """It wakes up in the middle of what it did, beside the one that leads now; where it is dead, as it may be, it is
    started again as systemd would."""
    node.ledger_way.deaf = False
    node.send(signal.SIGCONT)
    time.sleep(1)
    if node.ended() is not None:
        assert node.ended() in (-signal.SIGKILL, -signal.SIGALRM)
        daemons.start(node)


class changing:  # noqa: N801 - reads as a phrase
    """While it lasts, the registry names new departments for sixty students each second, and newcomers."""

    def __init__(self, university: University) -> None:
        self._university, self._ends, self._turn = university, threading.Event(), 0
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._ends.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ends.wait(1):
            self._turn += 1
            self._university.edit(self._edit)

    def _edit(self, rows: Rows) -> None:
        for row in rows[:60]:
            row[MAPPING["department"]] = f"Department {self._turn % 97}"
        first = rows[0] | {MAPPING["hkid"]: "", MAPPING["status"]: CODE["registered"]}
        for number in range(NEWCOMERS * self._turn, NEWCOMERS * (self._turn + 1)):
            name = {MAPPING["surname"]: "CHAN", MAPPING["given_names"]: f"Tai {_word(number)}"}
            mail = {MAPPING["personal_mail"]: f"n{number}@example.net"}
            rows.append(first | name | mail | {MAPPING["student_id"]: str(40000000 + number)})


def _word(number: int) -> str:
    return "".join("abcdefghij"[int(digit)] for digit in str(number)).title()


def whole(site: Site) -> set[str]:
    """What is left is finished by a last run; a further one writes nothing; nothing was done twice. Returns the
    Message-IDs of mails to new accounts that a server accepted."""
    site.run("once")
    before = site.state()
    site.run("once")
    assert site.state() == before
    done = effects(site.slapd)
    assert not [dn for (kind, dn), count in done.items() if kind == "add" and count > 1], "added twice"
    assert not [dn for kind, dn in done if kind == "delete"]
    assert site.run("history", "--verify").strip() == "the history is whole"
    site.run("audit")
    notices = [item for item in site.json("outbox") if item["notice"]["kind"] == "created"]
    assert set(Counter(item["notice"]["person_id"] for item in notices).values()) == {1}
    return {item["message_id"] for item in notices if item["status"] == "accepted"}

"""Several real daemons on one PostgreSQL and one slapd, each through forwarders of its own, so that one can be cut
off, and slapd's logs tell whose write is whose."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection, create_engine, text
from sqlalchemy.pool import NullPool

from provisiond.adapters.ledger.leadership import Leader, leader
from provisiond.adapters.ledger.place import Place, place
from provisiond.demo.university import University
from tests.rigs.audited import LOG, process
from tests.rigs.forked import Forked
from tests.rigs.front import Front
from tests.rigs.ledgers import as_administrator
from tests.rigs.postgres import PASSWORD, PostgresRig
from tests.rigs.slapd import SlapdRig
from tests.rigs.smtp import SmtpRig

T = TypeVar("T")
WITHIN = 60.0  # seconds until whatever is waited for must have come
BURST = 20_000  # bytes: more than a cycle asks before it writes

_MORE = """
[daemon]
poll_every = "1 second"
outbox_every = "1 second"
retry_at_most = "2 seconds"

[mail]
host = "127.0.0.1"
tls = "none"
port = {port}
sender = "accounts@example.edu"
per_minute = 100000
per_run = 100000
backoff = "1 second"
longest_backoff = "2 seconds"
"""


@dataclass
class Node:
    """One daemon. `source`: the address by which slapd knows it."""

    config: Path
    source: str
    ledger_way: Front
    directory_way: Front
    log: Path
    running: Forked | None = None

    @property
    def pid(self) -> int:
        assert self.running
        return self.running.pid

    def start(self) -> None:
        with self.log.open("ab") as log:
            words, where = ["-c", str(self.config), "run"], log.fileno()
            self.running = Forked(words, environment=os.environ, stdout=where, stderr=where)

    def send(self, number: signal.Signals) -> None:
        assert self.running
        self.running.send_signal(number)

    def writes_now(self) -> None:
        """Returns in the middle of a burst of requests to the directory."""
        give_up, before = time.monotonic() + WITHIN, self.directory_way.asked
        while self.directory_way.asked < before + BURST:
            assert time.monotonic() < give_up, "it writes nothing"
            time.sleep(0.001)

    def ended(self) -> int | None:
        assert self.running
        return self.running.poll()

    def stop(self) -> int:
        if self.ended() is None:
            self.send(signal.SIGCONT)
            self.send(signal.SIGTERM)
        assert self.running
        try:
            return self.running.wait(20)
        except subprocess.TimeoutExpired:
            self.running.kill()
            raise


@dataclass(frozen=True, slots=True)
class Write:
    """A change that took effect in the directory."""

    at: float  # seconds since 1970
    source: str
    kind: str
    dn: str


@dataclass
class Daemons:
    """`where`: the ledger, straight. `epochs`: who led since when, by epoch, as far as the watch saw it."""

    slapd: SlapdRig
    where: Place
    nodes: list[Node]
    epochs: dict[int, tuple[float, str]] = field(default_factory=dict)
    _pids: dict[int, str] = field(default_factory=dict)
    _ends: threading.Event = field(default_factory=threading.Event)

    def start(self, node: Node) -> None:
        node.start()
        self._pids[node.pid] = node.source

    def leader(self) -> Node:
        return until(self._leading, "somebody leads")

    def _leading(self) -> Node | None:
        found = self.row()
        return next((n for n in self.nodes if found and n.running and n.pid == found.pid), None)

    def row(self) -> Leader | None:
        return leader(self.where)

    def stands_by(self, node: Node) -> bool:
        return bool(
            self.ask("SELECT 1 FROM pg_stat_activity WHERE application_name LIKE :name", node, "leader ")
        )

    def cut(self, node: Node) -> None:
        """The session in which it holds the lock ends."""
        cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE :name"
        assert self.ask(cut, node, "leader ")

    def ask(self, statement: str, node: Node, what: str) -> object:
        with self.administrator() as connection:
            return connection.scalar(text(statement), {"name": f"provisiond {what}(pid {node.pid} on %"})

    def administrator(self) -> Connection:
        url = as_administrator(self.where.url.render_as_string())
        return create_engine(url, isolation_level="AUTOCOMMIT", poolclass=NullPool).connect()

    def watch(self) -> threading.Thread:
        """Keeps the book of epochs until `end`."""

        def look() -> None:
            while not self._ends.wait(0.05):
                if (found := self.row()) and found.pid in self._pids:
                    self.epochs.setdefault(found.epoch, (found.since.timestamp(), self._pids[found.pid]))

        watching = threading.Thread(target=look, daemon=True)
        watching.start()
        return watching

    def end(self) -> None:
        self._ends.set()
        for node in self.nodes:
            node.stop()

    # -- the referee -------------------------------------------------------------------------------------
    def writes(self) -> list[Write]:
        """By daemons, in the order in which slapd did them."""
        sources = dict(re.findall(r"conn=(\d+) fd=\d+ ACCEPT from IP=([\d.]+):", self._said()))
        found = []
        shown = self.slapd.ldapsearch(
            "-b", LOG, "(reqResult=0)", "entryCSN", "reqSession", "reqType", "reqDN"
        )
        for record in shown.split("\n\n"):
            values = dict(re.findall(r"^(req\w+|entryCSN):+ (.+)$", record, re.MULTILINE))
            source = sources.get(values.get("reqSession", ""))
            if source in {node.source for node in self.nodes}:
                found.append(Write(_instant(values["entryCSN"]), source, values["reqType"], values["reqDN"]))
        return sorted(found, key=lambda write: write.at)

    def _said(self) -> str:
        return (process(self.slapd).folder / "slapd.log").read_text(errors="replace")

    def stale(self) -> list[Write]:
        """Writes by another than who led just then."""
        begins = sorted(self.epochs.values())
        return [
            w for w in self.writes() if [source for at, source in begins if at <= w.at][-1:] != [w.source]
        ]


def made(
    stack: ExitStack, slapd: SlapdRig, university: University, postgres: PostgresRig, mail: SmtpRig
) -> Daemons:
    """Two, not started. The university's own configuration is put on the same ledger, which is not made yet."""
    url = postgres.ledger_url()
    university.keep_secret("ledger", PASSWORD)
    text = university.config.read_text()
    text = text.replace('path = "ledger.db"', f'url = "{url}"\npassword_file = "secrets/ledger"')
    university.config.write_text(text)
    nodes = []
    for number in (1, 2):
        source = f"127.0.0.{10 + number}"
        ledger_way = stack.enter_context(Front(f"tcp://127.0.0.1:{postgres.port}"))
        directory_way = stack.enter_context(Front(slapd.url, source=source))
        config = university.folder / f"daemon{number}.toml"
        way = text.replace(f":{postgres.port}/", f":{ledger_way.port}/")
        way = way.replace(f'urls = ["{slapd.url}"]', f'urls = ["ldap://127.0.0.1:{directory_way.port}"]')
        config.write_text(way + _MORE.format(port=mail.port))
        nodes.append(
            Node(config, source, ledger_way, directory_way, university.folder / f"daemon{number}.log")
        )
    return Daemons(slapd, place(url, PASSWORD), nodes)


def until(look: Callable[[], T | None], what: str) -> T:
    give_up = time.monotonic() + WITHIN
    while time.monotonic() < give_up:
        if found := look():
            return found
        time.sleep(0.05)
    raise AssertionError(f"never: {what}")


def _instant(csn: str) -> float:
    """20261124220520.078466Z#… reqStart has no microseconds, only a counter in that place."""
    text = csn.partition("#")[0].replace("Z", "+0000")
    return datetime.strptime(text, "%Y%m%d%H%M%S.%f%z").timestamp()

"""On a SQLite ledger there is one daemon: a second one is refused and told who is at work."""

from __future__ import annotations

import signal

from provisiond.adapters.ledger.leadership import leader
from provisiond.adapters.ledger.place import Place, place
from tests.integration.conftest import Site
from tests.rigs.daemons import until
from tests.rigs.ledgers import url


def test_a_second_daemon_is_refused_and_told_who_is_at_work(site: Site) -> None:
    where = place(url(site.university.folder / "ledger.db"))
    with site.start("run") as first:
        until(lambda: leads(where, first.pid), "the first one leads")
        told = site.run("run", expect=75)
        assert f"another daemon works on {where.path}: provisiond (pid {first.pid} on " in told
        first.kill()
        first.communicate()
    with site.start("run") as next_one:
        until(lambda: leads(where, next_one.pid), "nothing of the dead one is in the way")
        next_one.send_signal(signal.SIGTERM)
        next_one.communicate()
    assert next_one.returncode == 0


def leads(where: Place, pid: int) -> bool:
    found = leader(where)
    return found is not None and found.pid == pid

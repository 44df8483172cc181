"""One measured thing in a process of its own, so that its memory is its own: prints seconds, peak and counts as JSON.

python -m tests.bench.measured VERB CONFIG [ARGUMENT]"""

from __future__ import annotations

import csv
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import ldap3

from provisiond import audit as auditing
from provisiond import bootstrap, logs
from provisiond.adapters.clock import SystemClock
from provisiond.adapters.directory.ldif import ldif
from provisiond.domain.changes import AddEntry, Join
from provisiond.domain.course import Span
from provisiond.domain.lifecycle import add_months
from provisiond.domain.model import NoticeStatus
from provisiond.rehearsal import Assumed, Rehearsal
from provisiond.settings import CsvSettings, Settings, load
from tests.bench.offline import OfflineDirectory

Told = dict[str, float]


def cycle(settings: Settings, _argument: str) -> Told:
    """One cycle through everything."""
    with bootstrap.parts(settings, SystemClock(), writes=True) as parts:
        began = time.perf_counter()
        result = parts.cycle().run()
        took = time.perf_counter() - began
    assert not result.failed and not result.refused, (result.failed[:3], result.refused)
    assert not result.plan.held_count, result.plan.tripped
    return {"seconds": took, "applied": result.applied, "looked_at": result.looked_at}


def offline(settings: Settings, argument: str) -> Told:
    """A first load into LDIF files and the ledger."""
    directory = OfflineDirectory(Path(argument))
    with bootstrap.parts(settings, SystemClock(), writes=True, directory=directory) as parts:
        began = time.perf_counter()
        result = parts.cycle().run()
        took = time.perf_counter() - began
    return {"seconds": took, "applied": result.applied}


def planned(settings: Settings, argument: str) -> Told:
    """What a first cycle would write, as LDIF for `ldapmodify`: entries, and each batch's memberships together, as
    our own adapter sends them."""
    entries = 0
    with (
        bootstrap.parts(settings, SystemClock(), writes=False) as parts,
        Path(argument).open("w", encoding="utf-8") as file,
    ):
        for batch in parts.cycle().plan().plan.batches:
            changes = [change for step in batch.steps for change in step.changes]
            adds = [change for change in changes if isinstance(change, AddEntry)]
            file.write(ldif(adds).removeprefix("version: 1\n"))
            entries += len(adds)
            for group in sorted({change.group for change in changes if isinstance(change, Join)}):
                members = [c.dn for c in changes if isinstance(c, Join) and c.group == group]
                file.write(f"\ndn: {group}\nchangetype: modify\nadd: member\n")
                file.writelines(f"member: {member}\n" for member in members)
                file.write("-\n")
    return {"entries": entries}


def audit(settings: Settings, _argument: str) -> Told:
    """Everything compared."""
    with bootstrap.parts(settings, SystemClock(), writes=True) as parts:
        began = time.perf_counter()
        found = auditing.audit(parts.cycle(), fix=True, actor="bench")
        took = time.perf_counter() - began
    assert not found.strangers, found.strangers[:3]
    return {"seconds": took, "entries": found.entries, "looked_at": found.looked_at}


def scan(settings: Settings, _argument: str) -> Told:
    """A bare ldap3 paged scan of the attributes that an audit needs."""
    where = settings.directory
    server = ldap3.Server(where.urls[0], get_info=ldap3.NONE)
    connection = ldap3.Connection(server, where.bind_dn, where.password, auto_bind=True)
    wanted = ["provisiondPersonId", "entryUUID", "entryCSN", "memberOf"]
    search = connection.extend.standard.paged_search
    began = time.perf_counter()
    found = search(where.base, "(provisiondPersonId=*)", attributes=wanted, paged_size=1000, generator=True)
    entries = sum(1 for _ in found)
    took = time.perf_counter() - began
    assert connection.result["result"] == 0, connection.result
    connection.unbind()
    return {"seconds": took, "entries": entries}


def read_csv(settings: Settings, _argument: str) -> Told:
    """What Python's csv module alone needs for the registry file: the best of three."""
    source, best = settings.registries[0], float("inf")
    assert isinstance(source, CsvSettings)
    for _ in range(3):
        began = time.perf_counter()
        with source.path.open(encoding="utf-8-sig", newline="") as file:
            for _row in csv.reader(file):
                pass
        best = min(best, time.perf_counter() - began)
    return {"seconds": best}


def settled(settings: Settings, _argument: str) -> Told:
    """Every notice accepted."""
    with bootstrap.parts(settings, SystemClock(), writes=True) as parts:
        now, ledger = parts.clock.now(), parts.ledger
        keys = [item.notice.key for item in ledger.outbox(NoticeStatus.DUE)]
        ledger.settle(keys, NoticeStatus.ACCEPTED, "250 ok", "bench", now)
    return {"accepted": len(keys)}


def rehearse(settings: Settings, argument: str) -> Told:
    """18 months from today; with an argument, everybody completes on the expected date."""
    with bootstrap.parts(settings, SystemClock(), writes=False) as parts:
        now = parts.clock.now()
        until = add_months(now.astimezone(settings.zone).date(), 18)
        span = Span(now, until, settings.zone)
        assumed = Assumed(expected_ends=bool(argument))
        began = time.perf_counter()
        found = Rehearsal(parts.ledger, span, settings.policy, assumed=assumed, processes=2).run()
        took = time.perf_counter() - began
    total = found.agenda.total()
    return {
        "seconds": took,
        "decided": found.agenda.looked_at,
        "notices": total.notices.total(),
        "alumni": total.alumni,
    }


VERBS: dict[str, Callable[[Settings, str], Told]] = {
    "cycle": cycle,
    "offline": offline,
    "planned": planned,
    "csv": read_csv,
    "audit": audit,
    "scan": scan,
    "settled": settled,
    "rehearse": rehearse,
}


def peak_mb() -> float:
    """Of this program; getrusage would count what our parent had when it forked us."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def main() -> None:
    verb, config, *rest = sys.argv[1:]
    logs.configure(verbose=False)
    told = VERBS[verb](load(Path(config)), rest[0] if rest else "")
    sys.stdout.write(json.dumps(told | {"peak_mb": peak_mb()}) + "\n")


if __name__ == "__main__":
    main()

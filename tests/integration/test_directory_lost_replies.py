"""A network that loses answers, cuts connections and lags: every write takes effect once, and none is reported
as failed that did. The server's own access log is the referee."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace

import pytest

from provisiond.adapters.directory.ldap import LdapDirectory
from provisiond.domain.changes import Change, DeleteEntry, Join, Leave, Mod, ModifyEntry, Op
from provisiond.domain.model import Entry
from provisiond.ports import Done
from tests.rigs.audited import audited_slapd, directory_of, effects, members, newcomer, people
from tests.rigs.proxy import Harm, Proxy
from tests.rigs.slapd import SlapdRig

PERSONS = 1900
BATCH = 500


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SlapdRig]:
    with audited_slapd(tmp_path_factory.mktemp("audited"), durable=False) as rig:
        yield rig


def eventually(holds: Callable[[], bool]) -> bool:
    for _ in range(100):
        if holds():
            return True
        time.sleep(0.1)
    return holds()


def entries(directory: LdapDirectory, names: Sequence[str]) -> Mapping[str, Entry]:
    seen = directory.observe({name: name for name in names})
    return {name: one.account for name, one in seen.items() if one.account}


def renamed(entry: Entry, name: str) -> ModifyEntry:
    """As the core would decide it on that entry."""
    mods = (Mod(Op.REPLACE, "sn", (f"New {name}",)), Mod(Op.ADD, "ou", ("Law",)))
    return ModifyEntry("account", entry.dn, name, mods, entry.csn, {"sn": entry.attributes["sn"]})


def moved(entry: Entry, name: str) -> ModifyEntry:
    """To another address, which slapd's `unique` guards."""
    mods = (Mod(Op.REPLACE, "mail", (f"{name}@new.example.edu",)),)
    return ModifyEntry("account", entry.dn, name, mods, entry.csn, {"mail": entry.attributes["mail"]})


def test_five_thousand_writes_through_lost_replies(audited: SlapdRig) -> None:
    """Adds, joins, modifications (of an address that must be unique, too), leaves and deletions: all done, each
    once."""
    harm = Harm(swallow=0.02, close=0.02, cut=0.01, delay=0.01)
    names = [f"lossy{number:04}" for number in range(PERSONS)]
    students, alumni = (f"cn={group},{audited.groups_base}" for group in ("students", "alumni"))
    with Proxy(audited.url, harm) as proxy:
        target = replace(audited.daemon, urls=(proxy.url,), receive_timeout=1)
        with closing(directory_of(audited, target)) as directory:

            def apply(batches: Sequence[Sequence[Change]]) -> None:
                for start in range(0, len(batches), BATCH):
                    outcomes = directory.apply(batches[start : start + BATCH])
                    assert [each for each in outcomes if each != Done()] == []

            apply([newcomer(audited, name) for name in names])
            there = entries(directory, names)
            apply([[renamed(there[name], name), Join(alumni, there[name].dn)] for name in names])
            there = entries(directory, names)
            apply([[moved(there[name], name)] for name in names[:500]])
            apply([[Leave(students, there[name].dn)] for name in names[:500]])
            apply([[DeleteEntry("account", there[n].dn, n, there[n].csn)] for n in names[1000:]])
        done = proxy.counted
    assert min(done["swallow"], done["close"], done["cut"]) > 10
    seen = effects(audited)
    assert {seen["add", there[n].dn] for n in names} == {1}
    assert [seen["modify", there[n].dn] for n in names[:500]] == [2] * 500
    assert [seen["modify", there[n].dn] for n in names[500:]] == [1] * (PERSONS - 500)
    assert [seen["delete", there[n].dn] for n in names[1000:]] == [1] * (PERSONS - 1000)
    assert people(audited) == names[:1000]
    assert eventually(lambda: members(audited) == names[500:1000])  # slapd's refint works in the background

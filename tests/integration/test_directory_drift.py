"""The look at drift on a real server: renamed entries, a server that forgot, entries that are nothing to us."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from provisiond.ports import Drift
from tests.contract.test_drift_contract import marked
from tests.rigs.directory_site import Site, real_site
from tests.rigs.slapd import SlapdRig


@pytest.fixture
def here(slapd: SlapdRig) -> Iterator[Site]:
    yield from real_site(slapd, "zrab")


def test_an_entry_with_another_name_is_the_same_entry(here: Site, slapd: SlapdRig) -> None:
    """modrdn: the mark tells the person, the ID the entry."""
    here.directory.apply([[here.add(here.entry())]])
    since = here.directory.drift(None).watermark
    (before,) = marked(here).values()
    ldif = f"dn: {here.dn}\nchangetype: modrdn\nnewrdn: uid=zrabother\ndeleteoldrdn: 1\n"
    assert slapd.client("ldapmodify", given=ldif).returncode == 0
    (after,) = marked(here).values()
    assert here.directory.drift(since).person_ids == {here.name}
    assert after.sighting.entry_id == before.sighting.entry_id
    assert after.sighting.state != before.sighting.state


def test_a_server_that_forgot_says_so(here: Site, slapd: SlapdRig) -> None:
    """slapd keeps the log of deletions in memory: what came before a restart must be compared."""
    here.directory.apply([[here.add(here.entry())]])
    since = here.directory.drift(None).watermark
    here.tree.uproot(here.dn)
    slapd.restart()
    drift = here.directory.drift(since)
    assert drift == Drift(drift.watermark, deleted=True)
    later = here.directory.drift(drift.watermark)
    assert later == Drift(later.watermark)


def test_a_watermark_the_server_has_not_reached_is_no_answer(here: Site, slapd: SlapdRig) -> None:
    """A directory restored from a backup is older than what we saw of it."""
    drift = here.directory.drift("rid=000,csn=20991231000000.000000Z#000000#000#000000")
    assert drift == Drift(drift.watermark, deleted=True)


def test_other_entries_count_only_by_their_ids(here: Site, slapd: SlapdRig) -> None:
    """A token, a service account, a group of somebody else's: nobody of ours is suspected."""
    since = here.directory.drift(None).watermark
    here.tree.plant(
        f"cn=choir,{here.groups_base}", {"objectclass": ("groupOfNames",), "member": (slapd.daemon_dn,)}
    )
    drift = here.directory.drift(since)
    assert (drift.person_ids, drift.seen, drift.memberships) == (frozenset(), (), False)
    assert len(drift.touched) == 1

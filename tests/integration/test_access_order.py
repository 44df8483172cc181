"""`directory init` where access rules stand in an older order, and what their new order must not change."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from provisiond.adapters.directory.setup import run_setup, setup_steps
from provisiond.domain.model import Audience
from tests.integration.test_directory_listings import listed, portal, reader, seen_by
from tests.rigs.other_tool import STAFF, staff, staff_access
from tests.rigs.slapd import BASE, Kind, SlapdRig, running_rig


@pytest.fixture
def in_older_order(slapd_kind: Kind, tmp_path: Path) -> Iterator[SlapdRig]:
    """A server whose rules stand as a version released them that had those for listings further down, with one that
    an operator put before the last of them (docs/operations.md, adoption)."""
    with running_rig(slapd_kind, tmp_path / "slapd") as rig:
        first, last = rules_of(rig)[:-1], rules_of(rig)[-1]
        write_rules(rig, [*_released(first), last])
        done = rig.client("ldapmodify", given=staff_access(shown_rules(rig), rig.daemon_dn))
        assert done.returncode == 0, done.stderr
        assert rig.client("ldapadd", given=staff()).returncode == 0
        yield rig


def _released(rules: list[str]) -> list[str]:
    """Without the three that came first later; one of them stood among the others, and named no administrator."""
    hidden = re.sub(r"by dn.exact=\"[^\"]*\" manage ", "", rules[1])
    at = next(n for n, rule in enumerate(rules) if "provisiondUniversityOnly=telephoneNumber" in rule)
    return [*rules[3:at], hidden, *rules[at:]]


def rules_of(rig: SlapdRig) -> list[str]:
    (mod,) = next(step.mods for step in setup_steps(rig.layout) if "access rules" in step.sentence)
    return [" ".join(str(value).split()) for value in mod.values]


def write_rules(rig: SlapdRig, rules: list[str]) -> None:
    lines = "\n".join(f"olcAccess: {{{n}}}{rule}" for n, rule in enumerate(rules))
    change = f"dn: olcDatabase={{1}}mdb,cn=config\nchangetype: modify\nreplace: olcAccess\n{lines}\n"
    done = rig.client("ldapmodify", given=change)
    assert done.returncode == 0, done.stderr


def shown_rules(rig: SlapdRig) -> str:
    return rig.ldapsearch("-b", "olcDatabase={1}mdb,cn=config", "-s", "base", "olcAccess")


def test_rules_in_an_older_order_are_put_in_the_new_one(in_older_order: SlapdRig) -> None:
    """The listings' come first, for a search asks for them most; who sees what stays, also by the operator's rule."""
    rig, ours = in_older_order, rules_of(in_older_order)
    said: list[str] = []
    run_setup(rig.admin, rig.layout, said.append)

    there = re.findall(r"^olcAccess: \{\d+\}(.*)", shown_rules(rig), re.MULTILINE)
    there = [" ".join(rule.split()) for rule in there]
    assert [line for line in said if line.startswith("done: ")] == [
        "done: set who may read and write what (access rules)"
    ]
    assert there[: len(ours) - 1] == ours[:-1]
    assert there[len(ours) - 1].startswith(f'to dn.subtree="{STAFF}"')
    assert there[len(ours)] == ours[-1]
    listed(rig, Audience.UNIVERSITY)
    assert "displayName" not in seen_by(rig, reader(rig), "(uid=tmchan)")
    assert "displayName: Ah Man CHAN" in seen_by(rig, portal(rig))
    change = f"dn: {STAFF}\nchangetype: modify\nreplace: description\ndescription: ours\n"
    assert rig.client("ldapmodify", given=change, who=(rig.daemon_dn, rig.daemon_password)).returncode == 0
    again: list[str] = []
    run_setup(rig.admin, rig.layout, again.append)
    assert [line for line in again if line.startswith("done: ")] == []


def test_operators_manage_listings_where_they_are_not_the_rootdn(slapd_kind: Kind, tmp_path: Path) -> None:
    """The rules for listings come before the one that says so for everything, and say it themselves."""
    with running_rig(slapd_kind, tmp_path / "slapd") as rig:
        listed(rig, Audience.UNIVERSITY)
        other = "dn: olcDatabase={1}mdb,cn=config\nchangetype: modify\nreplace: olcRootDN\nolcRootDN: cn=x\n"
        assert rig.client("ldapmodify", given=other).returncode == 0
        for attribute in ("cn", "displayName", "telephoneNumber", "description"):
            change = f"changetype: modify\nreplace: {attribute}\n{attribute}: 12345\n"
            done = rig.client("ldapmodify", given=f"dn: uid=tmchan,ou=contacts,{BASE}\n{change}")
            assert done.returncode == 0, done.stderr
        assert rig.client("ldapdelete", f"uid=tmchan,ou=contacts,{BASE}").returncode == 0

"""Drift and audit by the real command on a real slapd: what an operator plants, sees and repairs."""

from __future__ import annotations

from tests.integration.conftest import Site


def people(site: Site) -> list[str]:
    return sorted(site.accounts())


def shown(site: Site, dn: str) -> list[str]:
    """The entry's lines; their order is the server's."""
    return sorted(site.entry(dn).splitlines())


def modified(dn: str, change: str) -> str:
    return f"dn: {dn}\nchangetype: modify\n{change}\n"


def load(site: Site) -> list[str]:
    """Everybody has an account; nothing is left to do."""
    site.run("once")
    site.run("once")
    site.run("plan")
    return people(site)


def test_planted_drift_is_shown_repaired_and_forgotten(site: Site) -> None:
    """A name, an address, a membership, a whole account; what is not ours stays."""
    first, second, third, fourth, fifth = load(site)[:5]
    before = [shown(site, dn) for dn in (first, second, third, fourth)]
    group = next(line for line in site.entry(third, "memberOf").splitlines() if line.startswith("memberOf: "))
    site.plant(modified(first, "replace: sn\nsn: Somebody Else"))
    site.plant(modified(second, "delete: mail"))
    site.plant(modified(group.removeprefix("memberOf: "), f"delete: member\nmember: {third}"))
    site.plant(f"dn: {fourth}\nchangetype: delete\n")
    site.plant(modified(fifth, "add: description\ndescription: theirs"))
    plan = site.json("plan", expect=1)
    assert len(plan["drifted"]) == len(plan["steps"]) == 4
    assert "changed by others: entries of 4 persons" in site.run("once")
    assert [shown(site, dn) for dn in (first, second, third, fourth)] == before
    assert group in site.entry(third, "memberOf")
    assert "description: theirs" in site.entry(fifth)
    state = site.state()
    assert site.json("plan")["drifted"] == []
    site.run("once")
    assert site.state() == state


def test_a_renamed_account_answers_to_its_name_again(site: Site) -> None:
    """Its DN stays as it is: others refer to it by now."""
    first = load(site)[0]
    name = first.partition(",")[0].removeprefix("uid=")
    moved = first.replace(f"uid={name},", "uid=renamed,")
    site.plant(f"dn: {first}\nchangetype: modrdn\nnewrdn: uid=renamed\ndeleteoldrdn: 1\n")
    assert f"uid + {name}" in site.run("plan", expect=1)
    site.run("once")
    assert {"uid: renamed", f"uid: {name}"} <= set(shown(site, moved))
    assert site.json("plan")["drifted"] == []


def test_a_group_that_is_gone_is_told_and_filled_again_when_it_is_back(site: Site) -> None:
    first = load(site)[0]
    group = next(line for line in site.entry(first, "memberOf").splitlines() if line.startswith("memberOf: "))
    dn = group.removeprefix("memberOf: ")
    members = site.entry(dn, "member")
    site.plant(f"dn: {dn}\nchangetype: delete\n")
    told = site.run("once", expect=65)
    assert f"{dn} is not there: provisiond directory init makes it" in told
    site.plant(f"dn: {dn}\nchangetype: add\nobjectClass: groupOfNames\nmember: {site.slapd.daemon_dn}\n")
    site.run("once")
    assert sorted(site.entry(dn, "member").splitlines()) == sorted(members.splitlines())


def test_an_audit_tells_what_differs_and_fixes_it(site: Site) -> None:
    """After a restart slapd knows no deletions; the audit needs none of that."""
    first, second = load(site)[:2]
    everybody = len(people(site))
    assert site.json("audit")["looked_at"] == everybody
    assert site.json("audit") == site.json("audit")
    assert site.json("audit")["looked_at"] == 0
    site.plant(f"dn: {first}\nchangetype: delete\n")
    site.plant(modified(second, "replace: sn\nsn: Somebody Else"))
    site.slapd.restart()
    state = site.state()
    found = site.json("audit", expect=1)
    assert (found["looked_at"], len(found["plan"]["steps"]), found["well"]) == (2, 2, False)
    assert site.state() == state
    fixed = site.json("audit", "--fix")
    assert fixed["plan"]["applied"] == 2
    assert site.json("audit")["well"]
    assert "all is as it should be" in site.run("audit")


def test_an_audit_tells_of_marks_that_nobody_knows(site: Site) -> None:
    first = load(site)[0]
    base = first.partition(",")[2]
    stranger = f"uid=stranger,{base}"
    classes = "objectClass: inetOrgPerson\nobjectClass: provisiondObject"
    entry = f"uid: stranger\ncn: X\nsn: X\n{classes}\nprovisiondPersonId: nobody"
    site.plant(f"dn: {stranger}\nchangetype: add\n{entry}\n")
    site.run("audit", "--fix", expect=1)
    told = site.json("audit", expect=1)["strangers"]
    assert [(each["dn"], each["person_id"]) for each in told] == [(stranger, "nobody")]
    assert "uid: stranger" in site.entry(stranger)

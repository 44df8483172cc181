"""A slapd of its own for one test, with an access log as the referee of what was done to it, and with hands on
its process and configuration."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from provisiond.adapters.directory.ldap import LdapDirectory
from provisiond.adapters.directory.session import LdapTarget, open_session
from provisiond.demo.slapd import PrivateSlapd
from provisiond.domain.changes import AddEntry, Change, Join, Mod, Op
from provisiond.domain.model import Entry
from tests.rigs.slapd import SlapdRig, running_rig

LOG = "cn=log"


@contextmanager
def audited_slapd(folder: Path, *, durable: bool = True) -> Iterator[SlapdRig]:
    """`durable` False: faster, for tests that kill nothing."""
    with running_rig("local", folder) as rig:
        log = process(rig).folder / "log"
        log.mkdir()
        with closing(open_session(rig.admin)) as session:
            found = session.search("cn=config", "(olcModuleLoad=*)", ["1.1"])
            mods = [Mod(Op.ADD, "olcModuleLoad", ("accesslog",))]
            assert session.modify(found[0].dn, mods, None, permissive=False).code == 0
            tree = database_dn(rig)
            entry = {
                "objectclass": ("olcDatabaseConfig", "olcMdbConfig"),
                "olcdatabase": ("mdb",),
                "olcsuffix": (LOG,),
                "olcdbdirectory": (str(log),),
                "olcrootdn": (rig.config_dn,),
                "olcdbmaxsize": (str(1 << 28),),
                "olcdbindex": ("default eq", "reqStart,reqType,objectClass"),
                "olcdbnosync": () if durable else ("TRUE",),
            }
            reply = session.add("olcDatabase=mdb,cn=config", entry)
            assert reply.code == 0, reply.text
            entry = {
                "objectclass": ("olcOverlayConfig", "olcAccessLogConfig"),
                "olcoverlay": ("accesslog",),
                "olcaccesslogdb": (LOG,),
                "olcaccesslogops": ("writes",),
                "olcaccesslogsuccess": ("TRUE",),
            }
            reply = session.add(f"olcOverlay=accesslog,{tree}", entry)
            assert reply.code == 0, reply.text
        if not durable:
            configure(rig, Mod(Op.REPLACE, "olcDbNoSync", ("TRUE",)))
        yield rig


def process(rig: SlapdRig) -> PrivateSlapd:
    assert isinstance(rig.server, PrivateSlapd)
    return rig.server


def database_dn(rig: SlapdRig) -> str:
    with closing(open_session(rig.admin)) as session:
        (found,) = session.search("cn=config", f"(olcSuffix={rig.base})", ["1.1"])
        return found.dn


def configure(rig: SlapdRig, *mods: Mod) -> None:
    """Of the database of the tree."""
    dn = database_dn(rig)
    with closing(open_session(rig.admin)) as session:
        reply = session.modify(dn, mods, None, permissive=False)
        assert reply.code == 0, reply.text


def effects(rig: SlapdRig) -> Counter[tuple[str, str]]:
    """How often each kind of write (add, modify, delete) took effect on each DN."""
    text = rig.ldapsearch("-b", LOG, "(reqResult=0)", "reqType", "reqDN")
    found: Counter[tuple[str, str]] = Counter()
    for record in text.split("\n\n"):
        values = dict(re.findall(r"^(req\w+): (.+)$", record, re.MULTILINE))
        if "reqDN" in values:
            found[values["reqType"], values["reqDN"].lower()] += 1
    return found


def directory_of(rig: SlapdRig, target: LdapTarget | None = None) -> LdapDirectory:
    return LdapDirectory(target or rig.daemon, rig.base, rig.people_base, rig.contacts_base, rig.groups_base)


def dn_of(rig: SlapdRig, name: str) -> str:
    return f"uid={name},{rig.people_base}"


def newcomer(rig: SlapdRig, name: str) -> list[Change]:
    """An account and its membership of the students."""
    attributes = {
        "objectclass": ("inetOrgPerson", "provisiondObject"),
        "uid": (name,),
        "cn": (f"陳 {name}",),
        "sn": (name,),
        "mail": (f"{name}@connect.example.edu",),
        "provisiondpersonid": (name,),
    }
    dn = dn_of(rig, name)
    return [AddEntry("account", Entry(dn, attributes)), Join(f"cn=students,{rig.groups_base}", dn)]


def members(rig: SlapdRig) -> list[str]:
    """Account names of the students, as the group names them."""
    text = rig.ldapsearch("-b", f"cn=students,{rig.groups_base}", "-s", "base", "(objectClass=*)", "member")
    return sorted(re.findall(rf"^member: uid=([^,]+),{rig.people_base}$", text, re.MULTILINE))


def people(rig: SlapdRig) -> list[str]:
    text = rig.ldapsearch("-b", rig.people_base, "(provisiondPersonId=*)", "uid")
    return sorted(re.findall(r"^uid: (.+)$", text, re.MULTILINE))

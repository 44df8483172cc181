"""A directory under test with the eyes of its operators: the same site on the fake and on slapd."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Protocol

from provisiond.adapters.directory import messages
from provisiond.adapters.directory.capabilities import Vendor
from provisiond.adapters.directory.ldap import LdapDirectory
from provisiond.adapters.directory.reading import decoded
from provisiond.adapters.directory.session import Session, open_session
from provisiond.domain.changes import AddEntry, Mod, ModifyEntry, Op
from provisiond.domain.model import Attributes, Entry, Observed
from provisiond.ports import Directory
from tests.rigs.directory import FakeDirectory
from tests.rigs.slapd import SlapdRig

CLASSES = ("top", "person", "organizationalPerson", "inetOrgPerson")
OURS = (*CLASSES, "provisiondObject")
GROUPS = ("students", "library", "alumni")


class Tree(Protocol):
    """The directory as the operators see it."""

    def plant(self, dn: str, attributes: Attributes) -> None: ...
    def look(self, dn: str) -> Attributes: ...
    def uproot(self, dn: str) -> None: ...
    def strip(self, dn: str, **values: tuple[str, ...]) -> None: ...


class OperatorsTree:
    """The real tree, by the operators' own identity."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def plant(self, dn: str, attributes: Attributes) -> None:
        mods = [Mod(Op.ADD, name, values) for name, values in attributes.items()]
        there = self._session.exists(dn)
        reply = self._session.modify(dn, mods, None) if there else self._session.add(dn, attributes)
        assert reply.code == 0, reply.text

    def uproot(self, dn: str) -> None:
        reply = self._session._ask(messages.delete(dn))  # anybody's: no owner is asked
        assert reply.code == 0, reply.text

    def strip(self, dn: str, **values: tuple[str, ...]) -> None:
        """Take those values away (none: all of that attribute)."""
        mods = [Mod(Op.DELETE if given else Op.REPLACE, name, given) for name, given in values.items()]
        reply = self._session.modify(dn, mods, None, permissive=False)
        assert reply.code == 0, reply.text

    def look(self, dn: str) -> Attributes:
        raw = self._session.read(dn)
        return decoded(raw.attributes) if raw else {}


@dataclass(frozen=True)
class Site:
    """A directory under test, and a person's worth of names that nobody else has."""

    directory: Directory
    tree: Tree
    people_base: str
    contacts_base: str
    groups_base: str
    name: str
    login_end: tuple[str, tuple[str, ...]] = ("pwdendtime", ("20261031160000Z",))
    numbers_changes: bool = True

    @property
    def dn(self) -> str:
        return f"uid={self.name},{self.people_base}"

    @property
    def students(self) -> str:
        return f"cn=students,{self.groups_base}"

    @property
    def alumni(self) -> str:
        return f"cn=alumni,{self.groups_base}"

    def entry(self, suffix: str = "", /, **more: tuple[str, ...]) -> Entry:
        name = self.name + suffix
        attributes = {
            "objectclass": OURS,
            "uid": (name,),
            "cn": ("Chan Tai Man",),
            "sn": ("Chan",),
            "mail": (f"{name}@connect.example.edu",),
            "provisiondpersonid": (name,),
        }
        return Entry(f"uid={name},{self.people_base}", attributes | more)

    def foreign(self, **more: tuple[str, ...]) -> Entry:
        attributes = {"objectclass": CLASSES, "uid": (self.name,), "cn": ("X",), "sn": ("X",)}
        return Entry(self.dn, attributes | more)

    def add(self, entry: Entry) -> AddEntry:
        return AddEntry("account", entry)

    def modify(self, *mods: Mod, dn: str | None = None) -> ModifyEntry:
        return ModifyEntry("account", dn or self.dn, self.name, mods)

    def seen(self) -> Observed:
        return self.directory.observe({self.name: self.name})[self.name]


def fake_site(name: str) -> Site:
    fake = FakeDirectory(groups=GROUPS)
    return Site(fake, fake, fake.people_base, fake.contacts_base, fake.groups_base, name)


def real_site(rig: SlapdRig, name: str) -> Iterator[Site]:
    groups = [f"cn={name},{rig.groups_base}" for name in GROUPS]
    bases = (rig.base, rig.people_base, rig.contacts_base, rig.groups_base)
    directory = LdapDirectory(rig.daemon, *bases, groups=groups)
    operators = open_session(rig.admin)
    site = Site(directory, OperatorsTree(operators), *bases[1:], name)
    is_389 = operators.capabilities.vendor is Vendor.DS389
    degraded = replace(site, login_end=("nsaccountlock", ("true",)), numbers_changes=False)
    yield degraded if is_389 else site
    operators.close()
    directory.close()

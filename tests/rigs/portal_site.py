"""A real directory with accounts in it, as the portal meets them: made by the daemon, passwords set by the portal."""

from __future__ import annotations

from contextlib import closing

from provisiond.adapters.clock import SystemClock
from provisiond.adapters.directory.portal import LdapPortalDirectory, Names
from provisiond.adapters.directory.reading import Bases
from provisiond.adapters.directory.session import LdapTarget, open_session
from provisiond.domain.changes import Mod, Op
from tests.rigs.slapd import SlapdRig

PASSWORD = "correct horse battery staple"


def portal_target(rig: SlapdRig) -> LdapTarget:
    return LdapTarget((rig.url,), "simple", rig.layout.portal_dn, rig.layout.portal_password)


def bases_of(rig: SlapdRig) -> Bases:
    return Bases.of(rig.base, rig.people_base, rig.contacts_base, rig.groups_base)


def portal_directory(rig: SlapdRig, target: LdapTarget | None = None) -> LdapPortalDirectory:
    return LdapPortalDirectory(
        target or portal_target(rig), bases_of(rig), Names.under(rig.base), SystemClock().now
    )


def account_dn(rig: SlapdRig, name: str) -> str:
    return f"uid={name},{rig.people_base}"


def token_dn(rig: SlapdRig, person_id: str) -> str:
    return f"cn={person_id},ou=tokens,{rig.base}"


def make_account(rig: SlapdRig, name: str, person_id: str, state: str = "active") -> None:
    """As the daemon does, and a student by group."""
    attributes = {
        "objectClass": ("inetOrgPerson", "provisiondObject"),
        "uid": (name,),
        "cn": (f"CHAN {name}",),
        "sn": ("CHAN",),
        "displayName": (f"Peter {name}",),
        "mail": (f"{name}@connect.example.edu",),
        "provisiondPersonId": (person_id,),
        "provisiondState": (state,),
        "provisiondMailQuota": ("5368709120",),
    }
    with closing(open_session(rig.daemon)) as session:
        assert session.add(account_dn(rig, name), attributes).code == 0
        join = Mod(Op.ADD, "member", (account_dn(rig, name),))
        assert session.modify(f"cn=students,{rig.groups_base}", [join], None).code == 0


def change(rig: SlapdRig, dn: str, *mods: Mod) -> None:
    """As the daemon."""
    with closing(open_session(rig.daemon)) as session:
        reply = session.modify(dn, mods, None, permissive=False)
        assert reply.code == 0, reply.text


def enforce(rig: SlapdRig, name: str, person_id: str) -> None:
    """The daemon links the account to its token: from now on the server asks for a code."""
    change(
        rig,
        account_dn(rig, name),
        Mod(Op.ADD, "objectClass", ("oathTOTPUser",)),
        Mod(Op.REPLACE, "oathTOTPToken", (token_dn(rig, person_id),)),
    )

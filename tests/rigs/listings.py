"""Listings of a few people, on a real directory and as the fake has them."""

from __future__ import annotations

from contextlib import closing

from provisiond.adapters.directory.listings import LdapListings
from provisiond.adapters.directory.session import LdapTarget, open_session
from provisiond.ports.portal_directory import Listing
from tests.rigs.slapd import SlapdRig

Values = dict[str, tuple[str, ...]]


def listed(
    uid: str, surname: str, given: str, ou: str, chinese: str = "", shown: str = "", **more: tuple[str, ...]
) -> Values:
    values: Values = {
        "objectclass": ("inetOrgPerson", "provisiondObject"),
        "uid": (uid,),
        "cn": (f"{surname} {given}",),
        "sn": (surname,),
        "givenname": (given,),
        "displayname": (shown or f"{surname} {given}",),
        "displayname;lang-zh": (chinese,),
        "cn;lang-zh": (chinese,),
        "ou": (ou,),
        "provisiondpersonid": (f"person-{uid}",),
        "mail": (f"{uid}@connect.example.edu",),
    }
    return {name: given for name, given in {**values, **more}.items() if any(given)}


PEOPLE = (
    listed("tmchan", "CHAN", "Tai Man", "Physics", "陳大文", "Peter CHAN"),
    listed("schan", "CHAN", "Siu Ming", "Chemistry", "陳小明", telephonenumber=("+852 3943 0001",)),
    listed("hwong", "WONG", "Herman", "Physics", "黃漢文"),
    listed("obrien", "O'BRIEN", "Máire", "School of Law, Society & *Arts*"),
    listed("jmp", "MAN-PRICE", "José", "Physics"),
    listed("star", "STAR (*)", "A\\B", "Physics"),
)


def fake_listings() -> list[Listing]:
    return [Listing(values["uid"][0], values) for values in PEOPLE]


def plant(rig: SlapdRig, *people: Values) -> None:
    """As the daemon."""
    with closing(open_session(rig.daemon)) as session:
        for values in people:
            reply = session.add(f"uid={values['uid'][0]},{rig.contacts_base}", values)
            assert reply.code == 0, reply.text


def reader_target(rig: SlapdRig) -> LdapTarget:
    layout = rig.layout
    return LdapTarget((rig.url,), "simple", layout.listing_reader_dn, layout.listing_reader_password)


def real_listings(rig: SlapdRig) -> LdapListings:
    return LdapListings(reader_target(rig), rig.contacts_base)

"""What a scan makes of entries, also of servers that number and name them otherwise than OpenLDAP."""

from __future__ import annotations

import pytest

from provisiond.adapters.directory.ber import OCTETS, SEQUENCE, ber
from provisiond.adapters.directory.reading import Bases
from provisiond.adapters.directory.scanning import MEMBEROF_DN, Authors, Places, entry_id, sighting
from provisiond.adapters.directory.wire import Found, found
from provisiond.ports import Kind

BASE = "dc=example,dc=edu"
BASES = Bases.of(BASE, f"ou=people,{BASE}", f"ou=contacts,{BASE}", f"ou=groups,{BASE}")
US = f"uid=provisiond,ou=services,{BASE}"


def an_entry(dn: str = f"uid=tmchan,ou=people,{BASE}", **attributes: str) -> Found:
    given = {"provisiondpersonid": "p1", **attributes}
    return Found(dn, {name.encode(): [value.encode()] for name, value in given.items()}, b"")


def state(entry: Found) -> bytes | None:
    return sighting(entry, Places(BASES), b"").state


@pytest.mark.parametrize(
    ("dn", "kind"),
    [
        (f"uid=a,ou=people,{BASE}", Kind.ACCOUNT),
        (f"uid=a,OU=People, {BASE}", Kind.ACCOUNT),
        (f"cn=Chan\\, Tai Man,ou=contacts,{BASE}", Kind.LISTING),
        (f"uid=a,ou=people,ou=elsewhere,{BASE}", Kind.OTHER),
        (f"ou=people,{BASE}", Kind.OTHER),
    ],
)
def test_the_place_says_what_an_entry_is(dn: str, kind: Kind) -> None:
    places = Places(BASES)
    assert (places.kind(dn), places.kind(dn)) == (kind, kind)


def test_a_state_follows_number_and_memberships() -> None:
    """389 Directory Server has no entryCSN; the time of the last change stands in for it."""
    entry = an_entry(entrycsn="1")
    assert state(entry) == state(an_entry(entrycsn="1", modifytimestamp="later"))
    assert state(entry) != state(an_entry(entrycsn="2"))
    assert state(entry) != state(an_entry(entrycsn="1", memberof=f"cn=students,ou=groups,{BASE}"))
    assert state(an_entry(modifytimestamp="1")) != state(an_entry(modifytimestamp="2"))


def test_an_entry_has_one_id_however_the_server_calls_it() -> None:
    octets = bytes(range(16))
    uuid, unique = "00010203-0405-0607-0809-0a0b0c0d0e0f", "00010203-04050607-08090a0b-0c0d0e0f"
    assert entry_id(an_entry(entryuuid=uuid)) == entry_id(an_entry(nsuniqueid=unique)) == octets
    assert entry_id(an_entry()) == entry_id(an_entry(f"UID=tmchan, ou=people,{BASE}")) != octets


def test_only_what_is_surely_ours_counts_as_ours() -> None:
    """The memberof overlay hides who came before it: then only an entry that nobody changed since we made it."""
    authors, overlay = Authors(US), MEMBEROF_DN.decode()
    assert authors.wrote(an_entry(modifiersname=US.upper()))
    assert not authors.wrote(an_entry(modifiersname=f"cn=admin,{BASE}", creatorsname=US))
    assert not authors.wrote(an_entry())
    made = {"modifiersname": overlay, "creatorsname": US, "createtimestamp": "20261124000000Z"}
    assert authors.wrote(an_entry(**made, modifytimestamp="20261124000000Z"))
    assert not authors.wrote(an_entry(**made, modifytimestamp="20261124000001Z"))


def test_an_answer_that_is_no_ldap_is_an_error() -> None:
    """Of whatever kind: the session turns it into one of ours."""
    attribute = ber(SEQUENCE, ber(OCTETS, b"uid"), ber(0x31, ber(OCTETS, b"a"), ber(OCTETS, b"b" * 300)))
    whole = ber(0x64, ber(OCTETS, b"uid=a"), ber(SEQUENCE, attribute))
    assert found(whole) == Found("uid=a", {b"uid": [b"a", b"b" * 300]}, b"")
    with pytest.raises((IndexError, UnicodeDecodeError)):
        found(ber(0x64, b"\x04\x01\xff"))

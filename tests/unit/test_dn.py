"""One spelling for a DN, however it was written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisiond.adapters.directory.dn import escaped, is_under, normalise_dn

BASE = "ou=people,dc=example,dc=edu"


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("UID=TMChan , OU=People, DC=example,dc=EDU", f"uid=tmchan,{BASE}"),
        (r"cn=Smith\, John,dc=x", r"cn=smith\, john,dc=x"),
        (r"cn=Smith\2C John,dc=x", r"cn=smith\, john,dc=x"),
        (r"cn=\E9\99\B3,dc=x", "cn=陳,dc=x"),
        (r"cn=a\5Cb,dc=x", r"cn=a\\b,dc=x"),
        (r"cn=a\\,dc=x", r"cn=a\\,dc=x"),
        (r"uidNumber=0+gidNumber=0,cn=peercred", "gidnumber=0+uidnumber=0,cn=peercred"),
        ("cn=a=b#c,dc=x", r"cn=a\=b#c,dc=x"),
        (r"cn=\ a\ ,dc=x", r"cn=\ a\ ,dc=x"),
        ("", ""),
    ],
)
def test_one_spelling(written: str, normal: str) -> None:
    assert normalise_dn(written) == normal


@pytest.mark.parametrize("text", ["no dn at all", "uid=x,", ",uid=x", "uid=x,,dc=y", "=x", "uid=x\\"])
def test_what_is_no_dn_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="not a DN"):
        normalise_dn(text)


@given(st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp", "Zs"]), min_size=1))
def test_any_value_stays_one_value(value: str) -> None:
    """A value with any characters is one RDN, and normalising twice is normalising once."""
    dn = normalise_dn(f"cn={escaped(value)},{BASE}")
    assert is_under(dn, BASE)
    assert normalise_dn(dn) == dn


def test_under_is_a_matter_of_whole_rdns() -> None:
    assert is_under("uid=x,OU=People,dc=example,dc=edu", BASE)
    assert not is_under(BASE, BASE)
    assert not is_under(f"uid=x,ou=many{BASE[3:]}", BASE)

"""LDIF of changes: what RFC 2849 says, and no secrets."""

from __future__ import annotations

import base64

from hypothesis import given
from hypothesis import strategies as st
from ldap3.utils.conv import to_unicode

from provisiond.adapters.directory.ldif import WIDTH, ldif
from provisiond.domain.changes import AddEntry, Change, DeleteEntry, Join, Leave, Mod, ModifyEntry, Op
from provisiond.domain.model import Entry

DN = "uid=tmchan,ou=people,dc=example,dc=edu"
GROUP = "cn=students,ou=groups,dc=example,dc=edu"


def test_nothing_is_nothing() -> None:
    assert ldif([]) == ""


def test_each_change_is_a_record() -> None:
    """The five kinds of change, in order, as ldapmodify reads them."""
    mods = (
        Mod(Op.REPLACE, "sn", ("Wong",)),
        Mod(Op.DELETE, "ou", ("Law", "Art")),
        Mod(Op.REPLACE, "title", ()),
    )
    changes: list[Change] = [
        AddEntry("account", Entry(DN, {"objectclass": ("top", "person"), "cn;lang-zh": ("陳",)})),
        ModifyEntry("account", DN, "abc", mods),
        Join(GROUP, DN),
        Leave(GROUP, DN),
        DeleteEntry("account", DN, "abc"),
    ]
    assert ldif(changes) == (
        "version: 1\n\n"
        f"dn: {DN}\nchangetype: add\nobjectClass: top\nobjectClass: person\ncn;lang-zh:: 6Zmz\n\n"
        f"dn: {DN}\nchangetype: modify\nreplace: sn\nsn: Wong\n-\n"
        "delete: ou\nou: Law\nou: Art\n-\nreplace: title\n-\n\n"
        f"dn: {GROUP}\nchangetype: modify\nadd: member\nmember: {DN}\n-\n\n"
        f"dn: {GROUP}\nchangetype: modify\ndelete: member\nmember: {DN}\n-\n\n"
        f"dn: {DN}\nchangetype: delete\n"
    )


def test_secrets_are_redacted() -> None:
    """Whatever the case or option of the attribute, in an entry and in a modification."""
    entry = Entry(DN, {"userpassword": ("correct horse",), "oathSecret": ("correct horse",)})
    mod = Mod(Op.REPLACE, "userPassword;x-old", ("correct horse",))
    text = ldif([AddEntry("account", entry), ModifyEntry("account", DN, "abc", (mod,))])
    assert "horse" not in text
    assert base64.b64encode(b"correct horse").decode() not in text
    assert text.count("(redacted)") == 3


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_every_value_comes_back(value: str) -> None:
    """Any text survives folding and base64; no line is too long; everything is ASCII."""
    text = ldif([AddEntry("account", Entry(DN, {"description": (value,)}))])
    assert text.isascii()
    assert all(len(line) <= WIDTH for line in text.split("\n"))
    name, _, shown = text.replace("\n ", "").rstrip("\n").split("\n")[-1].partition(":")
    assert name == "description"
    back = base64.b64decode(shown[2:]).decode() if shown.startswith(":") else to_unicode(shown[1:])
    assert back == value

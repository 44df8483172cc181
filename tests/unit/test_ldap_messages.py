"""What we encode is what ldap3 encodes, octet for octet; replies are taken in however they are cut."""

from __future__ import annotations

from typing import Any

import pytest
from ldap3 import MODIFY_ADD, MODIFY_DELETE, MODIFY_REPLACE
from ldap3.operation.add import add_operation
from ldap3.operation.delete import delete_operation
from ldap3.operation.modify import modify_operation
from ldap3.operation.search import compile_filter, parse_filter, search_operation
from ldap3.protocol.convert import build_controls_list
from ldap3.protocol.rfc4511 import LDAPMessage, MessageID, ProtocolOp
from ldap3.utils.asn1 import encode

from provisiond.adapters.directory import messages
from provisiond.adapters.directory.messages import ASSERTION, PERMISSIVE_MODIFY, Request
from provisiond.domain.changes import Mod, Op

DN = "uid=陳\\2cx,ou=people,dc=example,dc=edu"
LONG = "x" * 70_000
NUMBERS = [1, 127, 128, 255, 256, 65_536, 2**31 - 1]


def by_ldap3(number: int, kind: str, operation: Any, controls: list[Any] | None = None) -> bytes:
    message = LDAPMessage()
    message["messageID"] = MessageID(number)
    message["protocolOp"] = ProtocolOp().setComponentByName(kind, operation)
    if controls:
        message["controls"] = build_controls_list(controls)
    return bytes(encode(message))


def ldap3_filter(text: str) -> bytes:
    return bytes(encode(compile_filter(parse_filter(text, None, False, False, None, False).elements[0])))


@pytest.mark.parametrize("number", NUMBERS)
def test_adds_like_ldap3(number: int) -> None:
    attributes = {"objectclass": ("top", "person"), "cn;lang-zh": ("陳大文", ""), "description": (LONG,)}
    given = {name: list(values) for name, values in attributes.items()}
    expected = by_ldap3(number, "addRequest", add_operation(DN, given, None))
    assert messages.add(DN, {**attributes, "nothing": ()}).message(number) == expected


@pytest.mark.parametrize("number", NUMBERS)
def test_modifies_like_ldap3(number: int) -> None:
    mods = (
        Mod(Op.ADD, "ou", ("Law", "é")),
        Mod(Op.DELETE, "title", ("Mr",)),
        Mod(Op.REPLACE, "mail", ()),
    )
    given = {
        "ou": [(MODIFY_ADD, ["Law", "é"])],
        "title": [(MODIFY_DELETE, ["Mr"])],
        "mail": [(MODIFY_REPLACE, [])],
    }
    condition = messages.both(messages.equal("provisiondPersonId", "a*(b"), messages.equal("entryCSN", "1#2"))
    same = ldap3_filter("(&(provisiondPersonId=a\\2a\\28b)(entryCSN=1#2))")
    controls = [(PERMISSIVE_MODIFY, True, None), (ASSERTION, True, same)]
    expected = by_ldap3(number, "modifyRequest", modify_operation(DN, given, None, None), controls)
    ours = messages.modify(DN, mods, messages.permissive(), messages.asserting(condition))
    assert ours.message(number) == expected


def test_deletes_like_ldap3() -> None:
    controls = [(ASSERTION, True, ldap3_filter("(cn=x)"))]
    expected = by_ldap3(9, "delRequest", delete_operation(DN), controls)
    assert messages.delete(DN, messages.asserting(messages.equal("cn", "x"))).message(9) == expected


@pytest.mark.parametrize(
    ("ours", "scope", "text"),
    [
        (messages.look(DN), "BASE", "(objectClass=*)"),
        (
            messages.find(
                DN, messages.either(messages.equal("uid", "é*"), messages.begins("mail", "a(")), ("*", "+")
            ),
            "SUBTREE",
            "(|(uid=\\c3\\a9\\2a)(mail=a\\28*))",
        ),
    ],
)
def test_searches_like_ldap3(ours: Request, scope: str, text: str) -> None:
    asked = search_operation(DN, text, scope, "NEVER", ["*", "+"], 0, 0, False, None, None)
    assert ours.message(5) == by_ldap3(5, "searchRequest", asked)


def test_replies_may_come_in_pieces() -> None:
    """Two results, the second refused with words, arriving octet by octet."""
    refused = b"\x0a\x01\x13\x04\x00\x04\x04oops"
    sent = b"\x30\x0c\x02\x01\x07\x69\x07\x0a\x01\x00\x04\x00\x04\x00"
    sent += b"\x30\x11\x02\x02\x01\x00\x67" + bytes([len(refused)]) + refused
    got, data = [], b""
    for octet in sent:
        data, end = data + bytes([octet]), 0
        for number, body, end in messages.messages(data):  # noqa: B007 - the last end counts
            got.append((number, messages.result(body)))
        data = data[end:]
    assert [(number, reply.code, reply.text) for number, reply in got] == [
        (7, 0, ""),
        (256, 19, "constraintViolation: oops"),
    ]
    assert data == b""


def test_what_is_no_ldap_is_an_error() -> None:
    with pytest.raises(ValueError, match="no LDAP"):
        list(messages.messages(b"HTTP/1.1 400 Bad Request"))


def test_a_request_shows_nothing_of_what_it_holds() -> None:
    assert "hunter2" not in repr(messages.add("uid=x", {"userpassword": ("hunter2",)}))


@pytest.mark.parametrize("most, seconds", [(1, 3), (127, 128), (400, 8), (70_000, 0)])
def test_limited_searches_like_ldap3(most: int, seconds: int) -> None:
    """Of size and time, with what ldap3 has no short way for: none of several."""
    wanted = "(&(ou=*)(!(|(ou=Law \\2a)(ou=Physics))))"
    ours = messages.both(
        messages.present("ou"),
        messages.neither(messages.equal("ou", "Law *"), messages.equal("ou", "Physics")),
    )
    operation = search_operation(DN, wanted, "SUBTREE", "NEVER", ["ou"], most, seconds, False, None, None)

    assert messages.find_some(DN, ours, ["ou"], most, seconds).message(7) == by_ldap3(
        7, "searchRequest", operation
    )


def test_replaces_octets_like_ldap3() -> None:
    """A secret is no text; no value takes the attribute away."""
    changes = {"oathSecret": [(MODIFY_REPLACE, [b"\xff\x00"])], "description": [(MODIFY_REPLACE, [])]}
    operation = modify_operation(DN, changes, False, None, None)
    ours = messages.replace(DN, {"oathSecret": (b"\xff\x00",), "description": ()})

    assert ours.message(7) == by_ldap3(7, "modifyRequest", operation)

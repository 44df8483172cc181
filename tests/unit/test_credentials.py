"""Binds and password changes are encoded as ldap3 does it; what a password policy says is understood."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from ldap3 import SIMPLE
from ldap3.operation.bind import bind_operation
from ldap3.operation.extended import extended_operation
from ldap3.protocol.controls import build_control
from ldap3.protocol.convert import build_controls_list
from ldap3.protocol.rfc3062 import PasswdModifyRequestValue
from ldap3.protocol.rfc4511 import LDAPMessage, MessageID, ProtocolOp
from ldap3.utils.asn1 import encode

from provisiond.adapters.directory import credentials
from provisiond.adapters.directory.credentials import (
    PASSWORD_MODIFY,
    PASSWORD_POLICY,
    PolicyError,
    policy_error,
)
from provisiond.adapters.directory.messages import Reply, Request

DN = "uid=陳\\2cx,ou=people,dc=example,dc=edu"
PASSWORD = "正確的馬 *)(" + "x" * 200


def by_ldap3(number: int, kind: str, operation: object) -> bytes:
    message = LDAPMessage()
    message["messageID"] = MessageID(number)
    message["protocolOp"] = ProtocolOp().setComponentByName(kind, operation)
    message["controls"] = build_controls_list([build_control(PASSWORD_POLICY, False, None)])
    return bytes(encode(message))


def test_binds_like_ldap3() -> None:
    theirs = by_ldap3(7, "bindRequest", bind_operation(3, SIMPLE, DN, PASSWORD))

    assert credentials.bind(DN, PASSWORD.encode()).message(7) == theirs


def test_changes_passwords_like_ldap3() -> None:
    value = PasswdModifyRequestValue()
    value["userIdentity"] = DN
    value["newPasswd"] = PASSWORD
    theirs = by_ldap3(7, "extendedReq", extended_operation(PASSWORD_MODIFY, value))

    assert credentials.password_modify(DN, PASSWORD.encode()).message(7) == theirs


@pytest.mark.parametrize("make", [credentials.bind, credentials.password_modify])
def test_an_empty_password_is_never_encoded(make: Callable[[str, bytes], Request]) -> None:
    """It would bind as nobody, or have the server make a password up."""
    for dn, password in ((DN, b""), ("", b"secret")):
        with pytest.raises(ValueError, match="password") as raised:
            make(dn, password)
        assert "secret" not in str(raised.value)


def test_a_request_shows_no_password() -> None:
    assert "hunter2" not in repr(credentials.bind(DN, b"hunter2"))


@pytest.mark.parametrize(
    "value, expected",
    [
        ("3003810106", PolicyError.TOO_SHORT),
        ("3003810101", PolicyError.ACCOUNT_LOCKED),
        ("3008a0038001058101 08".replace(" ", ""), PolicyError.IN_HISTORY),  # after a warning
        ("3005a003800105", None),  # a warning alone
        ("3000", None),
        ("300381017f", None),  # a number that nobody has written down
    ],
)
def test_what_the_policy_objects_to(value: str, expected: PolicyError | None) -> None:
    octets = bytes.fromhex(value)
    oid = PASSWORD_POLICY.encode()
    control = (
        b"\x30" + bytes([len(oid) + len(octets) + 4, 4, len(oid)]) + oid + bytes([4, len(octets)]) + octets
    )
    controls = b"\xa0" + bytes([len(control)]) + control

    assert policy_error(Reply(19, "", controls=controls)) is expected
    assert policy_error(Reply(19, "")) is None

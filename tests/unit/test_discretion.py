"""What may not stand in a log is taken out, whatever its place and form."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from provisiond import discretion
from provisiond.domain.errors import UnavailableError


def told(**event: Any) -> str:
    return json.dumps(discretion.discreet(None, "info", event), ensure_ascii=False)


@pytest.mark.parametrize(
    "key",
    re.findall(
        r"\S+",
        """name account_name surname given_names personal_mail to hkid birth_date password smtp_password digest_key
    token Chinese-Name mail""",
    ),
)
def test_what_stands_under_a_sensitive_key_is_withheld(key: str) -> None:
    assert "Tai Man" not in told(**{key: "Tai Man"})
    assert "Tai Man" not in told(detail={"inner": {key: ["Tai Man"]}})


@pytest.mark.parametrize(
    "text",
    [
        "550 <tai.man@example.net> no such user",
        "to=tai.man@example.net,",
        "create account uid=tmchan,ou=people,dc=example,dc=edu",
        "mail=tmchan@connect.example.edu,ou=x",
        "HKID A123456(3) is somebody else's",
        "a123456(3)",
        "A 123456 3",
    ],
)
@pytest.mark.parametrize("place", ["event", "detail", "reasons"])
def test_addresses_numbers_and_entry_names_are_taken_out_of_any_text(text: str, place: str) -> None:
    shown = told(**{place: [text] if place == "reasons" else text})
    assert not any(part in shown for part in ("tai.man", "tmchan", "123456"))


def test_what_operators_need_stays() -> None:
    event = {
        "event": "change",
        "person": "q3v5",
        "student_id": "20000001",
        "what": "account",
        "attributes": ["sn", "mail"],
        "group": "cn=library,ou=groups,dc=example,dc=edu",
        "from_state": "pending",
        "to_state": "active",
        "rows": 5,
        "held": None,
        "reason": "SQLSTATE 55P03",
    }
    assert discretion.discreet(None, "info", dict(event)) == event


def raised() -> Exception:
    try:
        try:
            int("A123456(3)")
        except ValueError as error:
            raise UnavailableError("ledger", "the disk is full") from error
    except UnavailableError as error:
        return error
    raise AssertionError


def test_an_error_is_told_by_kinds_and_places_without_its_values() -> None:
    event = discretion.without_values(None, "error", {"event": "failed", "exc_info": raised()})
    assert event["error"] == "UnavailableError: ledger: the disk is full < ValueError"
    assert event["where"] == [f"tests/unit/test_discretion.py:{raised.__code__.co_firstlineno + 5} raised"]
    assert "123456" not in str(event)

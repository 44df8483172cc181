"""A mail as it stands on the wire, read by the email package."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisiond.message import Letterhead, message
from provisiond.ports import Letter
from tests.rigs.smtp import parsed

HEAD = Letterhead(
    "大學 IT Services <accounts@example.edu>", lambda key: f"<{key}@example.edu>", "help@example.edu"
)
AT = datetime(2025, 9, 1, 16, 30, tzinfo=timezone(timedelta(hours=8)))
TO, ID = "tai.man@example.net", "<abcdefghijklmnopqrstuvwxyz@example.edu>"
# what a template may give: characters, of which line ends are not kept as they are
TEXTS = st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp")), max_size=2000)


def written(letter: Letter, to: str = TO) -> bytes:
    return message(letter, HEAD, to, ID, AT)


def _text(part: Any) -> str:
    return str(part.get_content()).replace("\r\n", "\n")


def test_headers_say_who_when_and_that_no_person_wrote_it() -> None:
    mail = parsed(written(Letter("Your account", "Hello", None)))
    assert mail["From"].addresses[0].display_name == "大學 IT Services"
    assert mail["From"].addresses[0].addr_spec == "accounts@example.edu"
    assert (mail["To"], mail["Reply-To"], mail["Message-ID"]) == (TO, "help@example.edu", ID)
    assert mail["Date"].datetime == AT.astimezone(UTC) and mail["Date"].endswith("+0800")
    assert mail["Auto-Submitted"] == "auto-generated"
    assert _text(mail) == "Hello\n"


@given(TEXTS, TEXTS, TEXTS)
def test_any_text_arrives_as_it_was_written(subject: str, text: str, html: str) -> None:
    octets = written(Letter(subject, text, html))
    mail = parsed(octets)
    assert octets.isascii() and b"\n" not in octets.replace(b"\r\n", b"")
    assert max(map(len, octets.split(b"\r\n"))) < 998
    assert not mail.defects
    plain, rich = mail.iter_parts()
    assert (_text(plain), _text(rich)) == (f"{text}\n", f"{html}\n")
    assert (plain.get_content_type(), rich.get_content_type()) == ("text/plain", "text/html")
    assert mail["Subject"].split() == subject.split()


def test_lines_end_alike_whatever_a_template_holds() -> None:
    mail = parsed(written(Letter("x", "one\r\ntwo\rthree\n.\n", None)))
    assert _text(mail) == "one\ntwo\nthree\n.\n"


def test_an_address_of_other_letters_stands_as_it_is() -> None:
    octets = written(Letter("x", "y", None), "大文@example.net")
    assert "To: 大文@example.net\r\n".encode() in octets


@pytest.mark.parametrize("evil", ["a\nBcc: v@example.net", "a\r\n\r\nbody", "a\rb", "a\x00b", "a\u2028b"])
def test_what_would_end_a_header_is_refused(evil: str) -> None:
    with pytest.raises(ValueError, match="Subject"):
        written(Letter(evil, "x", None))
    with pytest.raises(ValueError, match="To"):
        written(Letter("x", "x", None), evil)

"""The second factor and recovery codes: what is shown, what counts."""

from __future__ import annotations

import unicodedata
import xml.etree.ElementTree as ET
from base64 import b32decode, b32encode
from datetime import datetime, timedelta
from urllib.parse import parse_qs, unquote, urlsplit

import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisiond.portal.activation.factors import SECRET_BYTES, enrolment, new_secret, step_of
from provisiond.portal.activation.recovery import COUNT, code_digest, code_set, new_codes
from tests.rigs.clock import NOON

# RFC 6238, appendix B, SHA-1, the last six digits
RFC_SECRET = b"12345678901234567890"
VECTORS = [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")]


@pytest.mark.parametrize(("seconds", "code"), VECTORS)
def test_codes_are_those_of_the_standard(seconds: int, code: str) -> None:
    at = datetime.fromtimestamp(seconds, NOON.tzinfo)
    assert step_of(RFC_SECRET, code, at) == seconds // 30


@pytest.mark.parametrize(("late", "counts"), [(-61, False), (-30, True), (0, True), (30, True), (61, False)])
def test_a_clock_may_be_half_a_minute_off(late: int, counts: bool) -> None:
    code = pyotp.TOTP(pyotp.random_base32()).secret
    secret = b32decode(code)
    shown = pyotp.TOTP(code).at(NOON)
    assert (step_of(secret, shown, NOON + timedelta(seconds=late)) is not None) is counts


@pytest.mark.parametrize("typed", ["287 082", " 287082 ", "２８７０８２", "287\u00a0082"])
def test_a_code_may_be_written_as_apps_show_it(typed: str) -> None:
    assert step_of(RFC_SECRET, typed, datetime.fromtimestamp(59, NOON.tzinfo)) == 1


@given(st.text(max_size=100))
def test_anything_else_is_no_code(typed: str) -> None:
    wanted = {pyotp.TOTP(b32encode(RFC_SECRET).decode()).at(59 + 30 * n) for n in (-1, 0, 1)}
    plain = "".join(unicodedata.normalize("NFKC", typed).split())
    at = datetime.fromtimestamp(59, NOON.tzinfo)
    assert (step_of(RFC_SECRET, typed, at) is not None) is (plain in wanted)


def test_an_app_gets_the_secret_by_picture_or_by_hand() -> None:
    secret = new_secret()
    shown = enrolment(secret, "tmchan@connect.example.edu", "Example: University 示例大學")
    url = urlsplit(shown.url)
    asked = parse_qs(url.query)
    assert (url.scheme, url.netloc) == ("otpauth", "totp")
    assert unquote(url.path).endswith(":tmchan@connect.example.edu")
    assert asked["issuer"] == ["Example  University 示例大學"]
    assert b32decode(asked["secret"][0]) == secret == b32decode(shown.key.replace(" ", ""))
    assert len(secret) == SECRET_BYTES == 20
    assert all(len(group) == 4 for group in shown.key.split())


def test_the_picture_is_an_image_of_its_own_without_script_or_style() -> None:
    picture = ET.fromstring(enrolment(new_secret(), "tmchan", "Example").picture)
    tags = {element.tag.rpartition("}")[2] for element in picture.iter()}
    assert tags == {"svg", "path"}
    assert not any("style" in element.attrib for element in picture.iter())
    assert "viewBox" in picture.attrib


def test_an_enrolment_shows_its_secret_to_nobody_by_accident() -> None:
    shown = enrolment(RFC_SECRET, "tmchan", "Example")
    assert shown.key not in repr(shown)


def test_recovery_codes_are_ten_and_differ() -> None:
    codes = new_codes()
    assert len(set(codes)) == COUNT == 10
    assert all(len(code.replace("-", "")) * 5 >= 64 for code in codes)


def test_a_recovery_code_is_read_as_people_write_it() -> None:
    code = "0123-4567-89ab-cdef"
    kept = code_set([code], NOON)
    for typed in (
        code,
        "O123 4567 89AB CDEF",
        "０１２３-４５６７-８９ａｂ-ｃｄｅｆ",
        "oI234567 89abcdef",
        "0l23456789abcdef",
    ):
        assert code_digest(typed, kept.salt) in kept.digests, typed
    assert code_digest("0123-4567-89ab-cdee", kept.salt) not in kept.digests


def test_the_same_codes_are_kept_differently_each_time() -> None:
    codes = new_codes()
    assert code_set(codes, NOON).digests.isdisjoint(code_set(codes, NOON).digests)

"""Real files with real faults: which refuse the whole fetch, which one record, and what is said of it."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from provisiond.adapters.clock import SystemClock
from provisiond.adapters.registry.csv_drop import CsvRegistry
from provisiond.domain.errors import ConfigError, UnavailableError, UnsafeFetchError
from provisiond.domain.model import Fetch, Language, Level, Rejection, Status
from tests.rigs.memory import FakeMemory
from tests.rigs.registry import COLUMNS, DIGESTS, TODAY, a_row, a_source, records_of, write_rows

HEADER = ",".join(COLUMNS.values())
HKID, SAME_HKID, OTHER_HKID = "A123456(3)", "a1234563", "C123456(9)"


@pytest.fixture
def drop(tmp_path: Path) -> Path:
    return tmp_path / "students.csv"


def fetched(drop: Path, **settings: Any) -> Fetch:
    return CsvRegistry(a_source(drop, **settings), DIGESTS, SystemClock()).fetch(TODAY, FakeMemory())


def refusal(drop: Path, **settings: Any) -> str:
    with pytest.raises(UnsafeFetchError) as caught:
        fetched(drop, **settings)
    assert caught.value.plan_hash is None
    assert drop.name in str(caught.value)
    assert "Next: " in str(caught.value)
    return str(caught.value)


def rows(count: int, **overrides: str) -> list[dict[str, str]]:
    return [a_row(**({"student_id": f"2024{number:04}"} | overrides)) for number in range(1, count + 1)]


def with_bad_row(drop: Path, **overrides: str) -> Rejection:
    """The only rejection of a file in which the second of four rows is overridden; others are served."""
    good = rows(4)
    write_rows(drop, [good[0], good[1] | overrides, *good[2:]])
    fetch = fetched(drop)
    assert (len(records_of(fetch)), fetch.rows) == (3, 4)
    (rejection,) = fetch.rejections
    assert (rejection.line, rejection.file, rejection.source) == (3, "students.csv", "registry")
    return rejection


# -- the file ------------------------------------------------------------------------------------------
def test_the_newest_matching_file_of_a_folder_counts(tmp_path: Path) -> None:
    for age, name in enumerate(["new.CSV", "old.csv", "older.csv"]):
        write_rows(tmp_path / name, rows(age + 1))
        os.utime(tmp_path / name, (1e9 - age, 1e9 - age))
    write_rows(tmp_path / ".new.csv", rows(9))
    (tmp_path / "newer.txt").write_text("not ours")
    assert (fetched(tmp_path).file, fetched(tmp_path).rows) == ("new.CSV", 1)


def test_a_folder_without_a_matching_file_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match=r"\*\.csv"):
        fetched(tmp_path)


def test_a_missing_file_and_a_pipe_are_unavailable(tmp_path: Path) -> None:
    """A pipe would block for ever."""
    os.mkfifo(tmp_path / "pipe.csv")
    for name in ("absent.csv", "pipe.csv"):
        with pytest.raises(UnavailableError):
            fetched(tmp_path / name)


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xef\xbb\xbf", b" \r\n\x1a"])
def test_an_empty_file_is_refused(drop: Path, content: bytes) -> None:
    drop.write_bytes(content)
    assert "empty" in refusal(drop)


def test_a_header_alone_is_refused(drop: Path) -> None:
    drop.write_text(HEADER + "\n")
    assert "no rows" in refusal(drop)


def test_a_file_without_header_is_refused(drop: Path) -> None:
    write_rows(drop, rows(5))
    drop.write_text("".join(drop.read_text().splitlines(keepends=True)[1:]))
    assert "header" in refusal(drop)


def test_all_missing_columns_are_named_with_the_nearest_that_are_there(drop: Path) -> None:
    write_rows(drop, rows(5))
    drop.write_text(drop.read_text().replace("SURNAME", "SURNAMES").replace("HKID", "X"))
    message = refusal(drop)
    assert "SURNAME (did you mean SURNAMES?)" in message
    assert "HKID" in message


def test_a_mapped_column_that_stands_twice_is_refused(drop: Path) -> None:
    write_rows(drop, rows(5))
    drop.write_text(drop.read_text().replace("CONFIDENTIAL", "SURNAME"))
    assert "twice" in refusal(drop, fields={k: v for k, v in COLUMNS.items() if k != "confidential"})


def test_another_delimiter_is_refused_and_named(drop: Path) -> None:
    write_rows(drop, rows(5))
    drop.write_text(drop.read_text().replace(",", ";"))
    assert "semicolon" in refusal(drop)
    assert fetched(drop, delimiter=";").rows == 5


@pytest.mark.parametrize("cut", [1, 2, 20, 40, 80])
def test_a_half_written_last_line_is_refused_or_whole(drop: Path, cut: int) -> None:
    """Without its line end the last row must at least have all its columns."""
    write_rows(drop, rows(5))
    content = drop.read_bytes()
    drop.write_bytes(content[:-cut])
    if content[:-cut].splitlines()[-1].count(b",") == len(COLUMNS) - 1:
        assert fetched(drop).rows == 5
    else:
        assert "half-written" in refusal(drop)


def test_an_open_quotation_mark_at_the_end_is_refused(drop: Path) -> None:
    write_rows(drop, rows(5))
    drop.write_text(drop.read_text() + '20249999,"CHAN')
    assert "half-written" in refusal(drop)


TRAILER = r"TRAILER[,;|](?P<count>\d+)"


@pytest.mark.parametrize("last", ["TRAILER,5\n", "TRAILER,5", '"TRAILER","5"\n\n', "TRAILER,5,,,,,\r\n"])
def test_the_trailer_is_checked_and_is_no_row(drop: Path, last: str) -> None:
    write_rows(drop, rows(5))
    drop.write_text(drop.read_text() + last)
    fetch = fetched(drop, trailer=TRAILER)
    assert (fetch.rows, len(records_of(fetch))) == (5, 5)


@pytest.mark.parametrize("last", ["", "TRAILER,6\n", "TRAILER,50\n", "TRAIL"])
def test_a_missing_or_wrong_trailer_is_refused_as_truncated(drop: Path, last: str) -> None:
    write_rows(drop, rows(5))
    drop.write_text(drop.read_text() + last)
    assert "truncated" in refusal(drop, trailer=TRAILER)


def test_nul_bytes_are_refused(drop: Path) -> None:
    write_rows(drop, rows(5))
    drop.write_bytes(drop.read_bytes().replace(b"Tai", b"T\0i", 1))
    assert "NUL bytes, the first in line 2" in refusal(drop)


# -- encoding ------------------------------------------------------------------------------------------
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "big5hkscs"])
def test_encodings_with_chinese_names_are_found_out(drop: Path, encoding: str) -> None:
    write_rows(drop, rows(5, chinese_name="陳大文"), encoding)
    assert {record.chinese_name for record in records_of(fetched(drop))} == {"陳大文"}


def test_western_names_in_cp1252_are_found_out(drop: Path) -> None:
    write_rows(drop, [*rows(99), a_row(student_id="X", surname="Müller", given_names="José")], "cp1252")
    last = records_of(fetched(drop))[-1]
    assert (last.surname, last.given_names) == ("Müller", "José")


def test_a_file_that_is_none_of_the_encodings_is_refused(drop: Path) -> None:
    drop.write_bytes((HEADER + "\n").encode() + b"\x81\x8d\xff\xfe,\n" * 5)
    assert "encoding is none of utf-8, big5hkscs, cp1252" in refusal(drop)


def test_a_file_not_in_the_configured_encoding_is_refused_with_its_line(drop: Path) -> None:
    write_rows(drop, [*rows(2), a_row(student_id="X", surname="Müller")], "cp1252")
    message = refusal(drop, encoding="utf-8")
    assert "not valid utf-8 (line 4)" in message
    assert "ller" not in message


def test_utf8_read_as_cp1252_is_refused_as_an_accident(drop: Path) -> None:
    write_rows(drop, rows(5, surname="Müller", given_names="Étienne"))
    assert "wrongly encoded" in refusal(drop, encoding="cp1252")


def test_a_conversion_done_twice_is_refused(drop: Path) -> None:
    write_rows(drop, rows(5, surname="Müller".encode().decode("cp1252")))
    assert "wrongly encoded" in refusal(drop)


def test_one_garbled_name_rejects_one_record(drop: Path) -> None:
    assert with_bad_row(drop, surname="MÃ¼ller").reasons == (
        "the surname holds letters garbled by a wrong encoding",
    )


def test_letters_lost_to_question_marks_reject_the_record_or_all(drop: Path) -> None:
    assert "question mark" in with_bad_row(drop, surname="M?ller").reasons[0]
    write_rows(drop, rows(5, chinese_name="???"))
    assert "question mark" in refusal(drop)


# -- shifted or wrongly mapped -------------------------------------------------------------------------
def test_columns_shifted_throughout_are_refused_without_showing_secrets(drop: Path) -> None:
    """One header too many: every cell stands one column to the left."""
    write_rows(drop, rows(5, hkid=HKID))
    lines = drop.read_text().splitlines(keepends=True)
    drop.write_text(lines[0] + "".join(line[line.index(",") + 1 : -1] + ",\n" for line in lines[1:]))
    message = refusal(drop)
    assert "shifted" in message
    assert not [secret for secret in ("A123456", "2005-04-03") if secret in message]


def test_a_wrong_code_everywhere_is_refused_and_shown(drop: Path) -> None:
    write_rows(drop, rows(5, status="REG"))
    assert "unknown status code 'REG' (5 rows)" in refusal(drop)


def test_the_share_of_bad_rows_is_configured(drop: Path) -> None:
    write_rows(drop, [*rows(3), *(row | {"level": "?"} for row in rows(8)[3:])])
    assert len(fetched(drop, maximum_rejected_percent=70).rejections) == 5
    assert "5 of 8 rows" in refusal(drop)


# -- records -------------------------------------------------------------------------------------------
def test_codes_dates_and_text_are_converted(drop: Path) -> None:
    row = a_row(
        student_id="２０２４０００１", surname="  Nguyê\u0303n\u3000Thi\u00a0 ", level="ug", status="Reg",
        status_on="1/9/2024", birth_date="03/04/2005", hkid=HKID, confidential="y", chinese_name=" 陳大文 ",
        programme="BSc\nCS", expected_end_on="31/12/9999",
    )  # fmt: skip
    write_rows(drop, [row])
    codes = {"status": {"REG": "registered"}, "level": {"UG": "undergraduate"}}
    (record,) = records_of(fetched(drop, codes=codes))
    assert (record.student_id, record.surname, record.programme) == ("20240001", "Nguyễn Thi", "BSc CS")
    assert (record.level, record.status) == (Level.UNDERGRADUATE, Status.REGISTERED)
    assert (record.confidential, record.expected_end_on, record.chinese_name) == (True, None, "陳大文")
    assert record.hkid_digest == DIGESTS.hkid("A1234563")


def test_a_full_name_is_split_where_that_is_all_there_is(drop: Path) -> None:
    named = {k: v for k, v in COLUMNS.items() if k not in ("surname", "given_names", "preferred_name")}
    write_rows(drop, [a_row(preferred_name="CHAN Tai Man"), a_row(student_id="2", preferred_name="陳大文")])
    first, second = records_of(fetched(drop, fields=named | {"full_name": "PREFERRED_NAME"}))
    assert (first.surname, first.given_names) == ("CHAN", "Tai Man")
    assert second.surname == "陳大文"
    write_rows(drop, [a_row(preferred_name="CHAN T"), a_row(student_id="2", preferred_name=", Tai Man")])
    (rejection,) = fetched(drop, fields=named | {"full_name": "PREFERRED_NAME"}).rejections
    assert "surname is missing" in rejection.reasons[0]


def test_full_width_letters_are_written_as_everybody_else_writes_them(drop: Path) -> None:
    """They are shown in the directory and in mails; Chinese signs stay as they are."""
    write_rows(drop, [a_row(surname="ＣＨＡＮ", given_names="Ｔａｉ－Ｍａｎ", chinese_name="陳，大文")])
    (record,) = records_of(fetched(drop))
    assert (record.surname, record.given_names, record.chinese_name) == ("CHAN", "Tai-Man", "陳，大文")


@pytest.mark.parametrize(
    ("overrides", "reason"),
    [
        ({"student_id": " "}, "the student ID is missing"),
        ({"student_id": "2024 0001"}, "the student ID holds a blank or is longer than 64 characters"),
        ({"surname": ""}, "the surname is missing (a single name stands there, not in the given names)"),
        ({"birth_date": ""}, "the birth date is missing"),
        ({"birth_date": "2024-09-03"}, "the birth date is in the future"),
        ({"birth_date": "2014-09-03"}, "the birth date is less than 10 years ago"),
        ({"birth_date": "1904-09-01"}, None),
        ({"birth_date": "1903-09-01"}, "the birth date is more than 120 years ago"),
        ({"birth_date": "2005-02-29"}, "the birth date is not a date (%Y-%m-%d or %d/%m/%Y expected)"),
        ({"hkid": "A123456(4)"}, "the HKID number is not valid (form or check digit)"),
        ({"programme": ""}, "the programme is missing"),
        ({"department": ""}, "the department is missing"),
        ({"level": "PHD"}, "unknown level code 'PHD'"),
        ({"status": ""}, "the status is missing"),
        ({"status": "A1234563"}, "unknown status code (not shown)"),
        ({"status_on": ""}, "the date of the status is missing"),
        ({"status_on": "soon"}, "the date of the status is not a date (%Y-%m-%d or %d/%m/%Y expected)"),
        ({"status_on": "1024-09-01"}, "the date of the status is not plausible"),
        ({"expected_end_on": "31.6.28"},
         "the expected end date is not a date (%Y-%m-%d or %d/%m/%Y expected)"),
        ({"personal_mail": "a@b"}, "the personal mail is not a mail address"),
        ({"personal_mail": "a b@example.org"}, "the personal mail is not a mail address"),
        ({"personal_mail": "a@example.org\n"}, "the personal mail holds a line break"),
        ({"supervisor_mail": "a@example.org,b@example.org"}, "the supervisor mail is not a mail address"),
        ({"confidential": "maybe"}, "unknown confidentiality flag code 'maybe'"),
        ({"surname": "CH\x07AN"}, "the surname holds a control character"),
        ({"given_names": "Tai\u202eMan"}, "the given names holds a control character"),
        ({"given_names": "£ucja"}, "a name holds signs that are no letters (changed in a conversion)"),
        ({"surname": "M&Uuml;LLER"}, "a name holds signs that are no letters (changed in a conversion)"),
        ({"surname": "Gal·la D´Arc", "given_names": "Mª José"}, None),
        ({"department": "A123456(3)"}, "the department holds an HKID number or a date"),
        ({"department": "2001-03-04"}, "the department holds an HKID number or a date"),
        ({"surname": "A1234563"}, "the surname holds an HKID number or a date"),
        ({"preferred_name": "a 123456 (3)"}, "the preferred name holds an HKID number or a date"),
        ({"given_names": "Tai Man A123456(3)"}, "the given names holds an HKID number or a date"),
        ({"department": "History, born 04/03/2001"}, "the department holds an HKID number or a date"),
        ({"student_id": "A123456(3)"}, "the student ID holds an HKID number or a date"),
        ({"programme": "04/03/2001"}, "the programme holds an HKID number or a date"),
        ({"programme": "A1234563", "department": "School of 1997"}, None),
        ({"department": "x" * 257}, "the department is longer than 256 characters"),
    ],
)  # fmt: skip
def test_a_bad_record_is_rejected_with_its_reason(
    drop: Path, overrides: dict[str, str], reason: str | None
) -> None:
    """One bad value, one reason; the other rows are served."""
    if reason is None:
        write_rows(drop, [a_row(**overrides)])
        assert fetched(drop).rejections == ()
    else:
        assert with_bad_row(drop, **overrides).reasons == (reason,)


def test_all_reasons_are_given_and_no_secret(drop: Path) -> None:
    rejection = with_bad_row(
        drop, surname="", birth_date="1850-01-01", hkid="A123456(4)", level="X", status="Y"
    )
    assert len(rejection.reasons) == 5
    assert rejection.student_id == "20240002"
    assert not [secret for secret in ("1850", "123456") if secret in repr(rejection)]


def raw_lines(drop: Path, change: Callable[[str], str]) -> Fetch:
    """A fetch of four rows the second line of which is changed as text."""
    write_rows(drop, rows(4))
    lines = drop.read_text().splitlines(keepends=True)
    lines[2] = change(lines[2])
    drop.write_text("".join(lines))
    return fetched(drop)


@pytest.mark.parametrize(
    ("change", "count"), [(lambda s: s.replace("CHAN,", ""), 15), (lambda s: "x," + s, 17)]
)
def test_a_row_with_other_columns_is_rejected(drop: Path, change: Callable[[str], str], count: int) -> None:
    """Nobody can say which cell is which, so no student ID is shown."""
    (rejection,) = raw_lines(drop, change).rejections
    assert (rejection.line, rejection.student_id) == (3, None)
    assert rejection.reasons == (f"{count} columns instead of {len(COLUMNS)}",)


def test_a_stray_quotation_mark_spoils_its_own_row_only(drop: Path) -> None:
    fetch = raw_lines(drop, lambda line: line.replace("CHAN", '"CH"AN'))
    assert [(r.line, r.reasons) for r in fetch.rejections] == [
        (3, ("a quotation mark stands where none may, or is not closed",))
    ]
    assert len(records_of(fetch)) == 3


def test_lines_are_physical_with_blank_lines_and_line_breaks_in_cells(drop: Path) -> None:
    fetch = raw_lines(drop, lambda line: "\n  \n,,,\n" + line.replace("BSC-CS", '"BSC\nCS"'))
    assert [record.line for record in records_of(fetch)] == [2, 6, 8, 9]
    assert fetch.rows == 4


@pytest.mark.parametrize("end", ["\r\n", "\r"])
def test_line_ends_of_other_systems_are_understood(drop: Path, end: str) -> None:
    write_rows(drop, rows(4))
    drop.write_bytes(drop.read_bytes().replace(b"\n", end.encode()))
    assert [record.line for record in records_of(fetched(drop))] == [2, 3, 4, 5]


# -- clashes -------------------------------------------------------------------------------------------
def test_identical_rows_count_once(drop: Path) -> None:
    write_rows(drop, [a_row(), a_row(), a_row(student_id="2")])
    fetch = fetched(drop)
    assert ([r.line for r in records_of(fetch)], fetch.rejections, fetch.rows) == ([2, 4], (), 3)


def clashing(drop: Path, *overrides: dict[str, str]) -> dict[int, tuple[str, ...]]:
    write_rows(drop, [a_row(**row) for row in overrides] + rows(4, department="X"))
    fetch = fetched(drop)
    assert {r.student_id for r in records_of(fetch)}.isdisjoint(r.student_id for r in fetch.rejections)
    return {rejection.line: rejection.reasons for rejection in fetch.rejections}


def test_the_same_programme_twice_with_other_content_rejects_both(drop: Path) -> None:
    reasons = clashing(drop, {"student_id": "9"}, {"student_id": "9", "status": "withdrawn"})
    assert reasons == {
        2: ("the same student ID and programme with other content in line 3",),
        3: ("the same student ID and programme with other content in line 2",),
    }


def test_a_row_whose_twin_is_bad_is_not_trusted_either(drop: Path) -> None:
    reasons = clashing(drop, {"student_id": "9", "status": "withdrawn"}, {"student_id": "9", "level": "X"})
    assert reasons[2] == ("the same student ID and programme with other content in line 3",)


@pytest.mark.parametrize(
    "other",
    [{"surname": "WONG"}, {"birth_date": "2001-01-01"}, {"hkid": OTHER_HKID}, {"student_id": "s9"}],
)
def test_one_student_id_for_two_persons_rejects_both(drop: Path, other: dict[str, str]) -> None:
    one = {"student_id": "S9", "hkid": HKID}
    reasons = clashing(drop, one, one | {"programme": "MSC"} | other)
    assert reasons.keys() == {2, 3}
    assert reasons[2] == ("the same student ID with another name, birth date or HKID number in line 3",)


def test_several_programmes_of_one_person_do_not_clash(drop: Path) -> None:
    one = {"student_id": "S9", "hkid": HKID}
    other = {"programme": "MSC", "hkid": "", "surname": "Chan"}
    assert clashing(drop, one, one | other) == {}


def test_two_student_ids_with_one_hkid_reject_both(drop: Path) -> None:
    """All rows of both, also one that does not show the number."""
    reasons = clashing(
        drop,
        {"student_id": "8", "hkid": HKID},
        {"student_id": "9", "hkid": SAME_HKID},
        {"student_id": "9", "programme": "MSC"},
    )
    assert reasons.keys() == {2, 3, 4}
    assert reasons[2] == ("the same HKID number with another student ID in lines 3, 4",)


# -- configuration -------------------------------------------------------------------------------------
def test_every_fault_of_the_configuration_is_named_at_once(drop: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        CsvRegistry(
            a_source(
                drop,
                delimiter="::",
                encoding="utf-9",
                trailer="(",
                fields={"sudent_id": "A"},
                codes={"status": {"REG": "registred"}},
            ),
            DIGESTS,
            SystemClock(),
        )
    text = str(caught.value)
    for word in ("delimiter", "utf-9", "trailer", "did you mean student_id", "fields.level", "registred"):
        assert word in text


def test_nothing_secret_is_in_a_fetch(drop: Path) -> None:
    """HKID and birth date are present as digests only."""
    write_rows(drop, rows(1, hkid=HKID))
    fetch = fetched(drop)
    assert {f.name for f in fields(fetch)} >= {"changed", "rejections"}
    assert not [secret for secret in ("A123456", "2005-04-03") if secret in repr(fetch)]


@pytest.mark.parametrize(
    ("said", "language"),
    [
        ("C", Language.CHINESE),
        ("EN", Language.ENGLISH),
        ("zh-hant", Language.CHINESE),
        ("fr", None),
        ("", None),
    ],
)
def test_the_language_of_mails_is_taken_where_we_write_it(
    drop: Path, said: str, language: Language | None
) -> None:
    """Another one rejects nobody: both are written then."""
    fields = {**COLUMNS, "language": COLUMNS["supervisor_mail"]}
    del fields["supervisor_mail"]
    write_rows(drop, [a_row(supervisor_mail=said)])
    (record,) = records_of(fetched(drop, fields=fields, codes={"language": {"C": "zh-Hant"}}))
    assert record.language is language

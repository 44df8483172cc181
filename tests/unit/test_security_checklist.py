"""docs/security.md promises nothing that is not there: every test and file that it names exists, and every
requirement of OWASP ASVS 5.0, levels 1 and 2, has exactly one line with what it needs."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
NAMED = re.compile(r"`([\w.-]+(?:/[\w.-]+)+|[\w-]+\.(?:toml|lock))(?:::(test_\w+))?`")
ELSEWHERE = {("5.0/en", ""), ("application/x-www-form-urlencoded", "")}  # the standard's; no file at all
ROW = re.compile(r"^\| (\d[\d., ]*) \| (\w+) \| (.+?) \| (.*?) ?\|$", re.MULTILINE)
# of each section the requirements of levels 1 and 2 (5.0/en of github.com/OWASP/ASVS, version 5.0.0)
SECTIONS = """
1.1:1-2 1.2:1-9 1.3:1-11 1.4:1-3 1.5:1-2 2.1:1-3 2.2:1-3 2.3:1-4 2.4:1-1 3.2:1-2 3.3:1-4 3.4:1-6 3.5:1-5 3.7:1-2
4.1:1-3 4.2:1-1 4.3:1-2 4.4:1-4 5.1:1-1 5.2:1-3 5.3:1-2 5.4:1-3 6.1:1-3 6.2:1-12 6.3:1-4 6.4:1-4 6.5:1-5 6.6:1-3
6.8:1-4 7.1:1-3 7.2:1-4 7.3:1-2 7.4:1-5 7.5:1-2 7.6:1-2 8.1:1-2 8.2:1-3 8.3:1-1 8.4:1-1 9.1:1-3 9.2:1-4 10.1:1-2
10.2:1-2 10.3:1-4 10.4:1-11 10.5:1-5 10.6:1-2 10.7:1-3 11.1:1-2 11.2:1-3 11.3:1-3 11.4:1-4 11.5:1-1 11.6:1-1 12.1:1-3
12.2:1-2 12.3:1-4 13.1:1-1 13.2:1-5 13.3:1-2 13.4:1-5 14.1:1-2 14.2:1-4 14.3:1-3 15.1:1-3 15.2:1-3 15.3:1-7 16.1:1-1
16.2:1-5 16.3:1-4 16.4:1-3 16.5:1-3 17.1:1-1 17.2:1-4 17.3:1-2
"""


def wanted() -> list[str]:
    return [
        f"{section}.{number}"
        for section, first, last in re.findall(r"([\d.]+):(\d+)-(\d+)", SECTIONS)
        for number in range(int(first), int(last) + 1)
    ]


def rows() -> list[tuple[list[str], str, str, str]]:
    return [(re.findall(r"[\d.]+", numbers), *rest) for numbers, *rest in ROW.findall(TEXT)]


@cache
def named_in(path: Path) -> frozenset[str]:
    return frozenset(
        re.findall(r"^(?:async )?def (test_\w+)\(", path.read_text(encoding="utf-8"), re.MULTILINE)
    )


@pytest.mark.parametrize(("path", "test"), sorted(set(NAMED.findall(TEXT)) - ELSEWHERE))
def test_what_is_named_is_there(path: str, test: str) -> None:
    assert (ROOT / path).is_file(), path
    assert not test or test in named_in(ROOT / path), test


def test_every_requirement_has_one_line() -> None:
    """253 of them, as the standard says."""
    told = [number for numbers, *_ in rows() for number in numbers]
    assert len(wanted()) == 253
    assert sorted(told) == sorted(wanted())


def test_what_is_met_is_shown_and_what_is_not_has_a_reason() -> None:
    for numbers, verdict, why, shown in rows():
        assert verdict in ("met", "differs", "none"), numbers
        assert (verdict == "none") is not bool(NAMED.search(shown)), numbers
        assert len(why) > (20 if verdict == "differs" else 2), numbers

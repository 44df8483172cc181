"""Persons and secrets that are planted so that they would be noticed wherever they come out, in whatever spelling."""

from __future__ import annotations

import base64
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from urllib.parse import quote

from provisiond.demo.sample import MAPPING
from provisiond.domain.hkid import check_digit

Row = dict[str, str]
BORN = date(1947, 3, 29)  # of nobody else
HKIDS = tuple(body + check_digit(body) for body in ("K583927", "WX739518", "R926147", "P264815"))
FALSE_HKID = "Y471963" + ("5" if check_digit("Y471963") != "5" else "6")
NAMES = ("Quixotry", "Zebulon", "蕭曌曦", "zquixotry", "zebulon.q@example.org", "ombudsperson@example.org")
_FORMS = re.findall(
    r"\S+",
    """%Y-%m-%d %d/%m/%Y %m/%d/%Y %Y/%m/%d %d.%m.%Y %d-%m-%Y %Y%m%d %d%m%Y %y%m%d %d%m%y %d/%m/%y %d%b%Y %d-%b-%Y
    %d_%b_%Y %d_%B_%Y %B_%d,_%Y %b_%d,_%Y %Y年%m月%d日 %Y,_%m,_%d""",
)


def planted(rows: list[Row]) -> None:
    """More rows: one sound, the others with something wrong of which a message might tell too much."""
    like = next(row for row in rows if row[MAPPING["status"]] == "REG")
    column = dict(MAPPING)
    good = like | {
        column["student_id"]: "47000001",
        column["surname"]: NAMES[0],
        column["given_names"]: NAMES[1],
        column["preferred_name"]: NAMES[1],
        column["chinese_name"]: NAMES[2],
        column["hkid"]: f"{HKIDS[0][:-1]}({HKIDS[0][-1]})",
        column["birth_date"]: BORN.isoformat(),
        column["personal_mail"]: NAMES[4],
        column["supervisor_mail"]: NAMES[5],
    }
    rows += [
        good,
        good | {column["student_id"]: "47000002", column["hkid"]: FALSE_HKID},  # wrong check digit
        good
        | {
            column["student_id"]: "47000003",
            column["given_names"]: f"Zebulon {HKIDS[1]}",
            column["hkid"]: "",
        },
        good
        | {column["student_id"]: "47000004", column["hkid"]: HKIDS[2], column["birth_date"]: "29/03/1947x"},
        good
        | {
            column["student_id"]: "47000005",
            column["department"]: f"born {BORN:%d/%m/%Y}",
            column["hkid"]: "",
        },
        good | {column["student_id"]: "47000006", column["hkid"]: HKIDS[3]},
        good | {column["student_id"]: "47000007", column["hkid"]: HKIDS[3]},  # the same
    ]


@dataclass(frozen=True, slots=True)
class Canary:
    """`secrets` by what they are; what is found is told by that, not by the secret."""

    secrets: Mapping[str, str]

    def found(self, text: str) -> list[str]:
        """What of the planted comes out in that text."""
        text = unicodedata.normalize("NFKC", text + "".join(_decoded(text)))
        return [f"{what}: …{text[max(0, m.start() - 60) : m.end()]!r}" for what, m in self._matches(text)]

    def names(self, text: str) -> list[str]:
        """Names and addresses: these may be in what an operator asks for, never in what is logged or watched."""
        folded = text.casefold() + "".join(_decoded(text)).casefold()
        return [name for name in NAMES if name.casefold() in folded]

    def _matches(self, text: str) -> Iterator[tuple[str, re.Match[str]]]:
        for what, pattern in (*_hkids(), *_births(), *_spelt(self.secrets)):
            if match := re.search(pattern, text, re.IGNORECASE):
                yield what, match


def _hkids() -> Iterable[tuple[str, str]]:
    for hkid in (*HKIDS, FALSE_HKID):
        yield "HKID", r"[\W_]{0,2}".join(hkid[:-1])


def _births() -> Iterable[tuple[str, str]]:
    for form in _FORMS:
        text = re.escape(BORN.strftime(form)).replace("_", r"[ \-]?")
        for spelt in (text, text.replace("03", "3")):
            yield f"birth date ({form})", rf"(?<![0-9A-Za-z]){spelt}(?![0-9A-Za-z])"


def _spelt(secrets: Mapping[str, str]) -> Iterable[tuple[str, str]]:
    for what, secret in secrets.items():
        raw = secret.encode()
        forms = {secret, quote(secret, safe=""), raw.hex(), base64.b64encode(raw).decode()}
        forms |= {base64.b64encode(b" " * n + raw).decode()[4:-4] for n in (1, 2)}
        for form in forms:
            yield what, re.escape(form)


def _decoded(text: str) -> Iterator[str]:
    """What LDIF hides in base64."""
    for value in re.findall(r"^[\w;-]+:: (\S+)$", text, re.MULTILINE):
        yield "\n" + base64.b64decode(value).decode("utf-8", "replace")

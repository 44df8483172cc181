"""By which name a person may write mails: a name of their own, nobody's office, nothing that deceives the eye.

Pure, and never raises. What policy makes of a name that nobody chose is entries'."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from provisiond.domain.characters import TextFault, has_letter, is_name, text_faults, tidy
from provisiond.domain.latin import fold
from provisiond.domain.model import RegistryRecord
from provisiond.domain.policy import PortalPolicy

# In letters run together only phrases as long as this are looked for: `dean` is in `Deanna`.
_UNMISTAKABLE = 8


@dataclass(frozen=True, slots=True)
class Checked:
    """A text as it would be kept, and what is wrong with it."""

    value: str
    faults: tuple[TextFault, ...]


def display_name(text: str, record: RegistryRecord, policy: PortalPolicy) -> Checked:
    """A name that the person of this record wants to write by."""
    name = tidy(text)
    found = dict.fromkeys(name_faults(name, policy.longest_display_name))
    if calls_an_office(name, record, policy):
        found[TextFault.OFFICE] = None
    if name and not is_name_of(name, record):
        found[TextFault.NOT_YOUR_NAME] = None
    return Checked(name, tuple(found))


def name_faults(name: str, longest: int) -> tuple[TextFault, ...]:
    """Of a tidy text by itself."""
    found = {
        TextFault.EMPTY: not has_letter(name),
        TextFault.TOO_LONG: len(name) > longest,
        TextFault.CHARACTERS: not is_name(name),
    }
    return (*(fault for fault, wrong in found.items() if wrong), *text_faults(name))


def is_name_of(name: str, record: RegistryRecord) -> bool:
    """Whether it holds the surname (a single name), the preferred name or the whole Chinese name that the registry
    has, in any case, with or without accents and blanks in it."""
    preferred = fold(record.preferred_name or "").replace(" ", "")
    if holds_surname(name, record) or (preferred and _holds(fold(name).split(), preferred)):
        return True
    chinese = unicodedata.normalize("NFC", record.chinese_name or "").replace(" ", "")
    return bool(chinese) and chinese in unicodedata.normalize("NFC", name).replace(" ", "")


def holds_surname(name: str, record: RegistryRecord) -> bool:
    """Of somebody with a single name: that one."""
    surname = fold(record.surname or record.given_names).replace(" ", "")
    return bool(surname) and _holds(fold(name).split(), surname)


def calls_an_office(name: str, record: RegistryRecord, policy: PortalPolicy) -> bool:
    """Whoever is called so by the registry (Dean, Chancellor are surnames) is called so."""
    legal = f"{record.surname} {record.given_names} {record.preferred_name or ''} {record.chinese_name or ''}"
    said, own = _words(name), _words(legal)
    return any(
        _says(said, phrase) and not _says(own, phrase) for phrase in map(_words, policy.offices) if phrase
    )


def _holds(words: list[str], wanted: str) -> bool:
    """Whole words of it, run together, are what is wanted."""
    ends = range(1, len(words) + 1)
    return any("".join(words[begin:end]) == wanted for end in ends for begin in range(end))


def _words(text: str) -> list[str]:
    """Latin ones folded, so that accents do not hide one; other scripts as they are."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return [fold(word).replace(" ", "") or word for word in _parted(plain).split()]


def _parted(text: str) -> str:
    """Words apart: whatever is neither letter, mark nor digit parts them."""
    return "".join(sign if unicodedata.category(sign)[0] in "LMN" else " " for sign in text)


def _says(words: list[str], phrase: list[str]) -> bool:
    together, wanted = "".join(words), "".join(phrase)
    if not wanted.isascii() or len(wanted) >= _UNMISTAKABLE:
        return wanted in together
    return _holds(words, wanted)

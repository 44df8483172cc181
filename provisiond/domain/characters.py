"""Which characters a person may write into something that others read: no control, bidirectional or invisible ones,
no letters of two alphabets that look alike. What a text must say is left to who asks for it."""

from __future__ import annotations

import unicodedata
from enum import StrEnum

# Letters of these look like each other: а (Cyrillic) is not a.
_LOOK_ALIKE = frozenset({"LATIN", "GREEK", "CYRILLIC", "ARMENIAN", "CHEROKEE", "COPTIC", "LISU"})
# They show nothing, and are neither controls nor formats: fillers, joiners, the empty Braille pattern.
_INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
_MOST_MARKS = 2  # on one letter; Vietnamese has two


class TextFault(StrEnum):
    """What is wrong with a text, as a machine says it."""

    EMPTY = "empty"
    TOO_LONG = "too-long"
    INVISIBLE = "invisible-characters"
    MIXED_SCRIPTS = "mixed-scripts"
    CHARACTERS = "characters"
    OFFICE = "office"
    NOT_YOUR_NAME = "not-your-name"
    NO_TELEPHONE = "no-telephone-number"
    NO_WEBSITE = "no-https-address"


def tidy(text: str) -> str:
    """NFC, blanks single, none at the ends. Blanks of every width are blanks; controls stay, to be found."""
    blank = "".join(" " if unicodedata.category(sign) == "Zs" else sign for sign in text)
    return unicodedata.normalize("NFC", " ".join(word for word in blank.split(" ") if word))


def text_faults(text: str) -> tuple[TextFault, ...]:
    """Of a text that is `tidy`."""
    found = {
        TextFault.INVISIBLE: any(map(_is_invisible, text)) or _is_stacked(text),
        TextFault.MIXED_SCRIPTS: len(_scripts(text) & _LOOK_ALIKE) > 1,
    }
    return tuple(fault for fault, wrong in found.items() if wrong)


def is_name(text: str) -> bool:
    """Only letters with their marks, and what stands between the parts of names."""
    return all(sign in " '’ʼ.,-‐·‧・()（）" or _is_plain_letter(sign) for sign in text)


def has_letter(text: str) -> bool:
    return any(unicodedata.category(sign).startswith("L") for sign in text)


def _is_plain_letter(sign: str) -> bool:
    """Not 𝐂 or Ｃ, which stand for C and are not found by it."""
    category = unicodedata.category(sign)
    return category.startswith("M") or (
        category.startswith("L") and (unicodedata.normalize("NFKC", sign) == sign or _is_ideograph(sign))
    )


def _is_ideograph(sign: str) -> bool:
    return unicodedata.name(sign, "").startswith("CJK")


def _is_invisible(sign: str) -> bool:
    """Also what is unassigned, private, a half of a character or a selector of variants."""
    if (
        sign in _INVISIBLE
        or unicodedata.category(sign)[0] == "C"
        or unicodedata.category(sign) in ("Zl", "Zp")
    ):
        return True
    return "\ufe00" <= sign <= "\ufe0f" or "\U000e0100" <= sign <= "\U000e01ef"


def _is_stacked(text: str) -> bool:
    run = 0
    for sign in unicodedata.normalize("NFD", text):
        run = run + 1 if unicodedata.category(sign) in ("Mn", "Me") else 0
        if run > _MOST_MARKS:
            return True
    return False


def _scripts(text: str) -> set[str]:
    return {unicodedata.name(sign, "").partition(" ")[0] for sign in text if sign.isalpha()}

"""What pages say, in the reader's language: texts from catalogues (.po, read at start), dates, sizes, spans of time.
English is in the source; a text without a translation is a fault that the tests find."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_datetime, format_timedelta
from babel.messages.pofile import read_po
from babel.numbers import format_decimal

from provisiond.domain.model import Language

LOCALES = {Language.ENGLISH: "en_GB", Language.CHINESE: "zh_Hant_HK"}
NAMES = {Language.ENGLISH: "English", Language.CHINESE: "繁體中文"}
CATALOGUES = Path(__file__).with_name("locale") / "zh_Hant" / "LC_MESSAGES"
_RANGE = re.compile(r"\s*([A-Za-z*][\w-]*)\s*(?:;\s*q\s*=\s*([01](?:\.\d{0,3})?))?\s*$")
_MOST_RANGES = 20


@dataclass(frozen=True, slots=True)
class Sentence:
    """A text with values, to be said later: `Sentence(N_("Use at least %(count)s characters."), {"count": 12})`."""

    text: str
    values: Mapping[str, object] = field(default_factory=dict)


def N_(text: str) -> str:  # noqa: N802 - the word by which gettext's tools find a text that is said later
    """Marks a text for the catalogue."""
    return text


class Speech:
    """One language. Immutable after it was made."""

    def __init__(self, language: Language, zone: ZoneInfo, texts: Mapping[str, str]) -> None:
        self.language = language
        self._texts = texts
        self._zone = zone
        self._locale = Locale.parse(LOCALES[language])

    def gettext(self, text: str) -> str:
        return self._texts.get(text, text)

    def ngettext(self, one: str, many: str, count: int) -> str:
        """Chinese has one form for all numbers; it stands under the English singular."""
        return self._texts.get(one) or (one if count == 1 else many)

    def say(self, what: Sentence | str) -> str:
        """Values that are sentences themselves are said in the same language."""
        if isinstance(what, str):
            return self.gettext(what)
        told = {k: self.say(v) if isinstance(v, Sentence) else v for k, v in what.values.items()}
        return self.gettext(what.text) % told

    def date(self, on: date) -> str:
        """28 November 2026; 2026年11月28日"""
        return format_date(on, "long", locale=self._locale)

    def moment(self, at: datetime) -> str:
        """In the university's zone, to the minute."""
        return format_datetime(
            at.astimezone(self._zone),
            "d MMMM y, HH:mm" if self._is_english else "y年M月d日 HH:mm",
            locale=self._locale,
        )

    def span(self, lasting: timedelta) -> str:
        """Rounded up to whole seconds, minutes or hours: a wait that is told is long enough."""
        seconds = -int(-lasting.total_seconds() // 1)
        unit = 1 if seconds <= 90 else 60 if seconds <= 90 * 60 else 3600
        return format_timedelta(
            timedelta(seconds=-(-seconds // unit) * unit), threshold=2, locale=self._locale
        )

    def number(self, count: float) -> str:
        return format_decimal(count, locale=self._locale)

    def size(self, octets: int) -> str:
        """20 GB (binary, as mailboxes are told everywhere)."""
        for unit, size in (("TB", 2**40), ("GB", 2**30), ("MB", 2**20)):
            if octets >= size:
                return (
                    f"{format_decimal(octets / size, '#,##0.#', locale=self._locale)}\N{NO-BREAK SPACE}{unit}"
                )
        return f"{self.number(octets // 1024)}\N{NO-BREAK SPACE}KB"

    @property
    def _is_english(self) -> bool:
        return self.language is Language.ENGLISH


def speeches(zone: ZoneInfo) -> Mapping[Language, Speech]:
    """Both languages, ready."""
    return {
        Language.ENGLISH: Speech(Language.ENGLISH, zone, {}),
        Language.CHINESE: Speech(Language.CHINESE, zone, catalogue(CATALOGUES)),
    }


def catalogue(folder: Path) -> Mapping[str, str]:
    """English → Chinese, of every .po file there; each part of the portal has one of its own."""
    texts: dict[str, str] = {}
    for file in sorted(folder.glob("*.po")):
        with file.open("rb") as opened:
            for message in read_po(opened, locale="zh_Hant"):
                texts |= _texts(message.id, message.string)
    return texts


def _texts(source: object, target: object) -> dict[str, str]:
    english = source[0] if isinstance(source, list | tuple) else source
    chinese = target[0] if isinstance(target, list | tuple) else target
    return {str(english): str(chinese)} if english and chinese else {}


def preferred(accepted: str) -> Language:
    """The better of our languages by Accept-Language (RFC 9110, 12.5.4); English where it names neither."""
    wanted: dict[Language, float] = {}
    for part in accepted[:500].split(",")[:_MOST_RANGES]:
        if found := _RANGE.match(part):
            language = _ours(found[1])
            if language:
                wanted[language] = max(wanted.get(language, 0), float(found[2] or 1))
    best = max(wanted, key=wanted.__getitem__, default=Language.ENGLISH)
    return best if wanted.get(best, 0) > 0 else Language.ENGLISH


def _ours(tag: str) -> Language | None:
    """Whoever reads any Chinese reads ours better than English."""
    return {"zh": Language.CHINESE, "yue": Language.CHINESE, "en": Language.ENGLISH}.get(
        tag.lower().partition("-")[0]
    )


def language_of(tag: str) -> Language | None:
    """As it stands in a cookie or a link."""
    try:
        return Language(tag)
    except ValueError:
        return None

"""How far an incremental source was read: the greatest value of its watermark column, and from where to read on.

Kept as one line of text by the ledger, which does not look into it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any

Value = datetime | date | int | str
Overlap = timedelta | int


@dataclass(frozen=True, slots=True)
class Watermark:
    """`configured`: digest of the configuration under which everything before was read; `complete_at`: when the
    source was last read whole."""

    value: Value | None
    complete_at: datetime
    configured: str

    def text(self) -> str:
        kind = type(self.value).__name__
        value = self.value.isoformat() if isinstance(self.value, date) else self.value
        return json.dumps([kind, value, self.complete_at.isoformat(), self.configured])

    @classmethod
    def of(cls, text: str | None) -> Watermark | None:
        """None where there is none, or one of another version."""
        try:
            kind, raw, complete_at, configured = json.loads(text or "null")
            return cls(_TYPES[kind](raw), datetime.fromisoformat(complete_at), configured)
        except (TypeError, ValueError, KeyError):
            return None

    def start(self, overlap: Overlap) -> Value | None:
        """Rows committed late carry an older value: read again from somewhat before. ValueError where `overlap` does
        not fit the column."""
        match self.value, overlap:
            case int() as value, int():
                return value - overlap
            case datetime() as value, timedelta():
                return value - overlap
            case date() as value, timedelta():
                return value - overlap - timedelta(days=1)  # a day is not over when it is first seen
            case str() as value, timedelta():
                return _earlier(value, overlap)
            case None, _:
                return None
        raise ValueError(f"does not fit an overlap of {overlap}")

    def instant(self, zone: tzinfo) -> datetime | None:
        """As a moment, where the column holds moments."""
        return instant(self.value, zone)


def instant(value: object, zone: tzinfo) -> datetime | None:
    """A moment that is written without a time zone is meant in the university's; a day is its beginning."""
    if isinstance(value, str):
        value = _moment(value)
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime.combine(value, time.min)
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=zone)).astimezone(UTC)
    return None


_TYPES: dict[str, Callable[[Any], Value | None]] = {
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
    "int": int,
    "str": str,
    "NoneType": lambda value: None,
}


def _earlier(text: str, overlap: timedelta) -> str:
    """Databases without a type for instants keep them as text, written the same way throughout."""
    moment = _moment(text)
    if moment is None:
        raise ValueError("holds text that is no ISO date and time")
    sign = "T" if "T" in text else " "
    return (moment - overlap).isoformat(sep=sign)


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None

"""Whether a fetch is what it should be before anything of it is believed: of the right term, fresh, from a clock that
goes right. Refuses it whole; single bad records are mapping's, what speaks against all of them reading's."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

from provisiond.adapters.registry.refusal import refused

CLOCK_SKEW = timedelta(hours=1)  # what two honest clocks may differ, summer time included


def refuse_wrong_age(file: str, as_of: datetime | None, now: datetime, maximum_age: timedelta | None) -> None:
    """`as_of`: when the data were exported, as far as the source says."""
    if as_of and as_of > now + CLOCK_SKEW:
        cause = f"it is dated {_minute(as_of)}, in the future: a clock is wrong"
        raise refused(file, cause, "set the clock (here or there) right and have it exported again")
    if maximum_age is None:
        return
    if as_of is None:
        raise refused(file, "it does not say how old it is", "take maximum_age away or name an age_column")
    if as_of < now - maximum_age:
        cause = f"it is stale: dated {_minute(as_of)}, maximum_age is {_span(maximum_age)}"
        raise refused(file, cause, "look why the registry exports nothing newer")


def _minute(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _span(age: timedelta) -> str:
    hours, rest = divmod(int(age.total_seconds()), 3600)
    return f"{hours} hours" if not rest else f"{int(age.total_seconds()) // 60} minutes"


class Expected:
    """Columns whose every value must match a regular expression, as the academic year."""

    def __init__(self, file: str, expressions: Mapping[str, str]) -> None:
        self._file = file
        self._expressions = [(name, re.compile(text)) for name, text in expressions.items()]

    @property
    def salt(self) -> tuple[str, ...]:
        """Rows that were believed under another expectation must be looked at again."""
        return tuple(f"{name}={expression.pattern}" for name, expression in self._expressions)

    def refuse_other(self, values: Iterable[str], where: str) -> None:
        """`values` in the order of the configured columns. The value is not shown: it may be a shifted birth date."""
        for (name, expression), value in zip(self._expressions, values, strict=True):
            if not expression.fullmatch(value.strip()):
                cause = f"column {name} is not as expected ({expression.pattern}), first in {where}"
                raise refused(self._file, cause, "look whether it is of another term, or mend `expected`")

"""A typed value of a database or a JSON document as the text of a cell: the same value is always the same text."""

from __future__ import annotations

from datetime import date, datetime, tzinfo
from decimal import Decimal
from uuid import UUID


def cell_text(value: object, zone: tzinfo) -> str:
    """A date for an instant (no field of ours holds a time of day), that of the university's `zone`.
    ValueError where it is no single value."""
    match value:
        case None:
            return ""
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int() | UUID():
            return str(value)
        case float() | Decimal():
            return _number(Decimal(str(value)))
        case datetime():
            return (value.astimezone(zone) if value.tzinfo else value).date().isoformat()
        case date():
            return value.isoformat()
        case _:
            raise ValueError(f"holds a {type(value).__name__} where a single value must stand")


def _number(number: Decimal) -> str:
    """Student IDs come as 20240001.0 from databases that know no whole numbers."""
    if not number.is_finite():
        raise ValueError("holds what is not a number")
    return format(
        number.quantize(Decimal(1)) if number == number.to_integral_value() else number.normalize(), "f"
    )

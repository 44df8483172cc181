"""What the configuration says of a database: where it is, the query, which column means what.

Whether that is sound was judged by the settings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from provisiond.adapters.registry.watermark import Overlap

_PARAMETER = re.compile(r"(?<![:\\\w]):watermark\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlSource:
    """`url`: SQLAlchemy's, without a password. `query`: a SELECT; with a parameter `:watermark` it picks the
    changed rows itself (`first_watermark` stands for everything), otherwise it is wrapped. `watermark_column`: grows
    with each change of a row; read again from `overlap` before the greatest value seen, and whole every
    `complete_every`.
    `timeout`: seconds for the whole fetch. `age_column`: its newest value says how old the data are."""

    name: str
    url: str
    query: str
    fields: Mapping[str, str]
    password: str | None = field(default=None, repr=False)
    ca_file: Path | None = None
    watermark_column: str | None = None
    overlap: Overlap = timedelta(minutes=10)
    first_watermark: str | int = "1900-01-01 00:00:00"
    complete_every: timedelta = timedelta(days=1)
    connect_timeout: int = 10
    timeout: int = 600
    date_formats: tuple[str, ...] = ("%Y-%m-%d", "%d/%m/%Y")
    codes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    maximum_rejected_percent: float = 50
    maximum_age: timedelta | None = None
    age_column: str | None = None
    expected: Mapping[str, str] = field(default_factory=dict)
    supplement: bool = False

    @property
    def has_parameter(self) -> bool:
        return _PARAMETER.search(self.query) is not None

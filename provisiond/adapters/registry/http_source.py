"""What the configuration says of an HTTP source: where it is, how its pages follow each other, where in a page the
records stand and what is in them. Whether that is sound was judged by the settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpSource:
    """`fields`: our field → place of its value in a record. Places are dotted ("name.family") or JSON pointers
    (RFC 6901); "" is the whole document. `records`: place of the list. The next page is the URL at `next`, or else
    that of the Link header (RFC 8288); with `cursor` the value at that place, sent as `cursor_parameter`. `total`:
    place of the number of all records. Limits in bytes, pages and seconds; `timeout` is for the whole fetch."""

    name: str
    url: str
    fields: Mapping[str, str]
    token: str | None = field(default=None, repr=False)
    ca_file: Path | None = None
    records: str = ""
    next: str | None = None
    cursor: str | None = None
    cursor_parameter: str = "cursor"
    total: str | None = None
    connect_timeout: int = 10
    read_timeout: int = 30
    timeout: int = 600
    maximum_page_size: int = 16 * 2**20
    maximum_size: int = 2**30
    maximum_pages: int = 10_000
    retries: int = 3
    date_formats: tuple[str, ...] = ("%Y-%m-%d", "%d/%m/%Y")
    codes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    maximum_rejected_percent: float = 50
    maximum_age: timedelta | None = None
    age_column: str | None = None
    expected: Mapping[str, str] = field(default_factory=dict)
    supplement: bool = False

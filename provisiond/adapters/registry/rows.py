"""What a source (CSV, SQL, HTTP) gives to the intake: raw rows in blocks, how to read one, and how it ended.

Which rows are new, what a row means and whether rows clash is the intake's, the same for every source."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from provisiond.adapters.registry.blocks import RawBlock
from provisiond.adapters.registry.outline import Outline
from provisiond.domain.model import Stretch

Cells = tuple[str, ...]
"""The texts of one row in the order of FIELDS; "" for a field that is not mapped or has no value."""


class MappedSource(Protocol):
    """What the configuration of every source says of its fields (source.py checks it)."""

    @property
    def name(self) -> str: ...
    @property
    def fields(self) -> Mapping[str, str]: ...
    @property
    def codes(self) -> Mapping[str, Mapping[str, str]]: ...
    @property
    def date_formats(self) -> tuple[str, ...]: ...
    @property
    def maximum_rejected_percent(self) -> float: ...
    @property
    def supplement(self) -> bool:
        """Whether its records only add to persons whom another source names (RegistryRecord.is_supplement)."""
        ...


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a row cannot be read as cells (other number of columns, no object, quoting …); never shows content."""

    reason: str


@dataclass(frozen=True, slots=True)
class Ending:
    """Known when the last row was given. `digest`: SHA-256 (hex) of the content as it came.

    `complete` False: only rows that changed since `memory.last().watermark`; a row that is not there says
    nothing. What is unsettled is then looked at again only when the source gives it again."""

    digest: str
    complete: bool = True
    etag: str | None = None
    watermark: str | None = None


class RowSource(Protocol):
    """One reading of one source, from its opening; used once.

    A raw row is bytes that are the same whenever the source says the same: a line of a file, a canonical JSON
    array of a result row. A line break in it counts as a line; b"" is no row, only a line."""

    @property
    def file(self) -> str:
        """Label for rejections and messages: file name, table, URL without secrets."""
        ...

    @property
    def first_line(self) -> int:
        """Number of the line where the first raw row stands (1 where there are no lines but rows)."""
        ...

    @property
    def salt(self) -> tuple[str, ...]:
        """What beside the configured mapping decides how a raw row reads: header, encoding, column types."""
        ...

    def pieces(self, salt: bytes, outline: Outline) -> Iterator[RawBlock | Stretch]:
        """The rows in their order, cut into blocks; a file's stretches that `outline` knows are given as such.
        Raises UnavailableError and UnsafeFetchError, also after the last one where totals do not fit (trailer, row
        count, cut short, no rows)."""
        ...

    def cells(self, row: bytes, line: int) -> Cells | Fault: ...

    def ending(self) -> Ending:
        """Asked once, after the last chunk."""
        ...

"""Rows that come as typed values (of a database, of JSON) as raw rows: one JSON array of cell texts each.

What every such source checks on the way: expected columns, and that there is anything at all."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from datetime import tzinfo
from hashlib import blake2b

from provisiond.adapters.registry.blocks import RawBlock, raw_blocks
from provisiond.adapters.registry.cell_text import cell_text
from provisiond.adapters.registry.outline import Outline
from provisiond.adapters.registry.plausibility import Expected
from provisiond.adapters.registry.refusal import refused
from provisiond.adapters.registry.rows import Cells, Fault
from provisiond.domain.model import Stretch

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_MODULUS = 1 << 256


class RecordRows(ABC):
    """The half of a `rows.RowSource` that is the same for all of them. `count`: rows given so far."""

    first_line = 1

    def __init__(self, file: str, expected: Mapping[str, str], zone: tzinfo) -> None:
        self.file = file
        self.count = 0
        self._zone = zone
        self._expected = Expected(file, expected)
        self._sum = 0

    @property
    def salt(self) -> tuple[str, ...]:
        return ("values", *self._expected.salt)

    @property
    def digest(self) -> str:
        """The same for the same rows in any order: a database keeps none, and an approval must find it again."""
        return f"{self._sum:064x}"

    @abstractmethod
    def chunks(self) -> Iterator[list[bytes]]:
        """Raw rows in their order, a bounded number at a time."""

    def pieces(self, salt: bytes, _outline: Outline) -> Iterator[RawBlock | Stretch]:
        return raw_blocks(self.chunks(), self.first_line, salt)

    def raw(self, values: Sequence[object], expected: Sequence[object]) -> bytes:
        """`values` in the order of FIELDS; `expected`: of the columns that must match."""
        self.count += 1
        try:
            cells = [v if type(v) is str else cell_text(v, self._zone) for v in values]
            others = [cell_text(value, self._zone) for value in expected]
        except ValueError as error:
            return self.faulty(f"a column {error}")
        self._expected.refuse_other(others, f"row {self.count}")
        return self._summed(_encode(cells))

    def faulty(self, reason: str) -> bytes:
        """A row that cannot be read as cells; `reason` shows no content."""
        return self._summed(_encode({"fault": reason}))

    def cells(self, row: bytes, line: int) -> Cells | Fault:
        found = json.loads(row)
        return Fault(found["fault"]) if isinstance(found, dict) else tuple(found)

    def refuse_empty(self) -> None:
        if not self.count:
            raise refused(self.file, "it gives no rows", "look why the registry names nobody")

    def _summed(self, text: str) -> bytes:
        # lone surrogates can come out of JSON escapes; mapping rejects them as what they are
        row = text.encode("utf-8", "replace")
        self._sum = (self._sum + int.from_bytes(blake2b(row, digest_size=32).digest())) % _MODULUS
        return row

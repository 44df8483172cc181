"""How a file falls into raw rows, and rows into blocks: as Python's csv module would have it, wherever it is cut."""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Iterator, Sequence

from hypothesis import example, given, settings
from hypothesis import strategies as st

from provisiond.adapters.registry.blocks import RawBlock, raw_blocks, salt_of
from provisiond.adapters.registry.outline import Outline, RowFile
from provisiond.adapters.registry.row_lines import RowLines
from provisiond.domain.errors import UnsafeFetchError
from provisiond.domain.model import Stretch

SALT = salt_of(["a mapping"])
Rows = list[tuple[int, list[str] | None]]


def raw_rows(text: str, chunk_bytes: int) -> list[bytes]:
    lines = RowLines("f.csv", "utf-8", ",", chunk_bytes)
    content = text.encode()
    chunks = lines.chunks(io.BytesIO(content), 0, len(content))
    return [row for rows in chunks for row in lines.without_blank(rows)]


def as_we_read(text: str, chunk_bytes: int) -> Rows | None:
    """First line and cells of each row that is not blank; None where the text is refused."""
    found, line = Rows(), 1
    cells = RowLines("f.csv", "utf-8", ",").cells
    try:
        for row in raw_rows(text, chunk_bytes):
            if row:
                found.append((line, cells(row)))
            line += 1 + row.count(b"\n")
    except UnsafeFetchError:
        return None
    return found


def as_csv_reads(text: str) -> Rows | None:
    found = Rows()
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return found
        except csv.Error as error:
            if "expected after" not in str(error):
                return None
            found.append((line, None))
            continue
        if "".join(cells).strip():
            found.append((line, cells))


pieces = st.sampled_from(["a", "陳", '"', '""', ",", '","', "\n", "\r\n", '"\n', ' "', "\u3000"])


@settings(max_examples=800)
@example(text='"",a","', chunk_bytes=1)
@given(st.lists(pieces, max_size=40).map("".join), st.integers(1, 30))
def test_rows_are_those_of_the_csv_module_wherever_chunks_end(text: str, chunk_bytes: int) -> None:
    assert as_we_read(text, chunk_bytes) == as_csv_reads(text)


@settings(max_examples=200)
@given(st.lists(st.lists(st.text(alphabet='ab,"\n 陳', max_size=5), min_size=2, max_size=4), max_size=12),
       st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]), st.integers(1, 200))  # fmt: skip
def test_what_the_csv_module_writes_is_read_back(table: list[list[str]], quoting: int, chunk: int) -> None:
    stream = io.StringIO()
    csv.writer(stream, quoting=quoting).writerows(table)  # type: ignore[arg-type]
    read = as_we_read(stream.getvalue(), chunk)
    assert [cells for _, cells in read or []] == [row for row in table if "".join(row).strip()]


def chunked(rows: Sequence[bytes], size: int) -> list[Sequence[bytes]]:
    return [rows[start : start + size] for start in range(0, len(rows), size)]


ROWS = [b"%d" % number for number in range(3000)]


def test_blocks_hold_all_rows_in_order_with_their_lines_however_they_come() -> None:
    blocks = list(raw_blocks(chunked(ROWS, 7), 2, SALT))
    assert [row for block in blocks for row in block.rows] == ROWS
    assert [block.line for block in blocks] == [2 + ROWS.index(block.rows[0]) for block in blocks]
    assert blocks == list(raw_blocks([ROWS], 2, SALT))
    assert 16 <= len(ROWS) / len(blocks) <= 64


def test_an_edit_changes_few_blocks() -> None:
    known = {block.digest for block in raw_blocks([ROWS], 1, SALT)}
    chance = random.Random(1)
    for _ in range(50):
        place = chance.randrange(len(ROWS))
        edited = [*ROWS[:place], b"new", *ROWS[place + chance.randrange(2) :]]
        assert sum(block.digest not in known for block in raw_blocks([edited], 1, SALT)) <= 6


def test_another_mapping_makes_other_digests() -> None:
    other = salt_of(["another mapping"])
    digests = [{block.digest for block in raw_blocks([ROWS], 1, salt)} for salt in (SALT, other)]
    assert digests[0].isdisjoint(digests[1])
    assert salt_of(["a", "bc"]) != salt_of(["ab", "c"])


def test_rows_all_alike_make_no_endless_block() -> None:
    assert max(len(block.rows) for block in raw_blocks(chunked([b"same"] * 9000, 100), 1, SALT)) <= 2200


# -- stretches of a file ------------------------------------------------------------------------------------
def cut_file(content: bytes, before: Outline | None = None) -> tuple[Outline, list[RawBlock | Stretch]]:
    """As a CSV registry cuts a file, with what is remembered of another one."""
    lines = RowLines("a.csv", "utf-8", ",", chunk_bytes=3000)
    stream = io.BytesIO(content)

    def rows_from(at: int, line: int) -> Iterator[list[bytes]]:
        lines.line = line
        return lines.chunks(stream, at, len(content))

    known = [digest for stretch in before.stretches for digest in stretch.blocks] if before else []
    outline = Outline(before.stretches if before else (), known, SALT)
    file = RowFile(stream, 0, len(content), 1, rows_from, lines.without_blank)
    return outline, list(outline.pieces(file))


def told(pieces: list[RawBlock | Stretch]) -> tuple[int, int]:
    return sum(piece.rows if isinstance(piece, Stretch) else piece.count for piece in pieces), sum(
        piece.foreign for piece in pieces
    )


LINES = st.sampled_from(
    [b"", b" ", b'"two\nlines",x', "陳,y".encode(), b"plain,row", b"plain,row\r", b'"quoted",""', b",,"]
)
EDITS = st.lists(
    st.tuples(st.integers(0, 3000), st.sampled_from(["drop", "add", "change"]), LINES), max_size=6
)


@given(EDITS, st.booleans())
def test_a_file_with_an_outline_says_what_it_says_without(
    edits: list[tuple[int, str, bytes]], is_ended: bool
) -> None:
    rows = [b"%d,row of %d\n" % (n, n * 7919 % 1000) for n in range(3000)]
    first, _ = cut_file(b"".join(rows))
    for at, what, line in edits:
        place = min(at, len(rows) - 1)
        rows[place : place + (what != "add")] = [] if what == "drop" else [line + b"\n"]
    content = b"".join(rows) if is_ended else b"".join(rows).rstrip(b"\n")
    second, pieces = cut_file(content, first)
    _, whole = cut_file(content)
    assert told(pieces) == told(whole)
    looked_at = {row for piece in pieces if isinstance(piece, RawBlock) for row in piece.rows}
    new = {line for _, what, line in edits if what != "drop" and line + b"\n" in rows}
    assert new - {b"", b" ", b",,"} <= looked_at
    assert all(piece.line == _line_of(content, piece) for piece in pieces if isinstance(piece, RawBlock))
    assert sum(isinstance(piece, RawBlock) for piece in pieces) <= 12 * (len(edits) + 1)
    again, pieces = cut_file(content, second)
    assert again.stretches == second.stretches
    assert sum(isinstance(piece, RawBlock) for piece in pieces) <= 4


def _line_of(content: bytes, block: RawBlock) -> int:
    """Where the rows that no other block has stand; those that are everywhere say nothing."""
    mark = next((row for row in block.rows if b"row of" in row), None)
    if mark is None:
        return block.line
    before = content[: content.index(mark + b"\n") if mark + b"\n" in content else content.index(mark)]
    lead = block.rows[: block.rows.index(mark)]
    return before.count(b"\n") + 1 - sum(1 + row.count(b"\n") for row in lead)

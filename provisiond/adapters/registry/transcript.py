"""A drop file as a stream whose lines can be cut before they are decoded: mostly the file itself.

A copy in UTF-8 with plain line ends is made of UTF-16, UTF-32 and other encodings that do not hold ASCII as
itself, and where lines end in a lone return. It is a temporary file without a name; nothing of it stays."""

from __future__ import annotations

import codecs
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from typing import IO, BinaryIO

from provisiond.adapters.registry.decoding import Survey, chunks, holds_lines, nul

_LONE_RETURN = re.compile("\r(?!\n)")


@contextmanager
def line_stream(stream: BinaryIO, file: str, survey: Survey) -> Iterator[tuple[IO[bytes], str]]:
    """With its encoding. Of a file that is valid in the encoding of the survey."""
    if holds_lines(survey.encoding) and not survey.has_lone_returns:
        yield stream, survey.encoding
        return
    with tempfile.TemporaryFile() as copy:
        for text in _texts(stream, file, survey.encoding):
            copy.write(text.encode())
        yield copy, "utf-8"


def _texts(stream: BinaryIO, file: str, encoding: str) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    line, held = 1, ""
    for chunk in chain(chunks(stream), [b""]):
        text = held + decoder.decode(chunk, final=not chunk)
        held = "\r" if chunk and text.endswith("\r") else ""  # its line feed may come with the next chunk
        text = _LONE_RETURN.sub("\n", text.removesuffix("\r") if held else text)
        if "\0" in text:
            raise nul(file, line + text[: text.index("\0")].count("\n"))
        line += text.count("\n")
        yield text

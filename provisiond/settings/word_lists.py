"""Reads the lists of reserved and unfortunate words; what they forbid is `domain.names`' to say."""

from __future__ import annotations

from pathlib import Path

from provisiond.domain.policy import NamePolicy
from provisiond.shipped_files import shipped

RESERVED, UNFORTUNATE = "reserved-names.txt", "unfortunate-words.txt"


def words(path: Path) -> frozenset[str]:
    """One word a line; what follows `#` is a comment. Raises OSError, UnicodeDecodeError."""
    lines = (line.partition("#")[0].strip().lower() for line in path.read_text("utf-8").splitlines())
    return frozenset(line for line in lines if line)


def names_policy() -> NamePolicy:
    """The shipped policy, for `provisiond names` without any configuration."""
    return NamePolicy(reserved=words(shipped(RESERVED)), unfortunate=words(shipped(UNFORTUNATE)))

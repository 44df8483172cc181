"""Prints those lines of the lock file that provisiond needs to run: what it requires, and what that requires, as
installed here, judged for the Python of the target. Development tools stay out of the package."""

from __future__ import annotations

import re
import sys
from importlib.metadata import requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


def needed(name: str, extras: frozenset[str], python: str, found: set[str]) -> None:
    """Adds the name and all that it needs to `found`."""
    found.add(canonicalize_name(name))
    for text in requires(name) or ():
        wanted = Requirement(text)
        wanted_here = any(
            wanted.marker is None or wanted.marker.evaluate({"python_version": python, "extra": extra})
            for extra in (extras or {""})
        )
        if wanted_here and (wanted.extras or canonicalize_name(wanted.name) not in found):
            needed(wanted.name, frozenset(wanted.extras), python, found)


def main(python: str, lock: str) -> None:
    found: set[str] = set()
    needed("provisiond", frozenset(), python, found)
    for block in re.split(r"\n(?=\S)", Path(lock).read_text("utf-8")):
        name = re.match(r"[\w.-]+", block)
        if name and canonicalize_name(name[0]) in found:
            sys.stdout.write(block.rstrip("\n") + "\n")


main(sys.argv[1], sys.argv[2])

"""Finds the files that ship with provisiond: config/ in a checkout, provisiond/shipped/ in an installed
wheel. Says only where they are; what they mean is for whoever asks."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_PLACES = (_PACKAGE / "shipped", _PACKAGE.parent / "config")


def shipped(name: str) -> Path:
    """The path of a file or folder, as `openldap/schema/schac.ldif`; FileNotFoundError if there is none."""
    for place in _PLACES:
        if (place / name).exists():
            return place / name
    raise FileNotFoundError(f"provisiond is not wholly installed: its file {name} is missing")

"""Everything that a page may say exists in both languages."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

from provisiond.portal.language import CATALOGUES, catalogue

_WORDS = runpy.run_path(str(Path(__file__).parents[2] / ".ci" / "words.py"))
_VALUE = re.compile(r"%\((\w+)\)[sd]|%(?!%)\w")


def test_every_text_has_a_translation() -> None:
    """`make words` prints what is missing, ready for a catalogue."""
    known = catalogue(CATALOGUES)
    missing = {text: place for place, text in _WORDS["texts"]() if text not in known}
    assert not missing


def test_no_translation_is_left_over() -> None:
    said = {text for _, text in _WORDS["texts"]()}
    assert set(catalogue(CATALOGUES)) <= said


def test_a_translation_tells_the_same_values() -> None:
    """… or the page would fail in front of a student."""
    for english, chinese in catalogue(CATALOGUES).items():
        assert sorted(_VALUE.findall(english)) == sorted(_VALUE.findall(chinese)), english


def test_nothing_is_half_translated() -> None:
    assert not [file.name for file in CATALOGUES.glob("*.po") if "#, fuzzy" in file.read_text("utf-8")]

"""`make words`: texts of the portal that lack a translation, and translations that no text asks for, as lines of
a .po file. Exit 1 where there are any. tests/portal/test_words.py looks at the same."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.extract import extract_from_dir

PORTAL = Path(__file__).parents[1] / "provisiond" / "portal"
_METHODS = [("**.py", "python"), ("templates/**.html", "jinja2")]
_OPTIONS = {
    "templates/**.html": {"extensions": "jinja2.ext.i18n", "newstyle_gettext": "true", "trimmed": "true"}
}
_WORDS = {"_": None, "N_": None, "gettext": None, "ngettext": (1, 2)}


def texts() -> Iterator[tuple[str, str]]:
    """(place, English text) of everything that a page may say."""
    found = extract_from_dir(PORTAL, _METHODS, _OPTIONS, keywords=_WORDS)
    for file, line, message, _comments, _context in found:
        yield f"{file}:{line}", message[0] if isinstance(message, tuple) else message


def main() -> int:
    from provisiond.portal.language import CATALOGUES, catalogue

    known, used = catalogue(CATALOGUES), dict[str, str]()
    for place, text in texts():
        used.setdefault(text, place)
    missing = {text: place for text, place in used.items() if text not in known}
    for text, place in missing.items():
        sys.stdout.write(f'#: {place}\nmsgid "{_quoted(text)}"\nmsgstr ""\n\n')
    unused = [text for text in known if text not in used]
    for text in unused:
        sys.stdout.write(f'#~ no page says "{_quoted(text)}"\n')
    return bool(missing or unused)


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


if __name__ == "__main__":
    sys.exit(main())

"""Header to fields: where in a row each of our fields stands. Refuses a header that lacks a mapped column."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from operator import itemgetter

from provisiond.adapters.registry.refusal import refused
from provisiond.adapters.registry.source import FIELDS

Pick = Callable[[list[str]], tuple[str, ...]]


def columns(header: tuple[str, ...], fields: Mapping[str, str], file: str) -> Pick:
    """A function that picks our fields, in the order of FIELDS, from a row with one empty cell appended
    (the place of every field that is not mapped)."""
    places: dict[str, list[int]] = {}
    for place, name in enumerate(header):
        places.setdefault(_plain(name), []).append(place)
    _refuse_missing(header, places, fields, file)
    _refuse_doubled(places, fields, file)
    found = {ours: places[_plain(theirs)][0] for ours, theirs in fields.items()}
    return itemgetter(*(found.get(name, len(header)) for name in FIELDS))


def _plain(name: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def _refuse_missing(
    header: tuple[str, ...], places: Mapping[str, list[int]], fields: Mapping[str, str], file: str
) -> None:
    missing = [theirs for theirs in fields.values() if _plain(theirs) not in places]
    if not missing:
        return
    cause = (
        "missing columns: "
        if len(missing) < len(fields)
        else "the header line is missing or another one: no "
    )
    named = ", ".join(name + _close(name, header, places) for name in missing)
    raise refused(file, cause + named, "have them exported, or mend the mapping of fields")


def _close(name: str, header: tuple[str, ...], places: Mapping[str, list[int]]) -> str:
    close = get_close_matches(_plain(name), places, n=1)
    return f" (did you mean {header[places[close[0]][0]]}?)" if close else ""


def _refuse_doubled(places: Mapping[str, list[int]], fields: Mapping[str, str], file: str) -> None:
    doubled = [theirs for theirs in fields.values() if len(places[_plain(theirs)]) > 1]
    if doubled:
        raise refused(
            file, f"columns that stand twice in the header: {', '.join(doubled)}", "have each exported once"
        )


def column_place(names: Sequence[str], name: str, file: str) -> int:
    """Where the column `name` stands, case and blanks not counting."""
    found = [at for at, other in enumerate(names) if _plain(other) == _plain(name)]
    if len(found) != 1:
        cause = f"column {name} {'is missing' if not found else 'stands twice'}"
        raise refused(file, cause, "mend the query, or the name in the configuration")
    return found[0]

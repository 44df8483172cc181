"""The sections [[registry]]: which sources there are and whether their mapping can yield records.

How a source is read, and what a value left out means, is the registry adapter's."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from provisiond.domain.model import Level, Status
from provisiond.settings import sections as s
from provisiond.settings.notation import unknown
from provisiond.settings.parsing import Faults
from provisiond.settings.values import CsvSettings

NEEDED = ("student_id", "birth_date", "programme", "department", "level", "status", "status_on")
_OWN_WORDS = {
    "level": frozenset(Level),
    "status": frozenset(Status),
    "confidential": frozenset({"true", "false", "yes", "no", "y", "n", "1", "0", ""}),
}


def registries(found: tuple[s.Registry, ...], folder: Path, faults: Faults) -> tuple[CsvSettings, ...]:
    names = [section.name for section in found]
    for name in sorted({name for name in names if names.count(name) > 1}):
        faults.add(f"registry[{name}].name", "stands twice; every registry needs a name of its own")
    for section in found:
        for key, sentence in (*_field_faults(section), *_code_faults(section), *_form_faults(section)):
            faults.add(f"registry[{section.name}].{key}", sentence)
    return tuple(_registry(section, folder) for section in found)


def _registry(section: s.Registry, folder: Path) -> CsvSettings:
    given = {name: value for name, value in section.given().items() if name != "type"}
    given["path"] = folder / section.path
    return replace(CsvSettings(section.name, folder, {}), **given)


def _field_faults(section: s.Registry) -> Iterator[tuple[str, str]]:
    for needed in NEEDED:
        if needed not in section.fields:
            yield f"fields.{needed}", "missing: every record needs it"
    for half in ("surname", "given_names"):
        if half not in section.fields and "full_name" not in section.fields:
            yield f"fields.{half}", "missing: map surname and given_names, or full_name"
    for field in sorted((section.codes or {}).keys() - section.fields.keys()):
        yield f"codes.{field}", f"is about a field that registry[{section.name}].fields does not map"


def _code_faults(section: s.Registry) -> Iterator[tuple[str, str]]:
    for field, codes in (section.codes or {}).items():
        own = _OWN_WORDS.get(field)
        for code, word in codes.items() if own else ():
            if own and word.lower() not in own:
                yield f"codes.{field}.{code}", unknown(word, filter(None, own))


def _form_faults(section: s.Registry) -> Iterator[tuple[str, str]]:
    for encoding in filter(None, (section.encoding, *(section.encodings or ()))):
        try:
            codecs.lookup(encoding)
        except LookupError:
            yield "encoding", f"'{encoding}' is not known; examples: utf-8, big5hkscs, cp1252"
    if section.trailer is not None and not _has_count(section.trailer):
        yield "trailer", r"must be a regular expression with a group (?P<count>\d+)"
    if "/" in (section.pattern or ""):
        yield "pattern", "is about names of files in the folder `path`, not about folders"
    if section.delimiter in ('"', "\n", "\r"):
        yield "delimiter", "cannot be a quotation mark or a line end"


def _has_count(expression: str) -> bool:
    try:
        return "count" in re.compile(expression).groupindex
    except re.error:
        return False

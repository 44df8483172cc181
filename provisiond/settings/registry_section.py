"""The sections [[registry]] and [precedence]: which sources there are and whether their mapping can yield records.

How a source is read, and what a value left out means, is the registry adapter's."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from provisiond.domain.errors import ConfigError
from provisiond.domain.model import Language, Level, Status
from provisiond.domain.policy import SourcePolicy
from provisiond.settings.notation import database_url, https_url, unknown
from provisiond.settings.parsing import Faults
from provisiond.settings.registry_shape import Registry
from provisiond.settings.secret_files import secret_file
from provisiond.settings.values import CsvSettings, HttpSettings, RegistrySettings, SqlSettings

NEEDED = ("student_id", "birth_date", "programme", "department", "level", "status", "status_on")
_TYPES: Mapping[str, Callable[..., RegistrySettings]] = {
    "csv": CsvSettings,
    "sql": SqlSettings,
    "http": HttpSettings,
}
_ASKED = {"url", "ca_file", "connect_timeout", "timeout", "age_column"}
_KEYS = {
    "csv": {"path", "pattern", "delimiter", "encoding", "encodings", "trailer"},
    "sql": _ASKED
    | {"query", "password_file", "watermark_column", "overlap", "first_watermark", "complete_every"},
    "http": _ASKED
    | {"token_file", "records", "next", "cursor", "cursor_parameter", "total", "read_timeout", "retries"}
    | {"maximum_page_size", "maximum_size", "maximum_pages"},
}
_NEEDED_KEYS = {"csv": ("path",), "sql": ("url", "query"), "http": ("url",)}
_URL = {"sql": database_url, "http": https_url}
_SECRETS = {"password_file": "password", "token_file": "token"}
_OWN_WORDS = {
    "level": frozenset(Level),
    "status": frozenset(Status),
    "language": frozenset(language.lower() for language in Language),
    "confidential": frozenset({"true", "false", "yes", "no", "y", "n", "1", "0", ""}),
}
# our field → the attribute of a record whose source it chooses
_PRECEDENCE = {
    "surname": "surname",
    "preferred_name": "preferred_name",
    "chinese_name": "chinese_name",
    "hkid": "hkid_digest",
    "birth_date": "birth_digest",
    "department": "department",
    "level": "level",
    "status": "status",
    "expected_end_on": "expected_end_on",
    "personal_mail": "personal_mail",
    "supervisor_mail": "supervisor_mail",
    "language": "language",
}
_DECIDED = {
    "given_names": "a name is taken whole; surname decides",
    "full_name": "a name is taken whole; surname decides",
    "status_on": "a status is taken with its date; status decides",
    "confidential": "one source that says so is enough",
}


def registries(found: tuple[Registry, ...], folder: Path, faults: Faults) -> tuple[RegistrySettings, ...]:
    """Those that are sound so far; whatever is not left a fault."""
    names = [section.name for section in found]
    for name in sorted({name for name in names if names.count(name) > 1}):
        faults.add(f"registry[{name}].name", "stands twice; every registry needs a name of its own")
    made = []
    for section in found:
        sentences = [
            *_key_faults(section),
            *_field_faults(section),
            *_code_faults(section),
            *_form_faults(section),
        ]
        for key, sentence in sentences:
            faults.add(f"registry[{section.name}].{key}", sentence)
        if not sentences:
            made.append(_registry(section, folder, faults))
    return tuple(made)


def source_policy(
    found: tuple[Registry, ...], precedence: Mapping[str, tuple[str, ...]], faults: Faults
) -> SourcePolicy:
    """Who is believed: the order of the file, and that of single attributes."""
    names = tuple(section.name for section in found)
    for field, sources in precedence.items():
        if field not in _PRECEDENCE:
            faults.add(f"precedence.{field}", _DECIDED.get(field) or unknown(field, _PRECEDENCE))
        for source in sorted(set(sources) - set(names)):
            faults.add(
                f"precedence.{field}", f"{unknown(source, names)} (registries are listed in [[registry]])"
            )
    return SourcePolicy(names, {_PRECEDENCE.get(field, field): order for field, order in precedence.items()})


def _registry(section: Registry, folder: Path, faults: Faults) -> RegistrySettings:
    given = {name: value for name, value in section.given().items() if name != "type"}
    for key in ("path", "ca_file"):
        if key in given:
            given[key] = folder / given[key]
    for key in _SECRETS.keys() & given.keys():
        file = secret_file(faults.key(f"registry[{section.name}].{key}"), given.pop(key), folder)
        try:
            given[_SECRETS[key]] = file.read()
        except ConfigError as error:
            faults.sentences += error.faults
    return _TYPES[section.type](**given)


def _key_faults(section: Registry) -> Iterator[tuple[str, str]]:
    """Which keys there may and must be for this type."""
    given: dict[str, Any] = section.given()
    others = set().union(*_KEYS.values()) - _KEYS[section.type]
    for key in sorted(given.keys() & others):
        types = '" or "'.join(name for name, keys in _KEYS.items() if key in keys)
        yield key, f'is for type = "{types}" only'
    for key in _NEEDED_KEYS[section.type]:
        if not given.get(key):
            yield key, f'missing: type = "{section.type}" needs it'
    if section.url and section.type in _URL:
        try:
            _URL[section.type](section.url)
        except ValueError as error:
            yield "url", str(error)
    if section.next is not None and section.cursor is not None:
        yield "cursor", "pages follow by `next` or by `cursor`, not both"
    yield from _age_faults(section)


def _age_faults(section: Registry) -> Iterator[tuple[str, str]]:
    if section.maximum_age and section.type == "sql" and not section.age_column:
        yield "age_column", "missing: maximum_age needs a column that says when the data were made"
    if (
        section.query
        and re.search(r"(?<![:\\\w]):watermark\b", section.query)
        and not section.watermark_column
    ):
        yield "watermark_column", "missing: the query has a parameter :watermark"


def _field_faults(section: Registry) -> Iterator[tuple[str, str]]:
    if section.supplement:
        if "student_id" not in section.fields or len(section.fields) == 1:
            yield "fields", "must map student_id and what this source adds"
        if "programme" in section.fields:
            yield "fields.programme", "a supplement tells of persons, not of their programmes"
    for needed in () if section.supplement else NEEDED:
        if needed not in section.fields:
            yield f"fields.{needed}", "missing: every record needs it"
    for half in () if section.supplement else ("surname", "given_names"):
        if half not in section.fields and "full_name" not in section.fields:
            yield f"fields.{half}", "missing: map surname and given_names, or full_name"
    for field in sorted((section.codes or {}).keys() - section.fields.keys()):
        yield f"codes.{field}", f"is about a field that registry[{section.name}].fields does not map"


def _code_faults(section: Registry) -> Iterator[tuple[str, str]]:
    for field, codes in (section.codes or {}).items():
        own = _OWN_WORDS.get(field)
        for code, word in codes.items() if own else ():
            if own and word.lower() not in own:
                yield f"codes.{field}.{code}", unknown(word, filter(None, own))


def _form_faults(section: Registry) -> Iterator[tuple[str, str]]:
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

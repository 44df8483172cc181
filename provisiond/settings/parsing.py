"""From the file's text to a `Document`, or to sentences about everything in it that is wrong.

A faulty key is reported and then left out, so that the rest of the file is still judged: the operator mends
all faults at once. What sections mean together is `conversion`'s."""

from __future__ import annotations

import copy
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from provisiond.domain.errors import ConfigError
from provisiond.settings.notation import unknown
from provisiond.settings.sections import REQUIRED, Document

Location = tuple[int | str, ...]
Table = dict[str, Any]

# what is found in these is not repeated in a message: it may hold a password
_SENSITIVE = re.compile(r"pass|secret|url|key")


class Faults:
    """Collects sentences about one file, each with file and dotted key."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.sentences: list[str] = []

    def key(self, dotted: str) -> str:
        return f"{self.path}: {dotted}"

    def add(self, dotted: str, sentence: str) -> None:
        self.sentences.append(f"{self.key(dotted)}: {sentence}")

    def raise_if_any(self) -> None:
        if self.sentences:
            raise ConfigError(self.sentences)


def read_table(path: Path) -> Table:
    """The file as TOML. Raises ConfigError, with line and column of a syntax fault."""
    try:
        text = path.read_text("utf-8")
        return tomllib.loads(text)
    except OSError as error:
        raise ConfigError([f"{path}: cannot be read: {error.strerror or error}"]) from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ConfigError([f"{path}:{line}: not UTF-8 text"]) from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([_syntax_fault(path, text, str(error))]) from error


def _syntax_fault(path: Path, text: str, message: str) -> str:
    """tomllib tells the place within its sentence; operators and editors want `file:line:column`."""
    sentence = re.sub(r" \(at .*\)$", "", message)
    if place := re.search(r"\(at line (\d+), column (\d+)\)$", message):
        return f"{path}:{place[1]}:{place[2]}: not valid TOML: {sentence}"
    return f"{path}:{len(text.splitlines())}: not valid TOML: {sentence}"


def parse(table: Table, faults: Faults) -> Document:
    """As much of the document as is sound. Adds a fault for each part that is not."""
    document, errors = _validated(table)
    reported = [_dotted(table, error["loc"]) for error in errors]
    for where, error in zip(reported, errors, strict=True):
        faults.add(where, _sentence(error))
    for name in REQUIRED:
        if name not in table:
            faults.add(name, "missing; the shipped provisiond.toml explains it")
    while document is None:
        table = _without(table, [error["loc"] for error in errors if error["type"] != "missing"])
        table = _without(table, [error["loc"][:-1] for error in errors if error["type"] == "missing"])
        document, errors = _validated(table)
    return document


def _validated(table: Table) -> tuple[Document | None, list[Any]]:
    try:
        return Document.model_validate(table), []
    except ValidationError as error:
        return None, error.errors(include_url=False)


def _without(table: Table, locations: list[Location]) -> Table:
    """A copy that lacks what stands at these places; the last of a list first, as places shift."""
    pruned = copy.deepcopy(table)
    places = {_real(table, location) for location in locations}
    for place in sorted(places, key=lambda p: [str(part).zfill(6) for part in p], reverse=True):
        holder: Any = pruned
        for part in place[:-1]:
            holder = holder[part]
        del holder[place[-1]]
    return pruned


def _real(table: Table, location: Location) -> Location:
    """Only the parts that lead somewhere (pydantic adds `[key]` for keys); of a list of words, the list."""
    here: Any = table
    found: list[int | str] = []
    for part in location:
        is_there = (isinstance(here, dict) and part in here) or (
            isinstance(here, list) and isinstance(part, int)
        )
        if not is_there:
            break
        here = here[part]
        found.append(part)
    if found and isinstance(found[-1], int) and not isinstance(here, dict):
        found.pop()  # a list that lacks one word would be judged as if it had been meant so
    return tuple(found)


def _dotted(table: Table, location: Location) -> str:
    """`registry[students].path`: elements of lists are told by their name, else counted from one."""
    text, here = "", table
    for part in location:
        if part == "[key]":
            continue
        here = here[part] if isinstance(here, list) or (isinstance(here, dict) and part in here) else {}
        if isinstance(part, int):
            name = here.get("name") if isinstance(here, dict) else None
            text += f"[{name if isinstance(name, str) else part + 1}]"
        else:
            text += f".{part}" if text else part
    return text


def _sentence(error: Any) -> str:
    location, kind = error["loc"], error["type"]
    if kind == "missing":
        return "missing"
    if kind == "extra_forbidden":
        return _unknown_key(location)
    if kind == "value_error":
        message = str(error["ctx"]["error"])
    else:
        message = _PLAIN.get(kind, error["msg"]).format(**error.get("ctx", {}))
    found = error["input"]
    key = next(
        (part for part in reversed(location) if isinstance(part, str)), ""
    )  # of a list's element: the list's
    if isinstance(found, dict | list | tuple) or _SENSITIVE.search(key):
        return message
    return f"{message} (found {found!r})"


# pydantic's own words where they speak of Python rather than of TOML
_PLAIN = {
    "bool_type": "must be true or false",
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "string_type": "must be text in quotes",
    "tuple_type": "must be a list [ … ]",
    "frozen_set_type": "must be a list [ … ]",
    "dict_type": "must be a table",
    "model_type": "must be a table",
    "model_attributes_type": "must be a table",
    "literal_error": "must be {expected}",
    "enum": "must be {expected}",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "string_too_short": "must not be empty",
    "too_short": "must not be empty",
    "string_pattern_mismatch": "must have the form {pattern}",
}


def _unknown_key(location: Location) -> str:
    key = str(location[-1])
    model = _model_at(location[:-1])
    sentence = unknown(key, _keys(model))
    elsewhere = [path for path in _all_keys(Document) if path.rpartition(".")[2] == key]
    if "did you mean" not in sentence and elsewhere:
        return f"unknown '{key}' here; it belongs to {' or '.join(elsewhere)}"
    return sentence.replace("unknown", "unknown key", 1)


def _model_at(location: Location) -> type[BaseModel]:
    model: type[BaseModel] = Document
    for part in location:
        model = _children(model).get(str(part), model)
    return model


def _keys(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


def _children(model: type[BaseModel]) -> dict[str, type[BaseModel]]:
    """The tables below a table."""
    found = {field.alias or name: _model_in(field.annotation) for name, field in model.model_fields.items()}
    return {name: child for name, child in found.items() if child}


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((model for part in get_args(annotation) if (model := _model_in(part))), None)


def _all_keys(model: type[BaseModel], above: str = "") -> Iterator[str]:
    for key in _keys(model):
        yield f"{above}{key}"
        if child := _children(model).get(key):
            yield from _all_keys(child, f"{above}{key}.")

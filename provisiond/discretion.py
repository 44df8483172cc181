"""What a log, a status page or an error line must not carry, taken out as the second line of defence: the first is
that whoever tells something names persons by their ID. Knows keys and shapes, no persons."""

from __future__ import annotations

import re
import traceback
from collections.abc import Mapping, MutableMapping
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Any

from provisiond.domain import hkid
from provisiond.domain.errors import ProvisiondError

WITHHELD = "[withheld]"
# of a key's words: `personal_mail`, `birth_date`, `smtp_password`
_SENSITIVE = frozenset(
    re.findall(
        r"\w+",
        """name names surname given chinese preferred mail mails email address recipient phone hkid birth born
        password passphrase secret token key digest credential credentials otp""",
    )
)
# these are exactly what tells who is meant without saying who it is
_IDENTIFIERS = frozenset({"person", "person_id", "student_id", "hash", "plan"})
_ADDRESS = re.compile(r"[^\s<>@\"',;:()\[\]]+@[^\s<>@\"',;:()\[\]]+\.[^\s<>@\"',;:()\[\]]+")
_RDN = re.compile(r"\b(uid|mail|sn|givenName)=(?:\\.|[^,+\\\s])+(?=[,+])", re.IGNORECASE)


def discreet(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor: values under sensitive keys and of sensitive shapes are withheld."""
    for key, value in event.items():
        if key not in _IDENTIFIERS:
            event[key] = WITHHELD if _is_sensitive(key) else _scrubbed(value)
    return event


def scrubbed(text: str) -> str:
    """Without mail addresses, identity card numbers and names of entries of persons."""
    if "@" in text:
        text = _ADDRESS.sub("[address]", text)
    if "=" in text:
        text = _RDN.sub(lambda found: f"{found[1]}=…", text)
    return hkid.replaced(text, WITHHELD)


def _scrubbed(value: Any) -> Any:
    match value:
        case str():
            return scrubbed(value)
        case Mapping():
            return {k: WITHHELD if _is_sensitive(str(k)) else _scrubbed(v) for k, v in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_scrubbed(one) for one in value]
        case bool() | int() | float() | None:
            return value
        case _:
            return scrubbed(str(value))


@lru_cache(1000)
def _is_sensitive(key: str) -> bool:
    return key == "to" or not _SENSITIVE.isdisjoint(key.lower().replace("-", "_").split("_"))


def without_values(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """A structlog processor: `exc_info` becomes the kinds of errors and their places in the code."""
    error = event.pop("exc_info", None)
    if isinstance(error, tuple):
        error = error[1]
    if isinstance(error, BaseException):
        event["error"] = kind(error)
        event["where"] = places(error.__traceback__)
    return event


def kind(error: BaseException) -> str:
    """The error's class, and its causes'; words only of those that are ours, which quote nobody."""
    told = type(error).__qualname__
    if isinstance(error, ProvisiondError):
        told += f": {scrubbed(str(error))}"
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return f"{told} < {kind(before)}" if before is not None else told


def places(trace: TracebackType | None) -> list[str]:
    """Innermost last: file:line function. No line of source: it may hold a value in a test, never a use."""
    frames = traceback.extract_tb(trace)[-20:]
    return [f"{'/'.join(Path(f.filename).parts[-3:])}:{f.lineno} {f.name}" for f in frames]

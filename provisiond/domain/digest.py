"""Tells whether a record says something new: a digest over what the registry states about the person.

File and line are left out, since a record that only moved in its file is the same record.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import fields
from datetime import date

from provisiond.domain.model import RegistryRecord

_WHERE_IT_STOOD = frozenset({"file", "line"})


def record_digest(record: RegistryRecord) -> str:
    """SHA-256 (hex) over all fields of the record but file and line."""
    said = {f.name: _plain(getattr(record, f.name)) for f in fields(record) if f.name not in _WHERE_IT_STOOD}
    if record.language is None:
        del said["language"]  # digests of versions that did not know of it go on to count
    canonical = json.dumps(said, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, date) else value

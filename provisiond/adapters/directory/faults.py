"""What a directory lacks of what we rely on: bases, schema, controls. Finds all of it at once; what to do
about it stands in each sentence."""

from __future__ import annotations

import re
from collections.abc import Sequence

from provisiond.adapters.directory.reading import Bases, decoded
from provisiond.adapters.directory.session import ASSERTION, PERSON_ID, Session

_CLASSES = ("inetOrgPerson", "groupOfNames", "eduPerson", "schacLinkageIdentifiers", "provisiondObject")
_ATTRIBUTES = (PERSON_ID, "memberOf", "pwdEndTime")
_NAMES = re.compile(r"NAME\s+(?:'([^']+)'|\(([^)]*)\))")


def found(session: Session, bases: Bases, groups: Sequence[str] = ()) -> list[str]:
    """One sentence a fault; empty when all is well."""
    root = _values(session, "", ("supportedControl", "subschemaSubentry"))
    return [
        *_missing_entries(session, (bases.base, bases.people, bases.contacts, bases.groups, *groups)),
        *_missing_schema(session, root.get("subschemasubentry", ())),
        *_missing_controls(root.get("supportedcontrol", ())),
    ]


def _missing_controls(offered: Sequence[str]) -> list[str]:
    # permissive modify is not looked for: slapd has it and does not say so
    name = f"assertion (RFC 4528, {ASSERTION})"
    return [] if ASSERTION in offered else [f"directory: the server does not offer the control {name}"]


def _missing_entries(session: Session, dns: Sequence[str]) -> list[str]:
    return [
        f"directory: {dn} is not there, or not to be seen by us: run provisiond directory init"
        for dn in dict.fromkeys(dns)
        if not session.exists(dn)
    ]


def _missing_schema(session: Session, subentries: Sequence[str]) -> list[str]:
    if not subentries:
        return ["directory: the server does not say where its schema is (subschemaSubentry)"]
    schema = _values(session, subentries[0], ("objectClasses", "attributeTypes"))
    classes, attributes = (_names(schema.get(kind, ())) for kind in ("objectclasses", "attributetypes"))
    return [
        f"directory: the schema has no {kind} {name}: run provisiond directory init"
        for kind, wanted, there in (
            ("class", _CLASSES, classes),
            ("attribute", _ATTRIBUTES, attributes),
        )
        for name in wanted
        if name.lower() not in there
    ]


def _names(definitions: Sequence[str]) -> set[str]:
    """Lower-case names of schema definitions (RFC 4512 §4.1)."""
    matches = (_NAMES.search(definition) for definition in definitions)
    texts = (match[1] or match[2] for match in matches if match)
    return {name.strip("'").lower() for text in texts for name in text.split()}


def _values(session: Session, dn: str, attributes: Sequence[str]) -> dict[str, tuple[str, ...]]:
    wanted = "(objectClass=*)"
    entries = session.search(dn, wanted, attributes, subtree=False)
    return dict(decoded(entries[0].attributes)) if entries else {}

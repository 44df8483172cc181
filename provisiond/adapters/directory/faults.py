"""What a directory lacks of what we rely on: bases, schema, controls, plugins. Finds all of it at once; what to
do about it stands in each sentence. What can be done without is capabilities.py's."""

from __future__ import annotations

import re
from collections.abc import Sequence

from provisiond.adapters.directory.capabilities import Vendor
from provisiond.adapters.directory.ds389 import plugin_faults
from provisiond.adapters.directory.reading import Bases, decoded
from provisiond.adapters.directory.session import PERSON_ID, Session

_CLASSES = ("inetOrgPerson", "groupOfNames", "eduPerson", "schacLinkageIdentifiers", "provisiondObject")
_NAMES = re.compile(r"NAME\s+(?:'([^']+)'|\(([^)]*)\))")


def found(session: Session, bases: Bases, groups: Sequence[str], login_end: str) -> list[str]:
    """One sentence a fault; empty when all is well. `login_end`: the attribute that ends log-in."""
    root = _values(session, "", ("subschemaSubentry",))
    return [
        *_wrong_kind(session, login_end),
        *_missing_entries(session, (bases.base, bases.people, bases.contacts, bases.groups, *groups)),
        *_missing_schema(session, root.get("subschemasubentry", ()), login_end),
        *session.capabilities.faults,
        *(plugin_faults(session, bases.people) if session.capabilities.vendor is Vendor.DS389 else ()),
    ]


def _wrong_kind(session: Session, login_end: str) -> list[str]:
    """Log-in would be ended by an attribute that this server knows and does not heed."""
    vendor = session.capabilities.vendor
    heeds = {Vendor.OPENLDAP: ("openldap", "pwdEndTime"), Vendor.DS389: ("389ds", "nsAccountLock")}
    kind, attribute = heeds.get(vendor, ("", login_end))
    if attribute.lower() == login_end.lower():
        return []
    return [f'directory.kind: the server is {vendor}, which does not end log-in by {login_end}: say "{kind}"']


def _missing_entries(session: Session, dns: Sequence[str]) -> list[str]:
    return [
        f"directory: {dn} is not there, or not to be seen by us: run provisiond directory init"
        for dn in dict.fromkeys(dns)
        if not session.exists(dn)
    ]


def _missing_schema(session: Session, subentries: Sequence[str], login_end: str) -> list[str]:
    if not subentries:
        return ["directory: the server does not say where its schema is (subschemaSubentry)"]
    schema = _values(session, subentries[0], ("objectClasses", "attributeTypes"))
    classes, attributes = (schema_names(schema.get(kind, ())) for kind in ("objectclasses", "attributetypes"))
    return [
        f"directory: the schema has no {kind} {name}: run provisiond directory init"
        for kind, wanted, there in (
            ("class", _CLASSES, classes),
            ("attribute", (PERSON_ID, "memberOf", login_end), attributes),
        )
        for name in wanted
        if name.lower() not in there
    ]


def schema_names(definitions: Sequence[str]) -> set[str]:
    """Lower-case names of schema definitions (RFC 4512 §4.1)."""
    matches = (_NAMES.search(definition) for definition in definitions)
    texts = (match[1] or match[2] for match in matches if match)
    return {name.strip("'").lower() for text in texts for name in text.split()}


def _values(session: Session, dn: str, attributes: Sequence[str]) -> dict[str, tuple[str, ...]]:
    wanted = "(objectClass=*)"
    entries = session.search(dn, wanted, attributes, subtree=False)
    return dict(decoded(entries[0].attributes)) if entries else {}

"""The directory of a university before provisiond came: persons' entries that another tool made, with names and
numbers of its own scheme, in two places, with passwords."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from provisiond.demo.sample import MAPPING
from provisiond.demo.university import BASE

STAFF = f"ou=staff,{BASE}"
PEOPLE = f"ou=people,{BASE}"


@dataclass(frozen=True, slots=True)
class Legacy:
    """One of them. `password` binds."""

    dn: str
    uid: str
    student_id: str
    password: str
    ldif: str


def legacies(rows: Iterable[Mapping[str, str]]) -> list[Legacy]:
    """An entry for each student, every second one among the staff."""
    students = {row[MAPPING["student_id"]]: row for row in rows}
    return [legacy(number, row) for number, row in enumerate(students.values())]


def legacy(number: int, row: Mapping[str, str], **other: str) -> Legacy:
    """`other`: attributes that it has otherwise."""
    surname = row[MAPPING["surname"]] or row[MAPPING["given_names"]]
    uid = other.get("uid") or f"{(re.sub('[^a-z]', '', surname.lower()) or 'x')[:4]}{1000 + number}"
    dn = f"uid={uid},{(PEOPLE, STAFF)[number % 2]}"
    attributes = {
        "uid": uid,
        "cn": f"{row[MAPPING['given_names']]} {surname}".strip(),
        "sn": surname.title(),
        "mail": f"{uid}@mail.example.edu",
        "employeeNumber": row[MAPPING["student_id"]],
        "telephoneNumber": f"+852 2609 {number % 10000:04}",
        "description": "made by another tool",
        "uidNumber": str(20000 + number),
        "gidNumber": "500",
        "homeDirectory": f"/home/students/{uid}",
        "userPassword": ssha(f"secret-{number}", number),
    } | other
    lines = [f"dn: {dn}", *(f"objectClass: {name}" for name in ("inetOrgPerson", "posixAccount"))]
    ldif = "\n".join([*lines, *(_line(name, value) for name, value in attributes.items())])
    return Legacy(dn, uid, attributes["employeeNumber"], f"secret-{number}", ldif + "\n\n")


def ssha(password: str, number: int) -> str:
    salt = number.to_bytes(8, "big")
    digest = hashlib.sha1(password.encode() + salt, usedforsecurity=False).digest()
    return "{SSHA}" + base64.b64encode(digest + salt).decode()


def staff() -> str:
    """The second place itself."""
    return f"dn: {STAFF}\nobjectClass: organizationalUnit\nou: staff\n\n"


def staff_access(rules: str, daemon: str) -> str:
    """What lets the daemon write there (docs/operations.md), before the last of those `rules` (ldapsearch)."""
    last = max(int(n) for n in re.findall(r"^olcAccess: \{(\d+)\}", rules, re.MULTILINE))
    return (
        "dn: olcDatabase={1}mdb,cn=config\nchangetype: modify\nadd: olcAccess\n"
        f'olcAccess: {{{last}}}to dn.subtree="{STAFF}" by dn.exact="{daemon}" write'
        f' by self read by dn.onelevel="ou=services,{BASE}" read by * none\n'
    )


def _line(name: str, value: str) -> str:
    if value.isascii():
        return f"{name}: {value}"
    return f"{name}:: {base64.b64encode(value.encode()).decode()}"


def written(made: Iterable[Legacy]) -> Iterator[str]:
    return (each.ldif for each in made)

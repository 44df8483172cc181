"""What an empty OpenLDAP needs to become the university directory: the files of config/openldap/ with the
names of this university put in, as steps in order. Pure but for reading those files; setup.py carries out."""

from __future__ import annotations

import base64
import re
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from ldap3.utils.dn import parse_dn

from provisiond.domain.changes import Mod, Op
from provisiond.domain.errors import ConfigError
from provisiond.shipped_files import shipped

REQUIRED_SCHEMA = ("core", "cosine", "nis", "inetorgperson")  # Debian's slapd has loaded them
NEW_DATABASE = "olcDatabase=mdb,cn=config"
# a hash that no password has: of a service account whose password nobody has set yet
NO_PASSWORD = "{CRYPT}*"  # noqa: S105
_FILES = (
    "modules",
    "schema/eduperson",
    "schema/schac",
    "schema/provisiond",
    "database",
    "indexes",
    "overlays",
    "access",
    "tree",
)


@dataclass(frozen=True, slots=True)
class DirectoryLayout:
    """`database_directory` is on the server: empty, slapd's own, of no other database. `admin_dn` sets it
    up. Service accounts without a password cannot bind until `ldappasswd` gives them one."""

    base: str
    organisation: str
    daemon_dn: str
    daemon_password: str | None = field(repr=False)
    portal_dn: str
    listing_reader_dn: str
    groups: tuple[str, ...]
    database_directory: str
    portal_password: str | None = field(default=None, repr=False)
    listing_reader_password: str | None = field(default=None, repr=False)
    admin_dn: str = "cn=admin,cn=config"
    module_path: str = "/usr/lib/ldap"
    database_dn: str = "olcDatabase={1}mdb,cn=config"


@dataclass(frozen=True, slots=True)
class SetupStep:
    """One entry to add (`attributes`) or to modify (`mods`), with the sentence that says what for."""

    sentence: str
    dn: str
    attributes: Mapping[str, tuple[str, ...]] = field(default_factory=dict, repr=False)
    mods: tuple[Mod, ...] = ()


def setup_steps(layout: DirectoryLayout) -> list[SetupStep]:
    """All that an empty server needs, in order."""
    check_layout(layout)
    words = words_of(layout)
    steps = [step for name in _FILES for step in filled(f"openldap/{name}", words)]
    groups = (filled("openldap/group", words | {"group": group}) for group in layout.groups)
    return steps + [step for group in groups for step in group]


def setup_ldif(layout: DirectoryLayout) -> str:
    """The steps as LDIF for `ldapmodify` on an empty server; service accounts get no password by it."""
    bare = without_passwords(layout)
    head = (
        "# For an OpenLDAP without a database yet; with others there, put the number that this one gets in place\n"
        f"# of {{1}}. Apply it as {layout.admin_dn}:\n#   ldapmodify {_identity(layout.admin_dn)} -f FILE\n"
        f"# It must have loaded the schema {', '.join(REQUIRED_SCHEMA)}. Leave out modules that it has.\n"
        f"# {layout.database_directory} must be there, empty, belong to slapd's user and to no other database.\n"
        "# The service accounts cannot bind until each has a password: ldappasswd -S DN\n\n"
    )
    return head + "\n".join(record(step) for step in setup_steps(bare))


def without_passwords(layout: DirectoryLayout) -> DirectoryLayout:
    return replace(layout, daemon_password=None, portal_password=None, listing_reader_password=None)


def _identity(admin_dn: str) -> str:
    """The options of `ldapmodify` for it; root over the local socket needs no password."""
    return (
        "-Q -Y EXTERNAL -H ldapi:///"
        if admin_dn.endswith("cn=external,cn=auth")
        else f"-x -W -D '{admin_dn}'"
    )


def check_layout(layout: DirectoryLayout) -> None:
    faults = [
        f"directory: {name} may hold no quote, backslash, $ or control character (access rules hold it)"
        for name in ("base", "daemon_dn", "portal_dn", "listing_reader_dn", "admin_dn")
        if re.search(r'["\\$\x00-\x1f]', getattr(layout, name))
    ]
    if not re.match(r"dc=[A-Za-z0-9-]+(,|$)", layout.base):
        faults.append(
            f"directory.base: {layout.base} does not begin with dc=: make its top entry yourself first"
        )
    for dn in (layout.daemon_dn, layout.portal_dn, layout.listing_reader_dn):
        if not re.fullmatch(rf"uid=[^,+]+,ou=services,{re.escape(layout.base)}", dn, re.IGNORECASE):
            faults.append(f"directory: {dn} is not uid=…,ou=services,{layout.base}")
    faults += [f"groups: {group} is no name for a group" for group in layout.groups if not _plain(group)]
    if faults:
        raise ConfigError(faults)


def _plain(group: str) -> bool:
    return re.fullmatch(r"[\w.@-][\w .@-]*", group) is not None and group == group.strip()


def words_of(layout: DirectoryLayout) -> dict[str, str]:
    def uid(dn: str) -> str:
        return str(parse_dn(dn)[0][1])

    return {
        "base": layout.base,
        "dc": str(parse_dn(layout.base)[0][1]),
        "organisation": layout.organisation,
        "admin": layout.admin_dn,
        "module_path": layout.module_path,
        "database": layout.database_dn,
        "database_directory": layout.database_directory,
        "daemon": layout.daemon_dn,
        "daemon_uid": uid(layout.daemon_dn),
        "daemon_password": layout.daemon_password or NO_PASSWORD,
        "portal": layout.portal_dn,
        "portal_uid": uid(layout.portal_dn),
        "portal_password": layout.portal_password or NO_PASSWORD,
        "listing_reader": layout.listing_reader_dn,
        "listing_reader_uid": uid(layout.listing_reader_dn),
        "listing_reader_password": layout.listing_reader_password or NO_PASSWORD,
        # thrown away
        "nobody_password": secrets.token_urlsafe(24) if layout.portal_password else NO_PASSWORD,
    }


def filled(name: str, words: Mapping[str, str]) -> Iterator[SetupStep]:
    """The steps of one file. Words are put into values after reading, so no value can change the records."""
    text = shipped(f"{name}.ldif").read_text(encoding="utf-8")
    for block in re.split(r"\n{2,}", text):
        lines = block.strip("\n").splitlines()
        if any(line.startswith("dn: ") for line in lines):
            yield _step(lines, words)


def _step(lines: list[str], words: Mapping[str, str]) -> SetupStep:
    def fill(text: str) -> str:
        return re.sub(r"\$\{(\w+)\}", lambda found: words[found[1]], text)

    sentence = fill(lines[0].removeprefix("# "))
    pairs = [line.partition(": ")[::2] for line in _unfolded(lines)]
    dn, body = fill(pairs[0][1]), pairs[1:]
    if body[0] == ("changetype", "modify"):
        (op, attribute), values = body[1], tuple(fill(value) for _, value in body[2:])
        return SetupStep(sentence, dn, mods=(Mod(Op(op), attribute, values),))
    attributes: dict[str, tuple[str, ...]] = {}
    for name, value in body:
        attributes[name] = (*attributes.get(name, ()), fill(value))
    return SetupStep(sentence, dn, attributes)


def _unfolded(lines: list[str]) -> list[str]:
    """RFC 2849: a line that begins with a blank continues the one before; comments fall away."""
    whole: list[str] = []
    for line in lines:
        if line.startswith(" "):
            whole[-1] += line[1:]
        elif not line.startswith("#"):
            whole.append(line)
    return whole


def record(step: SetupStep) -> str:
    lines = [f"# {step.sentence}", _line("dn", step.dn)]
    if step.mods:
        lines.append("changetype: modify")
    else:
        lines.append("changetype: add")
    for mod in step.mods:
        lines += [f"{mod.op.value}: {mod.attribute}", *(_line(mod.attribute, value) for value in mod.values)]
    for name, values in step.attributes.items():
        lines += [_line(name, value) for value in values]
    return "\n".join(lines) + "\n"


def _line(name: str, value: str) -> str:
    if not value.isascii() or not value.isprintable() or value[:1] in (" ", ":", "<") or value.endswith(" "):
        return f"{name}:: {base64.b64encode(value.encode()).decode('ascii')}"
    return f"{name}: " + re.sub(r" (by |NAME |DESC |MAY )", r"\n  \1", value)

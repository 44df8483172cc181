"""`directory init` for a 389 Directory Server: the files of config/389ds/ and our schema, each step done only where
it lacks. Plugins take effect without a restart; what entries were there before is indexed anew."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from provisiond.adapters.directory.capabilities import Vendor
from provisiond.adapters.directory.dn import normalise_dn
from provisiond.adapters.directory.ds389 import PLUGINS
from provisiond.adapters.directory.faults import schema_names
from provisiond.adapters.directory.session import LdapTarget, Session, open_session
from provisiond.adapters.directory.setup import carry_out
from provisiond.adapters.directory.setup_steps import (
    DirectoryLayout,
    SetupStep,
    check_layout,
    filled,
    record,
    without_passwords,
    words_of,
)
from provisiond.domain.changes import Mod, Op
from provisiond.domain.errors import ConfigError, UnavailableError

NEW_BACKEND = "provisiond"
SCHEMA = "cn=schema"
_SCHEMA_FILES = ("eduperson", "schac", "provisiond")
_SCHEMA_KINDS = {"olcAttributeTypes": "attributeTypes", "olcObjectClasses": "objectClasses"}
_FILES = ("plugins", "tree", "access", "indexes")
_INDEX = ",cn=index,"
_KEPT = ("memberOfAutoAddOC",)  # one value, whichever: another one serves as well
_DYNAMIC = "nsslapd-dynamic-plugins"
_TASK_WITHIN = 600  # seconds


def ds389_steps(layout: DirectoryLayout, backend: str | None = None) -> list[SetupStep]:
    """All that a server needs, in order; `backend`: the database that holds the base already."""
    check_layout(layout)
    words = words_of(layout) | {
        "backend": backend or NEW_BACKEND,
        "base_as_value": layout.base.replace(",", r"\2C").replace("=", r"\3D"),
    }
    steps = [step for name in _SCHEMA_FILES for step in _schema_steps(name)]
    steps += [] if backend else filled("389ds/database", words)
    steps += [step for name in _FILES for step in filled(f"389ds/{name}", words)]
    groups = (filled("389ds/group", words | {"group": group}) for group in layout.groups)
    return steps + [step for group in groups for step in group]


def ds389_ldif(layout: DirectoryLayout) -> str:
    """The steps as LDIF for `ldapmodify` on a server without the base; service accounts get no password by it."""
    head = (
        "# For a 389 Directory Server that does not hold the base yet. As cn=Directory Manager:\n"
        f"# ldapmodify -c -f FILE (before it, set {_DYNAMIC} in cn=config to on; or restart\n"
        "# the server after it). What is there already is refused and stays as it is.\n"
        "# The service accounts cannot bind until each has a password.\n\n"
    )
    return head + "\n".join(record(step) for step in ds389_steps(without_passwords(layout)))


def run_ds389_setup(admin: LdapTarget, layout: DirectoryLayout, say: Callable[[str], None]) -> None:
    """`admin` must be allowed to change cn=config. Safe to repeat; one sentence a step to `say`."""
    session = open_session(admin)
    try:
        if session.capabilities.vendor is not Vendor.DS389:
            raise ConfigError([f"directory.kind: {session.url} is no {Vendor.DS389}"])
        with _dynamic_plugins(session):
            _carry_out_all(session, layout, say)
    finally:
        session.close()


def _carry_out_all(session: Session, layout: DirectoryLayout, say: Callable[[str], None]) -> None:
    backend = _backend(session, layout.base)
    done = []
    for step in ds389_steps(layout, backend):
        lacking = _lacking(session, step)
        if lacking is not None:
            carry_out(session, lacking)
            done.append(lacking)
        say(f"{'already there' if lacking is None else 'done'}: {step.sentence}")
    for task in _tasks(done, layout.base, backend or NEW_BACKEND):
        _run_task(session, task)
        say(f"done: {task.sentence}")


@contextmanager
def _dynamic_plugins(session: Session) -> Iterator[None]:
    """While we work, a plugin that is switched on begins at once; afterwards the setting is as it was."""
    (before,) = _values(session, "cn=config", _DYNAMIC) or ["off"]
    _set_dynamic(session, "on")
    try:
        yield
    finally:
        _set_dynamic(session, before)


def _set_dynamic(session: Session, value: str) -> None:
    mods = (Mod(Op.REPLACE, _DYNAMIC, (value,)),)
    carry_out(session, SetupStep("let plugins begin without a restart", "cn=config", mods=mods))


def _backend(session: Session, base: str) -> str | None:
    """The name of the database that holds the base."""
    wanted = ["cn", "nsslapd-backend"]
    for entry in session.search("cn=mapping tree,cn=config", "(nsslapd-backend=*)", wanted):
        suffixes = [value.decode().strip('"') for value in entry.attributes.get("cn", ())]
        if normalise_dn(base) in map(normalise_dn, suffixes):
            return entry.attributes["nsslapd-backend"][0].decode()
    return None


def _lacking(session: Session, step: SetupStep) -> SetupStep | None:
    """What of the step is still to be done; None when nothing."""
    if step.mods:
        (mod,) = step.mods
        values = _lacking_values(mod, _values(session, step.dn, mod.attribute))
        return replace(step, mods=(replace(mod, values=values),)) if values else None
    if not session.exists(step.dn):
        return step
    if _INDEX not in step.dn:
        return None
    types = Mod(Op.ADD, "nsIndexType", step.attributes["nsIndexType"])
    return _lacking(session, replace(step, attributes={}, mods=(types,)))


def _lacking_values(mod: Mod, present: list[str]) -> tuple[str, ...]:
    if mod.attribute in _KEPT and present:
        return ()
    if mod.attribute in _SCHEMA_KINDS.values():
        named = schema_names(present)
        return tuple(value for value in mod.values if not schema_names([value]) & named)
    known = {_plain(value) for value in present}
    return tuple(value for value in mod.values if _plain(value) not in known)


def _plain(value: str) -> str:
    return " ".join(value.split()).casefold()


def _values(session: Session, dn: str, attribute: str) -> list[str]:
    entries = session.search(dn, "(objectClass=*)", [attribute], subtree=False)
    return [value.decode() for entry in entries for values in entry.attributes.values() for value in values]


def _schema_steps(name: str) -> Iterator[SetupStep]:
    """What OpenLDAP loads as an entry of its own, as values of cn=schema."""
    for step in filled(f"openldap/schema/{name}", {}):
        for theirs, ours in _SCHEMA_KINDS.items():
            values = tuple(" ".join(value.split()) for value in step.attributes.get(theirs, ()))
            sentence = f"{step.sentence} ({ours})"
            yield SetupStep(sentence, SCHEMA, mods=(Mod(Op.ADD, ours, values),))


def _tasks(done: list[SetupStep], base: str, backend: str) -> Iterator[SetupStep]:
    """What must be made up for entries that were there before an index or a plugin was."""
    number = str(time.time_ns())
    indexed = [step.dn.partition(",")[0].removeprefix("cn=") for step in done if _INDEX in step.dn]
    task = {"objectClass": ("extensibleObject",), "cn": (number,), "ttl": ("3600",)}
    if indexed:
        what = {"nsInstance": (backend,), "nsIndexAttribute": tuple(indexed)}
        yield SetupStep(
            "index what was there before", f"cn={number},cn=index,cn=tasks,cn=config", task | what
        )
    if any(step.dn == f"cn=MemberOf Plugin,{PLUGINS}" for step in done):
        what = {"basedn": (base,), "filter": ("(objectClass=*)",)}
        where = f"cn={number},cn=memberof task,cn=tasks,cn=config"
        yield SetupStep("make memberOf of the members that groups have", where, task | what)


def _run_task(session: Session, task: SetupStep) -> None:
    carry_out(session, task)
    give_up = time.monotonic() + _TASK_WITHIN
    while not (code := _values(session, task.dn, "nsTaskExitCode")):
        if time.monotonic() > give_up:
            raise UnavailableError("directory", f"{task.sentence}: the server is not done: watch {task.dn}")
        time.sleep(0.1)
    if code != ["0"]:
        raise ConfigError([f"directory init: {task.sentence}: the server's task ended with {code[0]}"])

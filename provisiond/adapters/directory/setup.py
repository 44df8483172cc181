"""`directory init`: looks at what an OpenLDAP (cn=config) has, does only what lacks of setup_steps.py, and
says so. What is there stays as it is; access rules go before older ones, so that those have no effect."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from provisiond.adapters.directory.faults import schema_names
from provisiond.adapters.directory.session import (
    LdapTarget,
    RawEntry,
    Session,
    normalise_dn,
    open_session,
)
from provisiond.adapters.directory.setup_steps import (
    NEW_DATABASE,
    REQUIRED_SCHEMA,
    DirectoryLayout,
    SetupStep,
    setup_ldif,
    setup_steps,
)
from provisiond.domain.changes import Mod, Op
from provisiond.domain.errors import ConfigError

__all__ = ["DirectoryLayout", "SetupStep", "run_setup", "setup_ldif", "setup_steps"]


def run_setup(admin: LdapTarget, layout: DirectoryLayout, say: Callable[[str], None]) -> None:
    """`admin` must be allowed to change cn=config. Safe to repeat; one sentence a step to `say`."""
    session = open_session(admin)
    try:
        on_this_machine = all(url.startswith("ldapi:") for url in admin.urls)
        _Setup(session, replace(layout, admin_dn=admin.bind_dn), say, on_this_machine).run()
    finally:
        session.close()


class _Setup:
    """One run: the session, and the layout, which learns the database's real DN on the way."""

    def __init__(
        self, session: Session, layout: DirectoryLayout, say: Callable[[str], None], on_this_machine: bool
    ) -> None:
        self._session = session
        self._layout = layout
        self._say = say
        self._on_this_machine = on_this_machine

    def run(self) -> None:
        self._require_schema()
        self._require_own_folder()
        count = len(setup_steps(self._layout))
        for number in range(count):
            self._layout = replace(self._layout, database_dn=self._database() or self._layout.database_dn)
            # made anew each time: the database's DN is known only once it exists
            step = setup_steps(self._layout)[number]
            lacking = self._lacking(step)
            if lacking is None:
                self._say(f"already there: {step.sentence}")
                continue
            self._carry_out(lacking)
            self._say(f"done: {step.sentence}")

    def _require_schema(self) -> None:
        missing = [name for name in REQUIRED_SCHEMA if name not in self._schema()]
        if missing:
            files = ", ".join(f"/etc/ldap/schema/{name}.ldif" for name in missing)
            raise ConfigError(
                [f"directory: the server has not loaded {', '.join(missing)}: ldapadd {files} first"]
            )

    def _require_own_folder(self) -> None:
        """slapd does not notice when two databases write the same files, and both are spoilt."""
        folder = os.path.normpath(self._layout.database_directory)
        for entry in self._session.search("cn=config", "(olcDbDirectory=*)", ["olcDbDirectory", "olcSuffix"]):
            suffixes = _texts(entry, "olcSuffix")
            ours = normalise_dn(self._layout.base) in map(normalise_dn, suffixes)
            if not ours and folder in map(os.path.normpath, _texts(entry, "olcDbDirectory")):
                raise ConfigError(
                    [
                        f"directory.admin.database_directory: {folder} holds the database of"
                        f" {', '.join(suffixes)}; {self._layout.base} needs a folder of its own"
                    ]
                )

    def _lacking(self, step: SetupStep) -> SetupStep | None:
        """What of the step is still to be done; None when nothing."""
        if step.dn.startswith("cn=module"):
            return self._lacking_modules(step)
        if step.dn.endswith(",cn=schema,cn=config"):
            return self._lacking_schema(step)
        if step.dn == NEW_DATABASE:
            return None if self._database() else step
        if step.dn.startswith("olcOverlay="):
            return None if self._overlay(step.attributes["olcOverlay"][0]) else step
        if step.mods:
            return self._lacking_mods(step)
        return None if self._session.exists(step.dn) else step

    def _lacking_schema(self, step: SetupStep) -> SetupStep | None:
        """Of a schema that is loaded: the attributes and classes that came later, known by their names."""
        loaded = self._schema().get(step.attributes["cn"][0])
        if loaded is None:
            return step
        mods = []
        for kind in ("olcAttributeTypes", "olcObjectClasses"):
            known = schema_names(_texts(loaded, kind))
            new = tuple(v for v in step.attributes.get(kind, ()) if not schema_names([v]) & known)
            mods += [Mod(Op.ADD, kind, new)] if new else []
        return SetupStep(step.sentence, loaded.dn, mods=tuple(mods)) if mods else None

    def _lacking_modules(self, step: SetupStep) -> SetupStep | None:
        loaded = {
            _module(value)
            for entry in self._session.search("cn=config", "(objectClass=olcModuleList)", ["olcModuleLoad"])
            for value in _texts(entry, "olcModuleLoad")
        }
        wanted = tuple(m for m in step.attributes["olcModuleLoad"] if _module(m) not in loaded)
        if not wanted:
            return None
        return replace(step, attributes={**step.attributes, "olcModuleLoad": wanted})

    def _lacking_mods(self, step: SetupStep) -> SetupStep | None:
        (mod,) = step.mods
        entry = self._session.read(step.dn)
        there = [_unnumbered(value) for value in _texts(entry, mod.attribute)] if entry else []
        if mod.attribute == "olcDbIndex":
            indexed = {name for value in there for name in value.split()[0].lower().split(",")}
            wanted = tuple(v for v in mod.values if v.split()[0].lower() not in indexed)
        elif mod.attribute == "olcAccess":
            mod = rules_first(mod, there)
            wanted = mod.values
        else:
            present = {_spaced(value) for value in there}
            wanted = tuple(value for value in mod.values if _spaced(value) not in present)
        return replace(step, mods=(replace(mod, values=wanted),)) if wanted else None

    def _carry_out(self, step: SetupStep) -> None:
        hint = ""
        if step.dn == NEW_DATABASE:
            hint = f"; {self._layout.database_directory} must be an empty folder of slapd's own user"
            if self._on_this_machine:
                _make_folder(Path(self._layout.database_directory))
        carry_out(self._session, step, hint)

    def _schema(self) -> dict[str, RawEntry]:
        wanted = ["cn", "olcAttributeTypes", "olcObjectClasses"]
        found = self._session.search("cn=schema,cn=config", "(objectClass=olcSchemaConfig)", wanted)
        return {_unnumbered(value).lower(): entry for entry in found for value in _texts(entry, "cn")}

    def _database(self) -> str | None:
        """The DN in cn=config of the database that holds the base."""
        for entry in self._session.search("cn=config", "(olcSuffix=*)", ["olcSuffix"]):
            if normalise_dn(self._layout.base) in map(normalise_dn, _texts(entry, "olcSuffix")):
                return entry.dn
        return None

    def _overlay(self, name: str) -> bool:
        found = self._session.search(
            self._layout.database_dn, "(objectClass=olcOverlayConfig)", ["olcOverlay"]
        )
        return name in {_unnumbered(value) for entry in found for value in _texts(entry, "olcOverlay")}


def carry_out(session: Session, step: SetupStep, hint: str = "") -> None:
    """Raises what the server says against it."""
    # without permissive modify, a control that cn=config refuses
    reply = (
        session.modify(step.dn, step.mods, None, permissive=False)
        if step.mods
        else session.add(step.dn, step.attributes)
    )
    if reply.code:
        refused = f"the server refused {step.dn}: {reply.text} (code {reply.code}){hint}"
        after = "nothing after this step was done, run it again once that is mended"
        raise ConfigError([f"directory init: {step.sentence}: {refused}; {after}"])


def _make_folder(folder: Path) -> None:
    """With its parent's owner, who is slapd's. Where we may not, the server's own refusal tells."""
    with suppress(PermissionError):
        if folder.parent.is_dir() and not folder.exists():
            folder.mkdir(mode=0o700)
            parent = folder.parent.stat()
            os.chown(folder, parent.st_uid, parent.st_gid)


def _texts(entry: RawEntry, attribute: str) -> list[str]:
    return [value.decode() for value in entry.attributes.get(attribute, ())]


def _unnumbered(value: str) -> str:
    """Without the position that cn=config puts before ordered values: `{3}to *` → `to *`."""
    return re.sub(r"^\{-?\d+\}", "", value)


def _module(value: str) -> str:
    return re.sub(r"\.(la|so)$", "", _unnumbered(value).split()[0].rpartition("/")[2])


def rules_first(mod: Mod, there: list[str]) -> Mod:
    """Our access rules in their order; those of others behind them, but for what an operator put right before our
    last one, which ends everything; no values where it is so. All are written at once: one of ours that is there
    already, in another place, could not be added."""
    ours, known = [_spaced(value) for value in mod.values], [_spaced(value) for value in there]
    end = known.index(ours[-1]) if ours[-1] in known else 0
    start = next((n for n in range(end, 0, -1) if known[n - 1] in ours), end)
    others = [value for value in (*there[:start], *there[end:]) if _spaced(value) not in ours]
    wanted = [*mod.values[:-1], *there[start:end], mod.values[-1], *others]
    if [_spaced(value) for value in wanted] == known:
        return replace(mod, values=())
    return Mod(Op.REPLACE, mod.attribute, tuple(f"{{{n}}}{value}" for n, value in enumerate(wanted)))


def _spaced(value: str) -> str:
    return " ".join(value.split())

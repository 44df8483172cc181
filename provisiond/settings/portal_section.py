"""The section [portal]: where the portal listens, what it calls itself, what the university decides about it. Its
secrets are only named here: the daemon and `check` may not be able to read them."""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import fields
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from provisiond.domain.model import Language
from provisiond.domain.policy import PortalPolicy
from provisiond.listening import Place
from provisiond.portal.rules import ACCENT, CodeWanted, House, Rules
from provisiond.settings import sections as s
from provisiond.settings.notation import unknown
from provisiond.settings.parsing import Faults
from provisiond.settings.secret_files import secret_file
from provisiond.settings.values import (
    LedgerSettings,
    PortalPart,
    PortalSecrets,
    PortalWeb,
    UniversitySettings,
)
from provisiond.settings.word_lists import words
from provisiond.shipped_files import shipped

SOCKET = "/run/provisiond-portal/http.sock"
MONITOR = "/run/provisiond-portal/monitor.sock"
STATE = "portal-state.sqlite"
_MOST_PROCESSES = 4  # unless more are asked for: each takes 100 MB
SAMPLE_TERMS, OFFICES = "sample", "offices.txt"
_SQLITE = "sqlite:///"
_SECRETS = {
    "password_file": "of uid=portal,ou=services, which sets passwords",
    "reader_password_file": "of uid=directory-reader,ou=services, which reads listings",
    "factor_key_file": "which encrypts second factors; make it by `openssl rand -hex 32`",
}


def is_there(section: s.Portal | None) -> bool:
    """A section that names no secret is none: nothing could be started with it."""
    return section is not None and any(getattr(section, name) for name in _SECRETS)


def portal(
    section: s.Portal, us: UniversitySettings, zone: ZoneInfo, memory: LedgerSettings, faults: Faults
) -> PortalPart | None:
    """None where there is none, or where it is unsound."""
    if not is_there(section):
        return None
    folder = faults.path.parent
    secrets = _secrets(section, folder, faults)
    hosts = _hosts(section, us, faults)
    rules = _rules(section, folder, faults)
    if secrets is None or rules is None:
        return None
    listen = Place.of(section.listen or SOCKET)
    web = PortalWeb(
        listen=listen,
        monitor=_monitor(section, listen),
        behind_proxy=section.behind_proxy if section.behind_proxy is not None else listen.path is not None,
        hosts=hosts,
        state=_state(section, memory, folder),
        secrets=secrets,
        processes=section.processes or _as_many_as_processors(),
        **{"threads": section.threads} if section.threads else {},
    )
    return PortalPart(web, _house(us, zone, section.accent or ACCENT), rules)


def _as_many_as_processors() -> int:
    """That we may use."""
    return min(len(os.sched_getaffinity(0)), _MOST_PROCESSES)


def portal_monitor(section: s.Portal | None) -> Place | None:
    """Where it answers those who watch, also where other parts of the section are unsound."""
    if section is None or not is_there(section):
        return None
    return _monitor(section, Place.of(section.listen or SOCKET))


def portal_policy(
    section: s.Portal, groups: Collection[str], folder: Path, faults: Faults, kind: str | None = None
) -> PortalPolicy:
    """What the core must know of it; also where there is no portal. `kind`: of the directory server."""
    known = {field.name for field in fields(PortalPolicy)}
    given = {key: value for key, value in section.given().items() if key in known}
    for group in sorted(section.enforce_second_factor or ()):
        if group not in groups:
            faults.add("portal.enforce_second_factor", unknown(group, groups))
    for group in sorted(section.services or ()):
        if group not in groups:
            faults.add(f"portal.services.{group}", unknown(group, groups))
    if section.enforce_second_factor and kind == "389ds":
        faults.add(
            "portal.enforce_second_factor",
            "a 389 Directory Server asks for no one-time code at bind; leave it out",
        )
    path = folder / section.offices_file if section.offices_file else shipped(OFFICES)
    return PortalPolicy(**given, offices=_offices(path, faults))


def _offices(path: Path, faults: Faults) -> frozenset[str]:
    try:
        return words(path)
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        faults.add("portal.offices_file", f"{path} cannot be read: {why}")
        return frozenset()


def _secrets(section: s.Portal, folder: Path, faults: Faults) -> PortalSecrets | None:
    given = {name: getattr(section, name) for name in _SECRETS}
    for name, what in _SECRETS.items():
        if given[name] is None:
            faults.add(f"portal.{name}", f"missing: the secret {what}")
    if None in given.values():
        return None
    named = {
        name: secret_file(faults.key(f"portal.{name}"), text, folder) for name, text in given.items() if text
    }
    return PortalSecrets(**named)


def _hosts(section: s.Portal, us: UniversitySettings, faults: Faults) -> frozenset[str]:
    if section.hosts:
        return frozenset(section.hosts)
    host = urlsplit(us.portal_url or "").hostname
    if host is None:
        faults.add("portal.hosts", "missing: name the host of the portal, or university.portal_url")
    return frozenset({host or ""})


def _monitor(section: s.Portal, listen: Place) -> Place | None:
    if section.monitor:
        return Place.of(section.monitor)
    return Place.of(MONITOR) if listen == Place.of(SOCKET) else None


def _state(section: s.Portal, memory: LedgerSettings, folder: Path) -> Path | None:
    if section.state:
        return folder / section.state
    is_file = memory.url.startswith(_SQLITE)
    return Path(memory.url.removeprefix(_SQLITE)).with_name(STATE) if is_file else None


def _house(us: UniversitySettings, zone: ZoneInfo, accent: str) -> House:
    known = {field.name for field in fields(UniversitySettings)} & {field.name for field in fields(House)}
    return House(**{name: getattr(us, name) for name in known}, zone=zone, accent=accent)


def _rules(section: s.Portal, folder: Path, faults: Faults) -> Rules | None:
    terms = _terms(section, folder, faults)
    known = {field.name for field in fields(Rules)}
    given = {key: value for key, value in section.given().items() if key in known}
    if "activation_code" in given:
        given["activation_code"] = CodeWanted(given["activation_code"])
    if "blocklist_file" in given:
        given["blocklist_file"] = _readable("blocklist_file", folder / given["blocklist_file"], faults)
    if "services" in given:
        given["services"] = {group: _in_words(said) for group, said in given["services"].items()}
    if section.terms and not section.terms_version:
        faults.add("portal.terms_version", "missing: a new version of your terms is accepted anew")
    rules = Rules(**{"terms_version": SAMPLE_TERMS} | given | {"terms": terms})
    if rules.session_lasts < rules.idle_after:
        faults.add("portal.session_lasts", "must not be shorter than portal.idle_after")
    return rules


def _in_words(said: s.InWords) -> dict[Language, str]:
    words = {Language.ENGLISH: said.en, Language.CHINESE: said.zh_hant}
    return {language: text for language, text in words.items() if text}


def _terms(section: s.Portal, folder: Path, faults: Faults) -> dict[Language, str]:
    where = folder / section.terms if section.terms else shipped("terms")
    texts = {}
    for language in Language:
        file = where / f"terms.{language}.md"
        try:
            texts[language] = file.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
            faults.add("portal.terms", f"{file} cannot be read: {why}")
    return texts


def _readable(key: str, path: Path, faults: Faults) -> Path:
    try:
        path.open("rb").close()
    except OSError as error:
        faults.add(f"portal.{key}", f"{path} cannot be read: {error.strerror}")
    return path

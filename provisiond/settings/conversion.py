"""From a `Document` to `Settings`: defaults, paths, secrets, and whether the keys fit together.

Only keys that the file gives are passed on, so every default stays where the value is defined."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from zoneinfo import ZoneInfo

from provisiond.domain.errors import ConfigError
from provisiond.domain.matching import AdoptRule
from provisiond.domain.policy import Policy
from provisiond.listening import Place
from provisiond.settings import sections as s
from provisiond.settings.directory_section import directory_place, directory_policy, directory_settings
from provisiond.settings.inbox_section import inbox
from provisiond.settings.mail_section import mail
from provisiond.settings.parsing import Faults
from provisiond.settings.policy_sections import brakes, entitlements, lifecycle, names
from provisiond.settings.portal_section import is_there, portal, portal_monitor, portal_policy
from provisiond.settings.registry_section import registries, source_policy
from provisiond.settings.secret_files import SecretFile, secret_file
from provisiond.settings.values import (
    DaemonSettings,
    LedgerSettings,
    LetterSettings,
    MonitoringSettings,
    Outline,
    PortalPart,
    PortalSettings,
    Settings,
    UniversitySettings,
)

MINIMUM_KEY_BYTES = 32  # HMAC-SHA256: a shorter key is weaker than its digest


def settings(document: s.Document, faults: Faults) -> Settings:
    """Everything converted, every fault found, then either of the two. Raises ConfigError."""
    folder = faults.path.parent
    university = _university(document.university)
    sources = registries(document.registry or (), folder, faults)
    if document.registry == ():
        faults.add("registry", "needs at least one source")
    key_file, key = _digest_key(document.digest_key_file, folder, faults)
    policy = _policy(document, university, faults)
    directory = directory_settings(document.directory, document.groups or {}, folder, faults)
    memory = _ledger(document.ledger, folder, faults)
    mailing = mail(document.mail, folder, faults)
    returning = inbox(document.inbox, folder, faults)
    letters = _letters((document.mail or s.Mail()).templates or s.MailTemplates(), folder, faults)
    web = _portal(document, university, memory, faults)
    faults.raise_if_any()
    # sections that are missing or unsound left a fault
    assert university and key_file and policy and directory and document.university and memory
    if not directory.admin.organisation:
        directory = replace(directory, admin=replace(directory.admin, organisation=university.name))
    return Settings(
        faults.path,
        university,
        ZoneInfo(document.university.time_zone),
        policy,
        sources,
        directory,
        memory,
        key_file.path,
        key,
        AdoptRule(**(document.adopt or s.Adopt()).given()),
        daemon=DaemonSettings(**(document.daemon or s.Daemon()).given()),
        mail=mailing,
        inbox=returning,
        monitoring=_monitoring(document.monitoring),
        letters=letters,
        portal=web,
    )


def portal_settings(document: s.Document, faults: Faults) -> PortalSettings:
    """What the portal's process needs: no secret of registries, mail servers or the daemon's own is read. Raises
    ConfigError."""
    folder = faults.path.parent
    university = _university(document.university)
    policy = _policy(document, university, faults)
    directory = directory_place(document.directory, document.groups or {}, folder, faults)
    memory = _ledger(document.ledger, folder, faults)
    _, key = _digest_key(document.digest_key_file, folder, faults)
    part = _portal(document, university, memory, faults)
    if not is_there(document.portal):
        faults.add("portal.password_file", "missing: there is no portal to start without it")
    names = ("password_file", "reader_password_file", "factor_key_file")
    read = [_read(getattr(part.web.secrets, name), faults) for name in names] if part else ["", "", ""]
    faults.raise_if_any()
    assert university and policy and directory and memory and part
    sends_mail = document.mail is not None and document.mail.host is not None
    web = (part.house, part.rules, policy, directory, memory, part.web, sends_mail)
    return PortalSettings(faults.path, *web, key, *read)


def _portal(
    document: s.Document, university: UniversitySettings | None, memory: LedgerSettings | None, faults: Faults
) -> PortalPart | None:
    if university is None or memory is None or document.university is None:
        return None
    return portal(
        document.portal or s.Portal(), university, ZoneInfo(document.university.time_zone), memory, faults
    )


def _read(secret: SecretFile, faults: Faults) -> str:
    try:
        return secret.read()
    except ConfigError as error:
        faults.sentences += error.faults
        return ""


def _policy(document: s.Document, university: UniversitySettings | None, faults: Faults) -> Policy | None:
    """What the university decides; None where a section that it needs is missing or unsound."""
    order = source_policy(document.registry or (), document.precedence or {}, faults)
    name_policy = names(document.names or s.Names(), faults.path.parent, faults)
    lifecycle_policy = lifecycle(document.lifecycle or s.Lifecycle(), faults)
    brake_policy = brakes(document.brakes or s.Brakes(), faults)
    by_state, by_level = entitlements(document.entitlements, document.groups or {}, faults)
    entries = directory_policy(document.directory, university, faults)
    kind = document.directory.kind if document.directory else None
    chosen = portal_policy(
        document.portal or s.Portal(), document.groups or {}, faults.path.parent, faults, kind
    )
    if entries is None or document.university is None:
        return None
    return Policy(
        names=name_policy,
        lifecycle=lifecycle_policy,
        directory=entries,
        brakes=brake_policy,
        entitlements=by_state,
        entitlements_by_level=by_level,
        operators=document.university.operators,
        groups=frozenset(document.groups or {}),
        sources=order,
        portal=chosen,
    )


def outlined(document: s.Document, faults: Faults) -> Outline | None:
    memory, university = _ledger(document.ledger, faults.path.parent, faults), document.university
    if memory is None or university is None:
        return None
    zone, seen = ZoneInfo(university.time_zone), _monitoring(document.monitoring)
    return Outline(faults.path, zone, memory, seen, portal_monitor(document.portal))


def _university(section: s.University | None) -> UniversitySettings | None:
    if section is None:
        return None
    mail_domain = section.mail_domain or f"connect.{section.domain}"
    given = section.given()
    known = {field.name for field in fields(UniversitySettings)}
    told = {"help_mail": section.operators[0]} | {key: given[key] for key in given if key in known}
    return UniversitySettings(**told | {"mail_domain": mail_domain})


def _letters(section: s.MailTemplates, folder: Path, faults: Faults) -> LetterSettings:
    given = section.given()
    if section.folder is not None:
        given["folder"] = folder / section.folder
        if not given["folder"].is_dir():
            faults.add("mail.templates.folder", f"there is no folder {given['folder']}")
    return LetterSettings(**given)


def _ledger(section: s.Ledger | None, folder: Path, faults: Faults) -> LedgerSettings | None:
    if section is None:
        return None
    if (section.path is None) is (section.url is None):
        faults.add("ledger", "needs either path (a SQLite file) or url (a PostgreSQL database)")
        return None
    if section.path is not None and section.password_file is not None:
        faults.add("ledger.password_file", "goes with url only")
    if section.url is None:
        return LedgerSettings(f"sqlite:///{folder / (section.path or '')}")
    if section.password_file is None:
        return LedgerSettings(section.url)
    try:
        password = secret_file(faults.key("ledger.password_file"), section.password_file, folder).read()
    except ConfigError as error:
        faults.sentences += error.faults
        return None
    return LedgerSettings(section.url, password)


def _monitoring(section: s.Monitoring | None) -> MonitoringSettings:
    listen = section.listen if section else None
    return MonitoringSettings(Place.of(listen) if listen else None)


def _digest_key(text: str | None, folder: Path, faults: Faults) -> tuple[SecretFile | None, bytes]:
    if text is None:
        return None, b""
    file = secret_file(faults.key("digest_key_file"), text, folder)
    try:
        key = file.read().encode()
    except ConfigError as error:
        faults.sentences += error.faults
        return file, b""
    if len(key) < MINIMUM_KEY_BYTES:
        faults.add(
            "digest_key_file",
            f"{file.path} has fewer than {MINIMUM_KEY_BYTES} characters; make it by `openssl rand -hex 32`",
        )
    return file, key

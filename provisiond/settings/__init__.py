"""The configuration: a TOML file, secrets in files of their own, turned into frozen settings.

Decides what a sound configuration is and names everything unsound in it at once. Reaching registry, directory
and ledger is `check`'s and the adapters'. pydantic is imported nowhere but here."""

from __future__ import annotations

from pathlib import Path

from provisiond.settings.conversion import outlined, portal_settings, settings
from provisiond.settings.parsing import Faults, parse, read_table
from provisiond.settings.secret_files import SecretFile
from provisiond.settings.values import (
    AdminSettings,
    CsvSettings,
    DirectorySettings,
    HttpSettings,
    InboxSettings,
    LedgerSettings,
    LetterSettings,
    MailSettings,
    Outline,
    PortalSettings,
    PortalWeb,
    Settings,
    SqlSettings,
    UniversitySettings,
)
from provisiond.settings.word_lists import names_policy

__all__ = [
    "AdminSettings",
    "CsvSettings",
    "DirectorySettings",
    "HttpSettings",
    "InboxSettings",
    "LedgerSettings",
    "LetterSettings",
    "MailSettings",
    "Outline",
    "PortalSettings",
    "PortalWeb",
    "SecretFile",
    "Settings",
    "SqlSettings",
    "UniversitySettings",
    "load",
    "load_portal",
    "names_policy",
    "outline",
]


def outline(path: Path) -> Outline | None:
    """Where ledger and daemon are, from a file that may have faults elsewhere; None where it does not say."""
    faults = Faults(path.absolute())
    return outlined(parse(read_table(faults.path), faults), faults)


def load(path: Path) -> Settings:
    """Paths in the file are relative to the folder it lies in. Raises ConfigError with every fault found."""
    faults = Faults(path.absolute())
    return settings(parse(read_table(faults.path), faults), faults)


def load_portal(path: Path) -> PortalSettings:
    """The same for the portal's process, which reads only its own secrets (and the digest key)."""
    faults = Faults(path.absolute())
    return portal_settings(parse(read_table(faults.path), faults), faults)

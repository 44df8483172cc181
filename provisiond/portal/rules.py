"""What the university decides about its portal, and what it calls itself there, as frozen values with the shipped
defaults of config/provisiond.toml. Pure: the settings make them, the views read them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from zoneinfo import ZoneInfo

from provisiond.domain.model import Language

ACCENT = "#1c4f82"


class CodeWanted(StrEnum):
    """When a mailed activation code is asked for beside what the person knows."""

    NEVER = "never"
    BIRTH_DATE = "birth-date"  # only where a date of birth stands for the HKID number
    ALWAYS = "always"


@dataclass(frozen=True, slots=True)
class House:
    """The university, as a page names it. `accent`: its colour, #rrggbb."""

    name: str
    domain: str
    mail_domain: str
    help_mail: str
    zone: ZoneInfo
    chinese_name: str | None = None
    help_telephone: str | None = None
    help_url: str | None = None
    portal_url: str | None = None
    accent: str = ACCENT

    def named(self, language: Language) -> str:
        """In that language, where the university told a name in it."""
        return (self.chinese_name or self.name) if language is Language.CHINESE else self.name


@dataclass(frozen=True, slots=True)
class Rules:
    """`terms`: the acceptable use policy (Markdown) in both languages, accepted as `terms_version`. `blocklist_file`:
    passwords that nobody may choose, beside the built-in ones. `idle_after`, `session_lasts`: when a log-in ends;
    `operators_wait`: how long after the second operator's consent a new phone may be enrolled without the old one;
    `services`: what a group gives, in words."""

    terms_version: str
    terms: Mapping[Language, str] = field(repr=False)
    activation_code: CodeWanted = CodeWanted.BIRTH_DATE
    minimum_password_length: int = 12
    blocklist_file: Path | None = None
    idle_after: timedelta = timedelta(minutes=15)
    session_lasts: timedelta = timedelta(hours=8)
    operators_wait: timedelta = timedelta(hours=24)
    services: Mapping[str, Mapping[Language, str]] = field(default_factory=dict)

    def service(self, group: str, language: Language) -> str:
        """What the members of a group are told that they may use; its name where the configuration has no words."""
        words = self.services.get(group, {})
        return words.get(language) or words.get(Language.ENGLISH) or group

"""The shape of provisiond.toml: one model per section, no defaults but "not given".

What a key means when it is left out is decided by the dataclasses that the sections are turned into
(domain.policy, settings.values), so that no number stands in two places."""

from __future__ import annotations

from datetime import time, timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, StrictBool, StrictInt
from pydantic.types import Strict

from provisiond.domain.model import Level, NoticeKind
from provisiond.portal import colour
from provisiond.settings import notation
from provisiond.settings.registry_shape import Expression, Registry
from provisiond.settings.section import Percent, Positive, Section, Text, Whole

Dn = Annotated[Text, AfterValidator(notation.dn)]
Domain = Annotated[Text, AfterValidator(notation.domain)]
Zone = Annotated[Text, AfterValidator(notation.time_zone)]
Address = Annotated[Text, AfterValidator(notation.mail_address)]
Duration = Annotated[timedelta, BeforeValidator(notation.duration)]
LdapUrl = Annotated[Text, AfterValidator(notation.ldap_url)]
Pattern = Annotated[Text, AfterValidator(notation.name_pattern)]
DayOfYear = Annotated[tuple[int, int], BeforeValidator(notation.day_of_year)]
Span = Annotated[timedelta, BeforeValidator(notation.duration), Field(ge=timedelta(seconds=1))]
TimeOfDay = Annotated[time, BeforeValidator(notation.time_of_day)]
Quota = Annotated[int | None, BeforeValidator(notation.quota)]
Bind = Literal["simple", "external"]
# what every server takes as it is: no modified UTF-7 (RFC 3501 5.1.3), no wildcards
MailFolder = Annotated[str, Field(pattern=r"^[A-Za-z0-9 ./_+-]+$")]
GroupName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
Attribute = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9-]*(;[A-Za-z0-9-]+)*$")]
Uri = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9+.-]*:\S+$")]
# eduPerson 202208, 2.2.1: the only values that eduPersonAffiliation may have
Affiliation = Literal[
    "faculty", "student", "staff", "alum", "member", "affiliate", "employee", "library-walk-in"
]


def _dashed(name: str) -> str:
    return name.replace("_", "-")


class University(Section):
    name: Text
    domain: Domain
    mail_domain: Domain | None = None
    time_zone: Zone
    operators: tuple[Address, ...] = Field(min_length=1)
    chinese_name: Text | None = None
    portal_url: Annotated[Text, AfterValidator(notation.https_url)] | None = None
    help_mail: Address | None = None
    help_telephone: Text | None = None
    help_url: Annotated[Text, AfterValidator(notation.https_url)] | None = None


class Ledger(Section):
    # these two would end it in the URL it becomes
    path: Annotated[str, Field(pattern=r"^[^?#]+$")] | None = None
    url: Annotated[Text, AfterValidator(notation.postgresql_url)] | None = None
    password_file: Text | None = None


class Names(Section):
    minimum_length: Positive | None = None
    maximum_length: Annotated[StrictInt, Field(ge=1, le=32)] | None = None  # what useradd and utmp bear
    patterns: Annotated[tuple[Pattern, ...], Field(min_length=1)] | None = None
    alphabet: Annotated[str, Field(pattern=r"^[a-z0-9]+$")] | None = None
    suffix_style: Literal["letters", "digits"] | None = None
    reserved: tuple[Text, ...] | None = None
    reserved_file: Text | None = None
    unfortunate_file: Text | None = None


class GraceByLevel(Section):
    model_config = ConfigDict(alias_generator=_dashed)
    undergraduate: Whole | None = None
    taught_postgraduate: Whole | None = None
    research_postgraduate: Whole | None = None


class Lifecycle(Section):
    grace_months: Whole | None = None
    grace_months_by_level: GraceByLevel | None = None
    precedence: tuple[Level, ...] | None = None
    reminder_days: tuple[Positive, ...] | None = None
    required_notices: frozenset[NoticeKind] | None = None
    minimum_lead_days: Whole | None = None
    absent_fetches: Whole | None = None


class LevelEntitlement(Section):
    """Keys that one level has otherwise than its state."""

    login: StrictBool | None = None
    groups: frozenset[GroupName] | None = None
    quota_bytes: Quota = Field(default=None, alias="quota")
    entitlements: frozenset[Uri] | None = None
    affiliations: tuple[Affiliation, ...] | None = None


class StateEntitlement(LevelEntitlement):
    model_config = ConfigDict(alias_generator=_dashed)
    login: StrictBool
    undergraduate: LevelEntitlement | None = None
    taught_postgraduate: LevelEntitlement | None = None
    research_postgraduate: LevelEntitlement | None = None


class Entitlements(Section):
    """Every state must say what it earns: silence would be an accidental answer."""

    model_config = ConfigDict(alias_generator=_dashed)
    pending: StateEntitlement
    active: StateEntitlement
    on_leave: StateEntitlement
    grace: StateEntitlement
    alumni: StateEntitlement
    terminated: StateEntitlement


class Posix(Section):
    enabled: StrictBool = False
    first_uid_number: Positive | None = None
    gid_number: Positive | None = None
    home_directory: Annotated[str, Field(pattern=r"^/.*\{account_name\}")] | None = None
    login_shell: Annotated[str, Field(pattern=r"^/")] | None = None


class Drift(Section):
    action: Literal["repair", "report"] | None = None


class Admin(Section):
    url: LdapUrl | None = None
    bind: Bind | None = None
    bind_dn: Dn | None = None
    password_file: Text | None = None
    database_directory: Annotated[str, Field(pattern=r"^/")] | None = None
    organisation: Text | None = None
    portal_password_file: Text | None = None
    reader_password_file: Text | None = None


class Directory(Section):
    kind: Literal["openldap", "389ds"] | None = None
    urls: tuple[LdapUrl, ...] = Field(min_length=1)
    bind: Bind | None = None
    bind_dn: Dn
    password_file: Text | None = None
    start_tls: StrictBool | None = None
    ca_file: Text | None = None
    connect_timeout: Positive | None = None
    receive_timeout: Positive | None = None
    base: Dn
    people_base: Dn | None = None
    contacts_base: Dn | None = None
    groups_base: Dn | None = None
    quota_attribute: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9-]*$")] | None = None
    account_bases: tuple[Dn, ...] | None = None
    protected: frozenset[Dn] | None = None
    posix: Posix | None = None
    drift: Drift | None = None
    admin: Admin | None = None


class BrakeLimit(Section):
    number: Whole | None = None
    percent: Percent | None = None
    always_allowed: Whole | None = None


class RegistryBrake(Section):
    shrink_percent: Percent | None = None
    shrink_always_allowed: Whole | None = None
    grow_percent: Annotated[float, Strict(), Field(ge=0)] | None = None
    grow_always_allowed: Whole | None = None


class BrakeLimits(Section):
    creations: BrakeLimit | None = None
    completions: BrakeLimit | None = None
    losses: BrakeLimit | None = None
    renames: BrakeLimit | None = None
    mails: BrakeLimit | None = None


class BrakeWindow(BrakeLimits):
    name: Text
    first: DayOfYear
    last: DayOfYear


class Brakes(BrakeLimits):
    registry: RegistryBrake | None = None
    approval_hours: Positive | None = None
    windows: tuple[BrakeWindow, ...] | None = None


class MailTemplates(Section):
    folder: Text | None = None
    language: Literal["both", "en", "zh-Hant", "record"] | None = None


class Adopt(Section):
    attribute: Attribute | None = None
    pattern: Expression | None = None
    surname: StrictBool | None = None
    birth_date_attribute: Attribute | None = None
    activated: StrictBool | None = None
    listed: StrictBool | None = None


class Mail(Section):
    templates: MailTemplates | None = None
    host: Annotated[str, Field(pattern=r"^[A-Za-z0-9.:_-]+$")] | None = None
    port: Annotated[StrictInt, Field(ge=1, le=65535)] | None = None
    tls: Literal["starttls", "tls", "none"] | None = None
    ca_file: Text | None = None
    user: Text | None = None
    password_file: Text | None = None
    sender: Annotated[Text, AfterValidator(notation.mailbox)] | None = None
    reply_to: Address | None = None
    bounces_to: Address | None = None
    message_id_domain: Domain | None = None
    connect_timeout: Positive | None = None
    reply_timeout: Positive | None = None
    data_timeout: Positive | None = None
    per_minute: Positive | None = None
    per_run: Positive | None = None
    backoff: Duration | None = None
    longest_backoff: Duration | None = None
    give_up_after: Duration | None = None
    avoid_for: Duration | None = None


class Daemon(Section):
    poll_every: Span | None = None
    outbox_every: Span | None = None
    inbox_every: Span | None = None
    audit_at: TimeOfDay | None = None
    purge_at: TimeOfDay | None = None
    retry_at_most: Span | None = None
    stuck_after: Span | None = None


class Monitoring(Section):
    listen: Annotated[Text, AfterValidator(notation.loopback)] | None = None


class InWords(Section):
    """What something is called, in both languages of the portal."""

    en: Text
    zh_hant: Text | None = Field(default=None, alias="zh-Hant")


class Portal(Section):
    listen: Annotated[Text, AfterValidator(notation.loopback)] | None = None
    monitor: Annotated[Text, AfterValidator(notation.loopback)] | None = None
    behind_proxy: StrictBool | None = None
    hosts: tuple[Domain | Literal["localhost"], ...] | None = Field(default=None, min_length=1)
    accent: Annotated[Text, AfterValidator(colour.accent)] | None = None
    password_file: Text | None = None
    reader_password_file: Text | None = None
    factor_key_file: Text | None = None
    state: Text | None = None
    processes: Annotated[StrictInt, Field(ge=1, le=64)] | None = None
    threads: Annotated[StrictInt, Field(ge=1, le=256)] | None = None
    terms: Text | None = None
    terms_version: Annotated[str, Field(pattern=r"^[A-Za-z0-9 ._-]{1,40}$")] | None = None
    activation_code: Literal["birth-date", "always", "never"] | None = None
    minimum_password_length: Annotated[StrictInt, Field(ge=8, le=64)] | None = None
    blocklist_file: Text | None = None
    offices_file: Text | None = None
    alias_levels: frozenset[Level] | None = None
    alias_changes: Whole | None = None
    enforce_second_factor: frozenset[GroupName] | None = None
    code_lasts: Span | None = None
    idle_after: Span | None = None
    session_lasts: Span | None = None
    operators_wait: Duration | None = None
    services: dict[GroupName, InWords] | None = None


class Inbox(Section):
    host: Annotated[str, Field(pattern=r"^[A-Za-z0-9.:_-]+$")] | None = None
    port: Annotated[StrictInt, Field(ge=1, le=65535)] | None = None
    tls: Literal["starttls", "tls", "none"] | None = None
    ca_file: Text | None = None
    user: Text | None = None
    password_file: Text | None = None
    folder: MailFolder | None = None
    done_folder: MailFolder | None = None
    timeout: Positive | None = None
    believed_for: Duration | None = None


class Document(Section):
    """The whole file. Sections are optional here only so that the faults of one do not hide another's;
    `REQUIRED` are missed by parsing."""

    digest_key_file: Text | None = None
    university: University | None = None
    ledger: Ledger | None = None
    registry: tuple[Registry, ...] | None = None
    precedence: dict[str, tuple[str, ...]] | None = None
    names: Names | None = None
    lifecycle: Lifecycle | None = None
    groups: dict[GroupName, str] | None = None
    entitlements: Entitlements | None = None
    directory: Directory | None = None
    brakes: Brakes | None = None
    adopt: Adopt | None = None
    mail: Mail | None = None
    inbox: Inbox | None = None
    daemon: Daemon | None = None
    monitoring: Monitoring | None = None
    portal: Portal | None = None


REQUIRED = ("digest_key_file", "university", "ledger", "registry", "entitlements", "directory")

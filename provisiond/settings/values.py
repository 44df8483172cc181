"""What the configuration says, as frozen values for bootstrap and the adapters' makers.

The university's decisions are the domain's own `Policy`; here is only what concerns files, servers and
secrets. No value of a secret appears in a repr."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from provisiond.domain.delivery import MailPolicy
from provisiond.domain.matching import AdoptRule
from provisiond.domain.policy import Policy
from provisiond.listening import Place
from provisiond.portal.rules import House, Rules
from provisiond.settings.secret_files import SecretFile


@dataclass(frozen=True, slots=True)
class UniversitySettings:
    """Who we are: `domain` is the eduPerson scope, `mail_domain` that of lifelong addresses. `help_mail`, where
    people ask, is the first operator's unless told otherwise."""

    name: str
    domain: str
    mail_domain: str
    help_mail: str
    chinese_name: str | None = None
    portal_url: str | None = None
    help_telephone: str | None = None
    help_url: str | None = None


@dataclass(frozen=True, slots=True)
class CsvSettings:
    """One registry source: the fields of `adapters.registry.csv_drop.CsvSource`, which says what they do
    and whose defaults these are (a test compares them). `fields`: our field → column title, `codes`: our
    field → (code → our word)."""

    name: str
    path: Path
    fields: Mapping[str, str]
    pattern: str = "*.csv"
    delimiter: str = ","
    encoding: str | None = None
    encodings: tuple[str, ...] = ("big5hkscs", "cp1252")
    date_formats: tuple[str, ...] = ("%Y-%m-%d", "%d/%m/%Y")
    codes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    trailer: str | None = None
    maximum_rejected_percent: float = 50
    maximum_age: timedelta | None = None
    expected: Mapping[str, str] = field(default_factory=dict)
    supplement: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlSettings:
    """A database: the fields of `adapters.registry.sql_source.SqlSource`, as with CsvSettings."""

    name: str
    url: str
    query: str
    fields: Mapping[str, str]
    password: str | None = field(default=None, repr=False)
    ca_file: Path | None = None
    watermark_column: str | None = None
    overlap: timedelta | int = timedelta(minutes=10)
    first_watermark: str | int = "1900-01-01 00:00:00"
    complete_every: timedelta = timedelta(days=1)
    connect_timeout: int = 10
    timeout: int = 600
    date_formats: tuple[str, ...] = ("%Y-%m-%d", "%d/%m/%Y")
    codes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    maximum_rejected_percent: float = 50
    maximum_age: timedelta | None = None
    age_column: str | None = None
    expected: Mapping[str, str] = field(default_factory=dict)
    supplement: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpSettings:
    """An HTTP service: the fields of `adapters.registry.http_source.HttpSource`, as with CsvSettings."""

    name: str
    url: str
    fields: Mapping[str, str]
    token: str | None = field(default=None, repr=False)
    ca_file: Path | None = None
    records: str = ""
    next: str | None = None
    cursor: str | None = None
    cursor_parameter: str = "cursor"
    total: str | None = None
    connect_timeout: int = 10
    read_timeout: int = 30
    timeout: int = 600
    maximum_page_size: int = 16 * 2**20
    maximum_size: int = 2**30
    maximum_pages: int = 10_000
    retries: int = 3
    date_formats: tuple[str, ...] = ("%Y-%m-%d", "%d/%m/%Y")
    codes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    maximum_rejected_percent: float = 50
    maximum_age: timedelta | None = None
    age_column: str | None = None
    expected: Mapping[str, str] = field(default_factory=dict)
    supplement: bool = False


RegistrySettings = CsvSettings | SqlSettings | HttpSettings


@dataclass(frozen=True, slots=True)
class AdminSettings:
    """What only `directory init` needs. Its secrets are read when that command runs, not at start: the
    daemon's own user should not be able to read them."""

    url: str = "ldapi:///"
    bind: str = "external"
    bind_dn: str | None = None
    password_file: SecretFile | None = None
    database_directory: Path = Path("/var/lib/ldap/provisiond")
    organisation: str = ""  # `load` puts the university's name
    portal_password_file: SecretFile | None = None
    reader_password_file: SecretFile | None = None


@dataclass(frozen=True, slots=True)
class DirectorySettings:
    """How to reach the directory and as whom; `bind_dn` is what `whoami` must answer. Time-outs in whole
    seconds (ldap3 takes no others, FIELD-NOTES 1.3). `groups`: name (cn) → description of all groups."""

    urls: tuple[str, ...]
    bind_dn: str
    base: str
    kind: str = "openldap"
    bind: str = "simple"
    password: str | None = field(default=None, repr=False)
    start_tls: bool = False
    ca_file: Path | None = None
    connect_timeout: int = 5
    receive_timeout: int = 10
    groups: Mapping[str, str] = field(default_factory=dict)
    admin: AdminSettings = field(default_factory=AdminSettings)


@dataclass(frozen=True, slots=True)
class LedgerSettings:
    """Where our memory lies (SQLAlchemy URL), and the password of a database server."""

    url: str
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class InboxSettings:
    """Where bounces are read: the fields of `adapters.inbox.mailbox.MailAccount`. `believed_for`: so long after it
    was sent a mail may come back."""

    host: str
    port: int
    tls: str
    user: str
    password: str = field(repr=False)
    folder: str = "INBOX"
    done_folder: str | None = None
    ca_file: Path | None = None
    timeout: int = 30
    believed_for: timedelta = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class MailSettings:
    """How mails go out: the fields of `adapters.mailer.relay.Relay`, and who sends them. Time-outs in seconds;
    `data_timeout`: for the answer to the final dot (RFC 5321 4.5.3.2.6 wants ten minutes)."""

    host: str
    port: int
    tls: str
    sender: str
    bounces_to: str
    message_id_domain: str
    reply_to: str | None = None
    ca_file: Path | None = None
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    connect_timeout: int = 10
    reply_timeout: int = 60
    data_timeout: int = 600
    policy: MailPolicy = field(default_factory=MailPolicy)


@dataclass(frozen=True, slots=True)
class DaemonSettings:
    """When the daemon does what. `audit_at`, `purge_at`: in the university's time zone; `retry_at_most`: how long it
    waits, in the end, between two tries while a system is away; `stuck_after`: without any progress for that long
    a piece of work counts as stuck, and systemd's watchdog is fed no more."""

    poll_every: timedelta = timedelta(minutes=5)
    outbox_every: timedelta = timedelta(seconds=20)
    inbox_every: timedelta = timedelta(minutes=5)
    audit_at: time = time(3, 30)
    purge_at: time = time(4, 30)
    retry_at_most: timedelta = timedelta(seconds=40)
    stuck_after: timedelta = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class MonitoringSettings:
    """Where the daemon answers those who watch: a loopback address with its port, or the path of a socket; None:
    nowhere."""

    listen: Place | None = None


@dataclass(frozen=True, slots=True)
class Outline:
    """As much as it takes to find ledger, daemon and portal."""

    path: Path
    zone: ZoneInfo
    ledger: LedgerSettings
    monitoring: MonitoringSettings
    portal_monitor: Place | None = None


@dataclass(frozen=True, slots=True)
class LetterSettings:
    """`folder`: templates of the administrator's own, which go before the shipped ones. `language`: both, en,
    zh-Hant, or record (what the registry says of the student, both where it says nothing)."""

    folder: Path | None = None
    language: str = "both"


@dataclass(frozen=True, slots=True)
class PortalSecrets:
    """Read by the portal's process alone."""

    password_file: SecretFile
    reader_password_file: SecretFile
    factor_key_file: SecretFile

    def are_ours(self) -> bool:
        """Whether who runs this may read any of them: root may, and who cannot is the daemon."""
        files = (self.password_file, self.reader_password_file, self.factor_key_file)
        return os.geteuid() == 0 or any(os.access(file.path, os.R_OK) for file in files)


@dataclass(frozen=True, slots=True)
class PortalWeb:
    """Where the portal listens and remembers. `behind_proxy`: who connects is the proxy, and tells the client's
    address; `state`: the SQLite file of sessions and rate limits, None: in the ledger's database; `monitor`: where it
    answers those who watch; `threads`: of each process."""

    listen: Place
    monitor: Place | None
    behind_proxy: bool
    hosts: frozenset[str]
    state: Path | None
    secrets: PortalSecrets
    processes: int = 1
    threads: int = 16


@dataclass(frozen=True, slots=True)
class PortalPart:
    """What [portal] says, without any secret."""

    web: PortalWeb
    house: House
    rules: Rules


@dataclass(frozen=True, slots=True)
class PortalSettings:
    """Everything that `load_portal` found: what the portal needs, and none of the daemon's secrets."""

    path: Path
    house: House
    rules: Rules
    policy: Policy
    directory: DirectorySettings
    ledger: LedgerSettings
    web: PortalWeb
    sends_mail: bool
    digest_key: bytes = field(repr=False)
    directory_password: str = field(repr=False)
    reader_password: str = field(repr=False)
    factor_key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that `load` found in `path`, checked."""

    path: Path
    university: UniversitySettings
    zone: ZoneInfo
    policy: Policy
    registries: tuple[RegistrySettings, ...]
    directory: DirectorySettings
    ledger: LedgerSettings
    digest_key_file: Path
    digest_key: bytes = field(repr=False)
    adopt: AdoptRule = field(default_factory=AdoptRule)
    mail: MailSettings | None = None  # no mail server: nothing is sent, and notices stay due
    inbox: InboxSettings | None = None  # no mailbox: bounces are not read
    daemon: DaemonSettings = field(default_factory=DaemonSettings)
    monitoring: MonitoringSettings = field(default_factory=MonitoringSettings)
    letters: LetterSettings = field(default_factory=LetterSettings)
    portal: PortalPart | None = None  # no section [portal]: there is none

"""The words of the domain as frozen values: what the registry says, what the ledger knows, what the
directory shows. No behaviour beyond trivial properties; the rules live in the modules beside this one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum


class Level(StrEnum):
    """What a programme leads to; decides the affiliation."""

    UNDERGRADUATE = "undergraduate"
    TAUGHT_POSTGRADUATE = "taught-postgraduate"
    RESEARCH_POSTGRADUATE = "research-postgraduate"


class Status(StrEnum):
    """What the registry says of one programme of one person, since a date."""

    REGISTERED = "registered"
    ON_LEAVE = "on-leave"
    COMPLETED = "completed"
    WITHDRAWN = "withdrawn"


class State(StrEnum):
    """The lifecycle state of an account: always derived from facts, policy and today."""

    PENDING = "pending"
    ACTIVE = "active"
    ON_LEAVE = "on-leave"
    GRACE = "grace"
    ALUMNI = "alumni"
    TERMINATED = "terminated"


class Language(StrEnum):
    """In which mails are written (BCP 47)."""

    ENGLISH = "en"
    CHINESE = "zh-Hant"


class HoldKind(StrEnum):
    """`lock`: log-in off now. `freeze`: the cycle does not touch the person at all."""

    LOCK = "lock"
    FREEZE = "freeze"


@dataclass(frozen=True, slots=True)
class RegistryRecord:
    """One row of the registry, well-formed, not yet interpreted.

    HKID number and date of birth are present only as keyed digests (hex); `proposed_id` is the opaque
    person ID (keyed digest of the student ID) that a person unknown to the ledger will get.
    `given_names` may be empty (single name); text is NFC, trimmed, inner spaces single.
    """

    source: str
    file: str
    line: int
    student_id: str
    proposed_id: str
    surname: str
    given_names: str
    preferred_name: str | None
    chinese_name: str | None
    hkid_digest: str | None
    birth_digest: str
    programme: str
    department: str
    level: Level
    status: Status
    status_on: date
    expected_end_on: date | None
    personal_mail: str | None
    supervisor_mail: str | None
    language: Language | None
    confidential: bool

    @property
    def key(self) -> tuple[str, str, str]:
        """What makes a record the same record in the next fetch."""
        return (self.source, self.student_id, self.programme)

    @property
    def is_supplement(self) -> bool:
        """Adds attributes to a person whom another source names, and tells of no studies: the programme is empty,
        birth date, department, level, status and its date say nothing."""
        return not self.programme


@dataclass(frozen=True, slots=True)
class Rejection:
    """A record that was refused, with *all* its reasons. Holds no HKID, birth date or other field value
    except the student ID (None when unreadable) and, where a notice concerns a person rather than a line,
    line 0."""

    source: str
    file: str
    line: int
    student_id: str | None
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Absence:
    """A record that complete fetches do not name any more: since when, and how many of them."""

    source: str
    student_id: str
    programme: str
    since_on: date
    fetches: int

    @property
    def key(self) -> tuple[str, str, str]:
        """That of the record."""
        return (self.source, self.student_id, self.programme)


@dataclass(frozen=True, slots=True)
class RowKey:
    """What is remembered of a row. `mark`: 8 bytes that stand for its content as that source writes it."""

    mark: bytes
    student_id: str | None
    programme: str
    settled: bool  # taken over whole: committed, not rejected, held, parked or refused


@dataclass(frozen=True, slots=True)
class Block:
    """Neighbouring rows, cut by content, so that a new row changes its own block only. `digest`: 16 bytes."""

    digest: bytes
    rows: tuple[RowKey, ...]


@dataclass(frozen=True, slots=True)
class Stretch:
    """A few blocks that follow each other in a file, known again by their bytes. `digest`: 16 bytes, of `size` bytes
    that are `lines` lines and hold `rows` rows, `foreign` of them with other than ASCII; `blocks`: digests."""

    digest: bytes
    size: int
    lines: int
    rows: int
    foreign: int
    blocks: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Fetch:
    """One validated reading of a registry source; what it says is staged on disk, not held in memory.

    `digest` is the SHA-256 (hex) of the raw content; `rows` counts records and rejections, duplicates
    included, and those that did not change. The blocks to remember are `kept` and `blocks`."""

    source: str
    file: str
    digest: str
    rows: int
    rejections: tuple[Rejection, ...]
    changed: Iterable[tuple[str, tuple[RegistryRecord, ...]]]  # re-iterable, ascending by student ID
    gone: tuple[tuple[str, str], ...]  # (student ID, programme) remembered, and named no more
    kept: frozenset[bytes]  # digests of remembered blocks that stand in this fetch as they were
    # the others, re-iterable, each digest once; settled as far as the source can tell
    blocks: Iterable[Block]
    complete: bool  # False: changes since a watermark only, says nothing about absence
    etag: str | None
    watermark: str | None
    outline: tuple[Stretch, ...]  # of a file, in order; what is in no stretch is cut again


@dataclass(frozen=True, slots=True)
class Hold:
    """An operator's order on a person; `until_on` is the last day it holds (None: until released)."""

    kind: HoldKind
    set_at: datetime
    until_on: date | None
    reason: str
    actor: str


@dataclass(frozen=True, slots=True)
class Extension:
    """A granted later expiry date, with who asked and why."""

    until_on: date
    granted_at: datetime
    reason: str
    actor: str


class NoticeStatus(StrEnum):
    DUE = "due"
    SENDING = "sending"  # being given to a mail server at this moment
    UNKNOWN = "unknown"  # given to one, and its answer was lost: sent once more, with the same Message-ID
    ACCEPTED = "accepted"  # by a mail server
    REFUSED = "refused"  # by a mail server, for good, for every address on record
    GIVEN_UP = "given-up"  # put off by the mail server too long, or its answer was lost again
    DROPPED = "dropped"  # by an operator, or overtaken by what happened since


class NoticeKind(StrEnum):
    CREATED = "created"
    ACTIVATED = "activated"
    GRACE_BEGUN = "grace-begun"
    EXPIRY_REMINDER = "expiry-reminder"
    EXPIRY = "expiry"
    ALUMNI = "alumni"
    TERMINATED = "terminated"
    REINSTATED = "reinstated"
    EXTENDED = "extended"
    EXTENSION_REFUSED = "extension-refused"
    HOLD_SET = "hold-set"
    HOLD_LIFTED = "hold-lifted"
    PASSWORD_CHANGED = "password-changed"  # noqa: S105 - the word for a mail
    SECOND_FACTOR_CHANGED = "second-factor-changed"
    RECOVERY_CODES_CHANGED = "recovery-codes-changed"
    RE_ENROLMENT_ISSUED = "re-enrolment-issued"
    ACTIVATION_CODE = "activation-code"
    OPERATOR = "operator"  # to the operators: a tripped brake, a refused fetch


@dataclass(frozen=True, slots=True)
class Occurrence:
    """Something that happened once, changes nothing by itself and is told to the person: an extension refused, a
    password or second factor changed. `kind` is that of its notice; the reason of a refusal is told as well."""

    kind: NoticeKind
    at: datetime
    reason: str
    actor: str


@dataclass(frozen=True, slots=True)
class Notice:
    """A mail that is due. `key` is deterministic (person, kind, milestone), so that it is decided once.

    `about_on`: the date the notice speaks of (an expiry date), which also tells its milestone."""

    key: str
    person_id: str | None
    kind: NoticeKind
    to: str
    due_on: date
    about_on: date | None


@dataclass(frozen=True, slots=True)
class OutboxItem:
    """A notice as the ledger keeps it, with what a mail server answered last. `attempts`: how often one answered,
    or might have; `doubts`: how often its answer was lost on the way. `next_try_at` None: at once. `sent_to`: the
    address it went or will go to, None: `notice.to`. `tried_at`: when it was last given to a mail server."""

    notice: Notice
    status: NoticeStatus
    decided_at: datetime
    settled_at: datetime | None
    reply: str | None
    attempts: int
    doubts: int
    next_try_at: datetime | None
    tried_at: datetime | None
    message_id: str | None
    sent_to: str | None

    @staticmethod
    def decided(notice: Notice, at: datetime) -> OutboxItem:
        """Not sent yet."""
        return OutboxItem(notice, NoticeStatus.DUE, at, None, None, 0, 0, None, None, None, None)

    @property
    def address(self) -> str:
        """Where it goes, or went."""
        return self.sent_to or self.notice.to


class Audience(StrEnum):
    """Who may see a contact detail."""

    NOBODY = "nobody"
    UNIVERSITY = "university"  # whoever binds as a member of the university
    EVERYONE = "everyone"


class ContactField(StrEnum):
    """What a person may add to the listing."""

    TELEPHONE = "telephone"
    OFFICE = "office"
    WEBSITE = "website"
    PRONOUNS = "pronouns"
    PREFERRED_NAME = "preferred-name"


@dataclass(frozen=True, slots=True)
class ContactDetail:
    """One detail of the listing as the person gave it, and who may see it."""

    field: ContactField
    value: str
    audience: Audience


@dataclass(frozen=True, slots=True)
class Account:
    """The facts the ledger keeps of one account. `state` is the last state that was *committed*, kept to
    notice transitions; `applied` tells whether its last step was carried out in full (False after a crash).
    """

    person_id: str
    student_id: str
    account_name: str
    uid_number: int | None
    state: State
    applied: bool
    created_at: datetime
    activated_at: datetime | None
    unlisted: bool
    next_on: date | None
    records: tuple[RegistryRecord, ...]
    holds: tuple[Hold, ...]  # not yet released
    extensions: tuple[Extension, ...]
    occurrences: tuple[Occurrence, ...]
    outbox: tuple[OutboxItem, ...]
    absences: tuple[Absence, ...]
    contact: tuple[ContactDetail, ...]
    display_name: str | None  # as the person chose it; None: as policy makes it
    aliases: tuple[str, ...]  # further local parts of the lifelong address, as they are written; for ever
    second_factor_at: datetime | None  # since when one is confirmed

    @property
    def studies(self) -> tuple[RegistryRecord, ...]:
        """The records that tell of a programme."""
        return tuple(record for record in self.records if not record.is_supplement)


Attributes = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Entry:
    """An object in the directory (RFC 4512), desired or observed. Attribute names are lower case, with
    options (`cn;lang-zh`); `objectclass` is one of them. `csn`: the number of the change that an observed one
    shows, where the server has such."""

    dn: str
    attributes: Attributes = field(hash=False)
    csn: str | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Observed:
    """What the directory shows of one person: entries that carry the person's ID (None: absent), the
    managed groups (DNs, normalised) that hold the account as a member. `clash`: a sentence where several
    entries carry the ID, so that nobody can say which is the person's."""

    account: Entry | None
    listing: Entry | None
    groups: frozenset[str]
    clash: str | None = None

"""What the university decides, as frozen values with the shipped defaults of config/provisiond.toml.

The core reads nothing else: settings.py turns TOML into these. Defaults stand here only for what a new
installation need not decide; everything that names the university has none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from provisiond.domain.model import ContactField, Level, NoticeKind, State


@dataclass(frozen=True, slots=True)
class NamePolicy:
    """How account names are made. Lengths in characters; `patterns` are tried in order, the next one only
    when no name of the one before can be given (unfortunate word in the stem)."""

    minimum_length: int = 3
    maximum_length: int = 12
    patterns: tuple[str, ...] = ("{initials}{surname}", "{initial}{surname}", "{surname}{initials}")
    alphabet: str = "abcdefghijklmnopqrstuvwxyz"
    suffix_style: str = "letters"  # letters: aa … zz, aaa …  | digits: 2, 3, 4 …
    reserved: frozenset[str] = frozenset()  # never given, as a whole name
    # of four letters and more: nowhere in a name; shorter: not as one
    unfortunate: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Entitlement:
    """What a state earns. `groups` are names (cn) below the groups base, `quota_bytes` the mailbox quota,
    `entitlements` eduPersonEntitlement values (licence groups), `affiliations` eduPersonAffiliation values."""

    login: bool
    groups: frozenset[str] = frozenset()
    quota_bytes: int | None = None
    entitlements: frozenset[str] = frozenset()
    affiliations: tuple[str, ...] = ()  # the first one is primary


@dataclass(frozen=True, slots=True)
class LifecyclePolicy:
    """`grace_months` calendar months by level; `precedence` best level first."""

    grace_months: Mapping[Level, int] = field(default_factory=lambda: dict.fromkeys(Level, 4))
    precedence: tuple[Level, ...] = (
        Level.RESEARCH_POSTGRADUATE,
        Level.TAUGHT_POSTGRADUATE,
        Level.UNDERGRADUATE,
    )
    reminder_days: tuple[int, ...] = (30, 7, 1)
    required_notices: frozenset[NoticeKind] = frozenset({NoticeKind.GRACE_BEGUN, NoticeKind.EXPIRY_REMINDER})
    minimum_lead_days: int = 7
    # complete fetches in a row that lack a record before it counts as withdrawn; 0: it never does
    absent_fetches: int = 0


@dataclass(frozen=True, slots=True)
class DirectoryPolicy:
    """Where entries live and what is written. DNs normalised (no blanks around commas). `domain` is the
    university's (eduPerson scope), `mail_domain` the one of lifelong addresses (`connect.<domain>`).
    `login_end`: pwdEndTime or nsAccountLock, whichever the server heeds at bind."""

    people_base: str
    contacts_base: str
    groups_base: str
    domain: str
    mail_domain: str
    quota_attribute: str = "provisiondMailQuota"
    login_end: str = "pwdEndTime"
    posix: bool = False
    first_uid_number: int = 100000
    gid_number: int = 100000
    home_directory: str = "/home/{account_name}"
    login_shell: str = "/bin/bash"
    repair_drift: bool = True  # what others changed in managed attributes; False: it is only reported
    account_bases: tuple[str, ...] = ()  # where adopted accounts lie, beside people_base
    protected: frozenset[str] = frozenset()  # DNs (normalised) that no plan touches, nor anything below them
    tokens_base: str = ""  # of the one-time code tokens; empty: the server asks for none at bind


@dataclass(frozen=True, slots=True)
class Limit:
    """A brake trips above min(number, max(always_allowed, percent of the managed population))."""

    number: int
    percent: float
    always_allowed: int

    def of(self, population: int) -> int:
        """How many are allowed at this population (accounts managed)."""
        return min(self.number, max(self.always_allowed, int(population * self.percent / 100)))


@dataclass(frozen=True, slots=True)
class Window:
    """A part of each year with limits of its own: (month, day) of its first and last day; it may span New Year.
    `limits`: by brake."""

    name: str
    first: tuple[int, int]
    last: tuple[int, int]
    limits: Mapping[str, Limit]

    def holds(self, today: date) -> bool:
        day = (today.month, today.day)
        if self.first <= self.last:
            return self.first <= day <= self.last
        return day >= self.first or day <= self.last


@dataclass(frozen=True, slots=True)
class BrakePolicy:
    """Limits on what one plan, together with the last 24 hours, may do; counted before the first write."""

    creations: Limit = Limit(number=5000, percent=20, always_allowed=1000)
    completions: Limit = Limit(number=500, percent=10, always_allowed=10)
    losses: Limit = Limit(number=100, percent=2, always_allowed=5)
    renames: Limit = Limit(number=100, percent=2, always_allowed=5)
    mails: Limit = Limit(number=5000, percent=50, always_allowed=1000)
    shrink_percent: float = 10  # a registry smaller than the last good one by more is held
    shrink_always_allowed: int = 5
    windows: tuple[Window, ...] = ()
    approval_hours: int = 72  # after which an approval that was not used is void
    grow_percent: float = 100  # … and one that is larger by more
    grow_always_allowed: int = 1000


@dataclass(frozen=True, slots=True)
class SourcePolicy:
    """Who is believed where several registries speak of one person. `order`: all of them, best first;
    `precedence`: an order of its own for single attributes of RegistryRecord (surname stands for the whole name,
    status for its date too); sources it does not name follow in `order`."""

    order: tuple[str, ...] = ()
    precedence: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def rank(self, attribute: str, source: str) -> int:
        """0 is best; a source that is configured no more comes last."""
        order = tuple(dict.fromkeys((*self.precedence.get(attribute, ()), *self.order)))
        return order.index(source) if source in order else len(order)


@dataclass(frozen=True, slots=True)
class PortalPolicy:
    """What persons may decide of themselves. `enforce_second_factor`: groups whose members log in to the directory
    with password and code; `alias_changes`: how often an alias may be chosen anew; `offices`: words and phrases
    (small letters) by which nobody may call themselves; `code_lasts`: how long a mailed activation code is good."""

    enforce_second_factor: frozenset[str] = frozenset()
    alias_levels: frozenset[Level] = frozenset({Level.TAUGHT_POSTGRADUATE, Level.RESEARCH_POSTGRADUATE})
    alias_changes: int = 1
    offices: frozenset[str] = frozenset()
    contact_fields: tuple[ContactField, ...] = tuple(ContactField)
    longest_display_name: int = 64  # code points
    code_lasts: timedelta = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Policy:
    names: NamePolicy
    lifecycle: LifecyclePolicy
    directory: DirectoryPolicy
    brakes: BrakePolicy
    # what a state earns; where a level is named as well, that one wins
    entitlements: Mapping[State, Entitlement]
    entitlements_by_level: Mapping[tuple[State, Level], Entitlement]
    operators: tuple[str, ...] = ()  # mail addresses that are told of brakes
    groups: frozenset[str] = frozenset()  # that we manage even where no entitlement gives them (any more)
    sources: SourcePolicy = SourcePolicy()
    portal: PortalPolicy = PortalPolicy()

    def entitlement(self, state: State, level: Level) -> Entitlement:
        return self.entitlements_by_level.get((state, level)) or self.entitlements[state]

    @property
    def managed_groups(self) -> frozenset[str]:
        """Names of all groups whose memberships are ours."""
        return self.groups.union(*(e.groups for e in self._all))

    @property
    def managed_entitlements(self) -> frozenset[str]:
        return frozenset().union(*(e.entitlements for e in self._all))

    @property
    def managed_affiliations(self) -> frozenset[str]:
        return frozenset().union(*(e.affiliations for e in self._all))

    @property
    def _all(self) -> tuple[Entitlement, ...]:
        return (*self.entitlements.values(), *self.entitlements_by_level.values())

"""The entries and memberships a person should have: the place of a new attribute.

Attributes come in three kinds: *owned* ones are ours altogether; *shared* ones hold values of others beside
ours, so only values that we can have written are ever taken away; *initial* ones are written at creation
and then left to the person."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from provisiond.domain.display_names import is_name_of
from provisiond.domain.lifecycle import Standing
from provisiond.domain.listings import LISTING_CLASS, OWNED_LISTING, shown_contact, shown_names
from provisiond.domain.model import Account, Entry, HoldKind, RegistryRecord, State
from provisiond.domain.people import Person
from provisiond.domain.plan import Identity
from provisiond.domain.policy import DirectoryPolicy, Entitlement, Policy

STUDENT_ID_URN = "urn:schac:personalUniqueCode:int:studentID"
LISTED = frozenset({State.ACTIVE, State.ON_LEAVE, State.GRACE})
SHARED = frozenset(
    {
        "objectclass",
        "mail",
        "ou",
        "edupersonaffiliation",
        "edupersonscopedaffiliation",
        "edupersonentitlement",
        "schacpersonaluniquecode",
    }
)
INITIAL = frozenset({"loginshell", "homedirectory", "gidnumber"})
# what goes when it is not wanted any more; the rest is always wanted
OWNED_NAMES = ("cn;lang-zh", "displayname;lang-zh", "givenname")
OWNED_WHEN_ABSENT = (
    *OWNED_NAMES,
    "edupersonprimaryaffiliation",
    "oathtotptoken",
)
# the class that has OpenLDAP's otp overlay ask for a code at bind, of the token that `oathtotptoken` names
CODE_CLASS = "oathTOTPUser"
# of OpenLDAP: a time; of 389-DS: no time, only "true"
ENDS_LOGIN = frozenset({"pwdendtime", "nsaccountlock"})
PERSON_CLASSES = ("top", "person", "organizationalPerson", "inetOrgPerson")


@dataclass(frozen=True, slots=True)
class Desired:
    """What the directory should show. `listing` None: there must be none. `groups`: DNs.

    `ours`: per shared attribute the values that we may take away when they are not wanted any more;
    `owned`, `owned_listing`: attributes to be removed from account and listing where they are not wanted."""

    account: Entry
    listing: Entry | None
    listing_dn: str
    groups: frozenset[str]
    managed_groups: frozenset[str]
    ours: dict[str, frozenset[str]]
    owned: frozenset[str]
    owned_listing: frozenset[str]


def desired(person: Person, identity: Identity, standing: Standing, policy: Policy, zone: tzinfo) -> Desired:
    """The entries of one person."""
    where = policy.directory
    earned = policy.entitlement(standing.state, standing.record.level)
    listing_dn = f"uid={identity.account_name},{where.contacts_base}"
    return Desired(
        account=_account_entry(person, identity, standing, earned, policy, zone),
        listing=_listing_entry(person, identity, standing, where, listing_dn),
        listing_dn=listing_dn,
        groups=frozenset(group_dn(name, where) for name in earned.groups),
        managed_groups=frozenset(group_dn(name, where) for name in policy.managed_groups),
        ours=_ours(person, policy),
        owned=frozenset((*OWNED_WHEN_ABSENT, where.quota_attribute.lower(), where.login_end.lower())),
        owned_listing=frozenset((*OWNED_NAMES, *OWNED_LISTING)),
    )


def group_dn(name: str, where: DirectoryPolicy) -> str:
    """The DN of a group named in an entitlement (settings allow only names that need no escaping)."""
    return f"cn={name},{where.groups_base}"


def login_end(person: Person, standing: Standing, earned: Entitlement, zone: tzinfo) -> str | None:
    """Since when log-in is off (GeneralizedTime, UTC); made of facts only, so that it never drifts."""
    if standing.locked and person.account:
        at = min(hold.set_at for hold in person.account.holds if hold.kind is HoldKind.LOCK)
    elif earned.login:
        return None
    elif standing.expires_on:
        at = _midnight(standing.expires_on + timedelta(days=1), zone)
    else:
        at = _midnight(standing.record.status_on, zone)
    return at.astimezone(UTC).strftime("%Y%m%d%H%M%SZ")


def _ends(since: str | None, where: DirectoryPolicy) -> str | None:
    """As the server's attribute says it."""
    return "true" if since and where.login_end.lower() == "nsaccountlock" else since


def _midnight(day: date, zone: tzinfo) -> datetime:
    return datetime.combine(day, time(), zone)


def display_name(record: RegistryRecord) -> str:
    """The preferred name before the surname, else the whole name, surname first."""
    surname = record.surname or record.given_names
    if record.preferred_name:
        return f"{record.preferred_name} {surname}"
    return f"{surname} {record.given_names if record.surname else ''}".strip()


def chosen_name(account: Account | None, record: RegistryRecord) -> str:
    """The display name that the person chose, as long as it is theirs: after a change of name in the registry
    policy's counts."""
    chosen = account.display_name if account else None
    return chosen if chosen and is_name_of(chosen, record) else display_name(record)


def token_dn(person_id: str, where: DirectoryPolicy) -> str:
    """Where the token of a person's second factor lies; the portal writes it."""
    return f"cn={person_id},{where.tokens_base}"


def asks_for_code(account: Account | None, earned: Entitlement, policy: Policy) -> bool:
    """Whether log-in to the directory itself takes password and code."""
    if account is None or account.second_factor_at is None or not policy.directory.tokens_base:
        return False
    return bool(earned.groups & policy.portal.enforce_second_factor)


def _names(standing: Standing) -> dict[str, str | None]:
    """How a person is called. A single name serves as surname, which `person` demands; Chinese names are kept
    as the registry writes them."""
    record = standing.record
    surname, given = record.surname or record.given_names, record.given_names if record.surname else ""
    full = f"{surname} {given}".strip()
    return {
        "cn": full,
        "sn": surname,
        "givenname": given or None,
        "displayname": display_name(record),
        "cn;lang-zh": record.chinese_name,
        "displayname;lang-zh": record.chinese_name,
        "ou": record.department or None,
    }


def _account_entry(
    person: Person,
    identity: Identity,
    standing: Standing,
    earned: Entitlement,
    policy: Policy,
    zone: tzinfo,
) -> Entry:
    name, where = identity.account_name, policy.directory
    coded = asks_for_code(person.account, earned, policy)
    quota = None if earned.quota_bytes is None else str(earned.quota_bytes)
    single = {
        "uid": name,
        **_names(standing),
        "displayname": chosen_name(person.account, standing.record),
        "edupersonprincipalname": f"{name}@{where.domain}",
        "edupersonuniqueid": f"{person.person_id}@{where.domain}",
        "edupersonprimaryaffiliation": next(iter(earned.affiliations), None),
        "schacpersonaluniquecode": f"{STUDENT_ID_URN}:{where.domain}:{person.student_id}",
        "provisiondpersonid": person.person_id,
        "provisiondstate": standing.state.value,
        "oathtotptoken": token_dn(person.person_id, where) if coded else None,
        where.quota_attribute.lower(): quota,
        where.login_end.lower(): _ends(login_end(person, standing, earned, zone), where),
        **_posix(identity, where),
    }
    classes = (*PERSON_CLASSES, "eduPerson", "schacLinkageIdentifiers", "provisiondObject")
    posix = ("posixAccount",) if where.posix and identity.uid_number else ()
    multiple = {
        "objectclass": (*classes, *posix, *((CODE_CLASS,) if coded else ())),
        "mail": _addresses(person, identity, where),
        "edupersonaffiliation": earned.affiliations,
        "edupersonscopedaffiliation": tuple(f"{a}@{where.domain}" for a in earned.affiliations),
        "edupersonentitlement": tuple(sorted(earned.entitlements)),
    }
    return Entry(f"uid={name},{where.people_base}", _present(single, multiple))


def _posix(identity: Identity, where: DirectoryPolicy) -> dict[str, str | None]:
    if not where.posix or identity.uid_number is None:
        return {}
    return {
        "uidnumber": str(identity.uid_number),
        "gidnumber": str(where.gid_number),
        "homedirectory": where.home_directory.format(account_name=identity.account_name),
        "loginshell": where.login_shell,
    }


def _listing_entry(
    person: Person, identity: Identity, standing: Standing, where: DirectoryPolicy, dn: str
) -> Entry | None:
    """The public contact entry: on activation, never of the unlisted or confidential."""
    account = person.account
    if account is None or account.activated_at is None or account.unlisted or person.confidential:
        return None
    if standing.state not in LISTED:
        return None
    single = {
        "uid": identity.account_name,
        **_names(standing),
        "provisiondpersonid": person.person_id,
    }
    contact = shown_contact(account.contact)
    names = shown_names(account.contact, standing.record, single["cn"] or "")
    classes = (*PERSON_CLASSES, "provisiondObject", *contact.pop("objectclass", ()))
    multiple = {"objectclass": classes, "mail": _addresses(person, identity, where)}
    return Entry(dn, _present(single, multiple) | names | contact)


def _addresses(person: Person, identity: Identity, where: DirectoryPolicy) -> tuple[str, ...]:
    """The lifelong address first; aliases are for life as well."""
    aliases = person.account.aliases if person.account else ()
    return tuple(f"{local}@{where.mail_domain}" for local in (identity.account_name, *aliases))


def _present(
    single: dict[str, str | None], multiple: dict[str, tuple[str, ...]]
) -> dict[str, tuple[str, ...]]:
    present = {name: (value,) for name, value in single.items() if value}
    return present | {name: values for name, values in multiple.items() if values}


def _ours(person: Person, policy: Policy) -> dict[str, frozenset[str]]:
    """Values of shared attributes that only we write: everything any entitlement gives, and the departments
    this person was in. Our mail addresses are for life: none is ever taken away."""
    every = policy.managed_affiliations
    scope = policy.directory.domain
    return {
        "objectclass": frozenset({CODE_CLASS, LISTING_CLASS}),
        "ou": frozenset(r.department for r in (person.account.studies if person.account else ())),
        "edupersonaffiliation": every,
        "edupersonscopedaffiliation": frozenset(f"{a}@{scope}" for a in every),
        "edupersonentitlement": policy.managed_entitlements,
    }

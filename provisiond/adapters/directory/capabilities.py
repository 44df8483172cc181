"""What a server offers beyond plain LDAP, probed once from its rootDSE, and what we do instead where something
lacks: each degradation has a name and a sentence, which `check` tells. Carried out by session.py and writing.py."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from provisiond.adapters.directory.messages import ASSERTION, PERMISSIVE_MODIFY

PAGED_RESULTS = "1.2.840.113556.1.4.319"  # RFC 2696
CONTENT_SYNC = "1.3.6.1.4.1.4203.1.9.1.1"  # RFC 4533
ATTRIBUTES = ("supportedControl", "vendorName", "objectClass")


class Vendor(StrEnum):
    """Servers whose ways beyond the rootDSE we know."""

    OPENLDAP = "OpenLDAP"
    DS389 = "389 Directory Server"
    OTHER = "another server"


class Degradation(StrEnum):
    """What is done with less; the value says how."""

    UNASSERTED_MODIFY = (
        "no assertion control (or no permissive modify): that an entry is ours is guarded by its"
        " provisiondPersonId, taken out and put back in the same modification; each change of an entry reads it"
        " first"
    )
    UNASSERTED_DELETE = (
        "no assertion control: an entry is read just before it is deleted, and must be ours; what others change"
        " in it in between is deleted with it"
    )
    EXACT_MEMBERS = (
        "no permissive modify: where one member is there already, or gone already, the group is read and what is"
        " left is sent"
    )
    UNDATED_LOGIN_END = (
        "log-in is ended by nsAccountLock, which knows no date: it is written once the log-in has ended"
    )
    FULL_AUDIT = (
        "no entryCSN and no content sync: what others changed is found by `provisiond audit` only, not by each"
        " cycle; two changes within one second count as one unless the server numbers them (entryUSN)"
    )
    NO_OTP = "the server does not ask for a one-time code at bind"


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What one server said of itself."""

    vendor: Vendor
    assertion: bool
    permissive_modify: bool
    paged_results: bool
    content_sync: bool

    @classmethod
    def of(cls, root: Mapping[str, Sequence[bytes]]) -> Capabilities:
        """From the attributes of the rootDSE, as read."""
        said = {name.lower(): {value.decode() for value in values} for name, values in root.items()}
        offered = said.get("supportedcontrol", set())
        vendor = _vendor(said.get("objectclass", set()), said.get("vendorname", set()))
        return cls(
            vendor=vendor,
            assertion=ASSERTION in offered,
            # slapd has it and does not say so
            permissive_modify=PERMISSIVE_MODIFY in offered or vendor is Vendor.OPENLDAP,
            paged_results=PAGED_RESULTS in offered,
            content_sync=CONTENT_SYNC in offered,
        )

    @property
    def modify_under_assertion(self) -> bool:
        """Repeatable as well: what is done already is no error."""
        return self.assertion and self.permissive_modify

    @property
    def one_time_codes(self) -> bool:
        """Whether it can ask for one at bind (slapo-otp)."""
        return self.vendor is Vendor.OPENLDAP

    @property
    def degradations(self) -> tuple[Degradation, ...]:
        lacking = {
            Degradation.UNASSERTED_MODIFY: not self.modify_under_assertion,
            Degradation.UNASSERTED_DELETE: not self.assertion,
            Degradation.EXACT_MEMBERS: not self.permissive_modify,
            Degradation.UNDATED_LOGIN_END: self.vendor is Vendor.DS389,
            Degradation.FULL_AUDIT: self.vendor is not Vendor.OPENLDAP,
            Degradation.NO_OTP: not self.one_time_codes,
        }
        return tuple(degradation for degradation, lacks in lacking.items() if lacks)

    @property
    def faults(self) -> list[str]:
        """What nothing can be done without."""
        return [] if self.paged_results else ["directory: the server cannot answer in pages (RFC 2696)"]


def _vendor(classes: Collection[str], names: Collection[str]) -> Vendor:
    if "openldaprootdse" in {name.lower() for name in classes}:
        return Vendor.OPENLDAP
    return Vendor.DS389 if "389 Project" in names else Vendor.OTHER

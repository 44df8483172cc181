"""An account as the portal's identity sees it: what is shown of it, whether the server asks for a code, whether it
lets anybody in at all. Pure; who may see which attribute is decided by the server's access rules."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import ClassVar

from provisiond.adapters.directory.dn import is_under, normalise_dn
from provisiond.domain.model import Attributes, State
from provisiond.ports.portal_directory import Shown

_FOR_GOOD = "0000"  # the year of a lock that no time ends


@dataclass(frozen=True, slots=True)
class SeenAccount:
    """Attributes by lower-case name."""

    ATTRIBUTES: ClassVar = (
        "provisiondState",
        "memberOf",
        "mail",
        "displayName",
        "oathTOTPToken",
        "pwdStartTime",
        "pwdEndTime",
        "pwdAccountLockedTime",
    )

    dn: str
    attributes: Attributes

    @property
    def is_enforced(self) -> bool:
        return "oathtotptoken" in self.attributes

    @property
    def is_pending(self) -> bool:
        return self._first("provisiondstate") == State.PENDING.value

    def is_shut(self, now: datetime, lockout_for: timedelta) -> bool:
        """Whether the server lets nobody in, by its attributes: its answer to a bind does not say why."""
        start, end = self._time("pwdstarttime"), self._time("pwdendtime")
        if (start and start > now) or (end and end <= now) or self._locked_for_good():
            return True
        locked = self._time("pwdaccountlockedtime")
        return locked is not None and now < locked + lockout_for

    def shown(self, groups_base: str, quota: str) -> Shown:
        given = self.attributes
        groups = [dn for dn in given.get("memberof", ()) if is_under(dn, groups_base)]
        bytes_ = self._first(quota.lower())
        return Shown(
            dn=self.dn,
            state=self._first("provisiondstate"),
            groups=frozenset(_name(dn) for dn in groups),
            mail=tuple(given.get("mail", ())),
            display_name=self._first("displayname"),
            quota_bytes=int(bytes_) if bytes_ and bytes_.isdecimal() else None,
        )

    def _first(self, attribute: str) -> str | None:
        return next(iter(self.attributes.get(attribute, ())), None)

    def _locked_for_good(self) -> bool:
        return (self._first("pwdaccountlockedtime") or "").startswith(_FOR_GOOD)

    def _time(self, attribute: str) -> datetime | None:
        """GeneralizedTime as servers write it: UTC, perhaps with a fraction of a second."""
        try:
            at = datetime.strptime((self._first(attribute) or "")[:14], "%Y%m%d%H%M%S")  # noqa: DTZ007
        except ValueError:
            return None
        return at.replace(tzinfo=UTC)


def _name(dn: str) -> str:
    """The value that a group is named by (settings allow only names that need no escaping)."""
    return normalise_dn(dn).partition(",")[0].partition("=")[2]

"""A campus to be attacked: one member, one newcomer, and a session of every kind that the portal's pages are for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from provisiond.portal.visit import Stage
from tests.rigs.campus_portal import Campus
from tests.rigs.intruder import Seat
from tests.rigs.member import Member


@dataclass(frozen=True)
class Prey:
    """A campus with a member, with somebody who has not activated the account, and with somebody whose account was
    activated without the portal."""

    place: Campus
    base: str
    member: Member
    newcomer: str
    phoneless: str

    def seats(self) -> Mapping[str, Seat]:
        """Every kind of session that pages are for."""
        at = self.place.desk.clock.now().isoformat()
        terms = {"terms": self.place.desk.rules.terms_version, "terms_at": at}
        way = terms | {"purpose": "activation", "student": "20000009", "password_at": at}
        mine, lost = self.member.person_id, {"purpose": "forgotten", "second": True}
        return {
            "stranger": Seat(Stage.VISITOR, None, {}),
            "visitor": Seat(Stage.VISITOR, None, terms | {"who": "20000009", "claimed": ""}),
            "proven": Seat(Stage.PROVEN, self.newcomer, way),
            "phone missing": Seat(
                Stage.PROVEN, self.phoneless, terms | {"purpose": "activation", "student": "20000008"}
            ),
            "forgotten": Seat(Stage.PROVEN, mine, lost),
            "new phone": Seat(Stage.PROVEN, mine, {"purpose": "new-phone", "ticket": "0" * 64}),
            "member": Seat(Stage.MEMBER, mine, {}, proved=True),
        }

    def everything(self) -> dict[str, str]:
        """Each entry of the directory as the administrator sees it, but what counts log-ins."""
        found = self.place.rig.client(
            "ldapsearch", "-LLL", "-o", "ldif-wrap=no", "-b", self.place.rig.base, "*"
        )
        assert found.returncode == 0, found.stderr
        entries = [entry for entry in found.stdout.split("\n\n") if entry.strip()]
        return {entry.splitlines()[0]: entry for entry in entries}

"""How attribute names are shown to people: as the schema spells them. Everywhere else they are lower case;
what an attribute means is entries'."""

from __future__ import annotations

_SPELT = (
    "objectClass",
    "givenName",
    "displayName",
    "telephoneNumber",
    "physicalDeliveryOfficeName",
    "labeledURI",
    "eduPersonDisplayPronouns",
    "eduPersonAffiliation",
    "eduPersonEntitlement",
    "eduPersonPrimaryAffiliation",
    "eduPersonPrincipalName",
    "eduPersonScopedAffiliation",
    "eduPersonUniqueId",
    "schacPersonalUniqueCode",
    "provisiondMailQuota",
    "provisiondPersonId",
    "provisiondState",
    "provisiondUniversityOnly",
    "oathTOTPToken",
    "pwdEndTime",
    "uidNumber",
    "gidNumber",
    "homeDirectory",
    "loginShell",
)
_BY_LOWER_CASE = {name.lower(): name for name in _SPELT}


def spelt(attribute: str) -> str:
    """The name with its options; one we do not write stays as it is.

    >>> spelt("displayname;lang-zh")
    'displayName;lang-zh'
    """
    name, semicolon, options = attribute.partition(";")
    return _BY_LOWER_CASE.get(name, name) + semicolon + options

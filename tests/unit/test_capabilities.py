"""What is made of a server's rootDSE."""

from __future__ import annotations

from provisiond.adapters.directory.capabilities import Capabilities, Degradation, Vendor
from provisiond.adapters.directory.messages import ASSERTION


def test_openldap_is_known_by_its_class_and_forgives_without_saying_so() -> None:
    found = Capabilities.of(
        {"objectClass": [b"top", b"OpenLDAProotDSE"], "supportedControl": [ASSERTION.encode()]}
    )
    assert (found.vendor, found.assertion, found.permissive_modify) == (Vendor.OPENLDAP, True, True)
    assert found.degradations == ()


def test_a_server_that_says_nothing_is_degraded_in_every_way_but_its_own_log_in_end() -> None:
    """And one thing nothing can be done without: pages."""
    found = Capabilities.of({"objectclass": [b"top"]})
    assert found.vendor is Vendor.OTHER
    assert set(found.degradations) == set(Degradation) - {Degradation.UNDATED_LOGIN_END}
    assert len(found.faults) == 1


def test_389_directory_server_ends_log_in_without_a_date() -> None:
    found = Capabilities.of({"vendorName": [b"389 Project"], "supportedControl": []})
    assert found.vendor is Vendor.DS389
    assert Degradation.UNDATED_LOGIN_END in found.degradations

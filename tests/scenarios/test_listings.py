"""What students choose of themselves, through the real cycle: contact details, display name, alias, second factor."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from provisiond.domain.model import Audience, ContactDetail, ContactField, Entry, Level, State, Status
from provisiond.domain.orders import Activate, ChooseDisplayName, GiveAlias, Order, SetContact
from provisiond.domain.policy import BrakePolicy, Limit, PortalPolicy
from tests.rigs.lives import BASE, TODAY, a_person, a_policy, entry_with
from tests.rigs.world import World

WHO, DOMAIN = "20000001", "connect.example.edu"
CHAN = a_person(
    WHO, surname="CHAN", given_names="Tai Man", preferred_name=None, level=Level.TAUGHT_POSTGRADUATE
)
TOKENS = f"ou=tokens,{BASE}"


def studying(world: World | None = None) -> World:
    """One active postgraduate."""
    world = world or World()
    world.registry.put(CHAN)
    world.cycle()
    world.order(WHO, Activate(world.clock.now(), "student"))
    world.settle()
    return world


def ordered(world: World, order: Order) -> None:
    """As the portal does it: a fact in the ledger; the next cycle acts, and one more finds nothing to do."""
    world.clock.at += timedelta(minutes=1)
    assert world.order(WHO, order).applied == 1
    assert not world.plan(everyone=True).plan.is_due


def contact(world: World, *details: tuple[ContactField, str, Audience], unlisted: bool = False) -> None:
    given_ = tuple(ContactDetail(*detail) for detail in details)
    ordered(world, SetContact(given_, unlisted, world.clock.now(), "student"))


def account(world: World) -> Entry:
    return world.directory.entries[f"uid={world.account(WHO).account_name},ou=people,{BASE}"]


def listing(world: World) -> Entry | None:
    return world.directory.entries.get(f"uid={world.account(WHO).account_name},ou=contacts,{BASE}")


def shown(world: World, attribute: str) -> tuple[str, ...]:
    entry = listing(world)
    assert entry is not None
    return entry.attributes.get(attribute, ())


def test_details_stand_in_the_listing_by_audience_and_go_again() -> None:
    world = studying()
    contact(
        world,
        (ContactField.TELEPHONE, "+852 2123 4567", Audience.EVERYONE),
        (ContactField.OFFICE, "Room 1", Audience.UNIVERSITY),
        (ContactField.PRONOUNS, "she/her", Audience.NOBODY),
    )
    assert shown(world, "telephonenumber") == ("+852 2123 4567",)
    assert shown(world, "physicaldeliveryofficename") == ("Room 1",)
    assert shown(world, "provisionduniversityonly") == ("physicalDeliveryOfficeName",)
    assert shown(world, "edupersondisplaypronouns") == ()
    assert "provisiondListing" in shown(world, "objectclass")
    assert "telephonenumber" not in account(world).attributes
    contact(world, (ContactField.OFFICE, "Room 1", Audience.EVERYONE))
    assert shown(world, "telephonenumber") == ()
    assert shown(world, "provisionduniversityonly") == ()
    assert "provisiondListing" not in shown(world, "objectclass")


def test_a_preferred_name_is_listed_with_the_surname() -> None:
    world = studying()
    contact(world, (ContactField.PREFERRED_NAME, "Ah Man", Audience.EVERYONE))
    assert shown(world, "displayname") == ("Ah Man CHAN",)
    assert set(shown(world, "cn")) == {"CHAN Tai Man", "Ah Man CHAN"}
    contact(world, (ContactField.PREFERRED_NAME, "Ah Man", Audience.UNIVERSITY))
    assert (shown(world, "displayname"), shown(world, "cn")) == (("Ah Man CHAN",), ("CHAN Tai Man",))
    assert shown(world, "provisionduniversityonly") == ("displayName",)
    contact(world)
    assert shown(world, "displayname") == ("CHAN Tai Man",)
    assert account(world).attributes["displayname"] == ("CHAN Tai Man",)


def test_the_unlisted_and_the_confidential_have_no_listing_whatever_they_tick() -> None:
    everything = (ContactField.TELEPHONE, "+852 2123 4567", Audience.EVERYONE)
    world = studying()
    contact(world, everything, unlisted=True)
    assert listing(world) is None
    contact(world, everything)
    assert shown(world, "telephonenumber") == ("+852 2123 4567",)
    world.registry.put(replace(CHAN, confidential=True))
    world.cycle()
    assert listing(world) is None


def test_somebody_elses_telephone_number_on_the_account_stays() -> None:
    """Contact details are of the listing; on the account such attributes are others'."""
    world = studying()
    dn = account(world).dn
    world.directory.entries[dn] = entry_with(account(world), telephonenumber=("999",))
    contact(world, (ContactField.TELEPHONE, "+852 2123 4567", Audience.EVERYONE))
    contact(world)
    assert account(world).attributes["telephonenumber"] == ("999",)


def test_a_chosen_display_name_holds_until_the_registry_changes_the_surname() -> None:
    world = studying()
    ordered(world, ChooseDisplayName("T. M. Chan", world.clock.now(), "student"))
    assert account(world).attributes["displayname"] == ("T. M. Chan",)
    assert shown(world, "displayname") == ("CHAN Tai Man",)
    world.registry.put(replace(CHAN, surname="WONG"))
    world.cycle()
    assert account(world).attributes["displayname"] == ("WONG Tai Man",)
    assert not world.plan(everyone=True).plan.is_due
    world.registry.put(CHAN)
    world.cycle()
    ordered(world, ChooseDisplayName(None, world.clock.now(), "student"))
    assert account(world).attributes["displayname"] == ("CHAN Tai Man",)


def test_what_a_person_chose_counts_as_no_rename() -> None:
    """On the day the portal opens, hundreds choose; no brake holds them."""
    nobody = BrakePolicy(renames=Limit(0, 0, 0))
    world = studying(World(policy=a_policy(brakes=nobody)))
    contact(world, (ContactField.PREFERRED_NAME, "Ah Man", Audience.EVERYONE))
    ordered(world, ChooseDisplayName("T. M. Chan", world.clock.now(), "student"))
    assert account(world).attributes["displayname"] == ("T. M. Chan",)


def test_an_alias_is_a_further_address_for_life() -> None:
    """Beside the first one, in the listing as well; it outlasts a second one, alumni and a repair."""
    world = studying()
    own = f"{world.account(WHO).account_name}@{DOMAIN}"
    ordered(world, GiveAlias("Tai.Man.Chan", DOMAIN, world.clock.now(), "student"))
    assert account(world).attributes["mail"] == (own, f"Tai.Man.Chan@{DOMAIN}")
    assert shown(world, "mail") == (own, f"Tai.Man.Chan@{DOMAIN}")
    ordered(world, GiveAlias("T.M.Chan", DOMAIN, world.clock.now(), "student"))
    every = {own, f"Tai.Man.Chan@{DOMAIN}", f"T.M.Chan@{DOMAIN}"}
    assert set(account(world).attributes["mail"]) == every
    world.directory.entries[account(world).dn] = entry_with(account(world), mail=(own,))
    world.cycle(everyone=True)
    assert set(account(world).attributes["mail"]) == every
    world.registry.put(replace(CHAN, status=Status.COMPLETED, status_on=TODAY))
    world.sleep_until(TODAY + timedelta(days=200))
    assert world.account(WHO).state is State.ALUMNI
    assert listing(world) is None
    assert set(account(world).attributes["mail"]) == every


def test_no_later_student_gets_an_alias_as_account_name() -> None:
    world = studying()
    ordered(world, GiveAlias("jwong", DOMAIN, world.clock.now(), "student"))
    world.registry.put(a_person("20000002", surname="WONG", given_names="Jane"))
    world.cycle()
    assert world.account("20000002").account_name != "jwong"


def enforcing(groups: frozenset[str]) -> World:
    policy = a_policy(portal=PortalPolicy(enforce_second_factor=groups))
    return studying(World(policy=replace(policy, directory=replace(policy.directory, tokens_base=TOKENS))))


def with_factor(world: World) -> World:
    """As the portal confirms one: from then on the person is due."""
    me = world.account(WHO).person_id
    world.ledger.people[me] = replace(world.ledger.people[me], second_factor_at=world.clock.now())
    world.cycle(everyone=True)
    return world


def test_the_server_asks_for_a_code_only_where_policy_and_person_have_one() -> None:
    world = with_factor(enforcing(frozenset({"students"})))
    assert account(world).attributes["oathtotptoken"] == (f"cn={world.account(WHO).person_id},{TOKENS}",)
    assert "oathTOTPUser" in account(world).attributes["objectclass"]
    assert not world.plan(everyone=True).plan.is_due
    for other in (enforcing(frozenset({"students"})), with_factor(enforcing(frozenset({"alumni"})))):
        assert "oathtotptoken" not in account(other).attributes
        assert "oathTOTPUser" not in account(other).attributes["objectclass"]


def test_the_link_to_the_token_goes_with_the_group_and_all_else_stays() -> None:
    """A class that somebody else put on the entry is not ours to take."""
    world = with_factor(enforcing(frozenset({"students"})))
    entry = account(world)
    world.directory.entries[entry.dn] = entry_with(
        entry, objectclass=(*entry.attributes["objectclass"], "pilotPerson")
    )
    world.registry.put(replace(CHAN, status=Status.ON_LEAVE, status_on=TODAY))
    world.cycle()
    assert "oathtotptoken" not in account(world).attributes
    assert "oathTOTPUser" not in account(world).attributes["objectclass"]
    assert "pilotPerson" in account(world).attributes["objectclass"]


DETAILS = st.builds(
    ContactDetail,
    st.sampled_from(ContactField),
    st.sampled_from(("Ah Man", "a", "CHAN Tai Man", "小明", "+852 2123 4567")),
    st.sampled_from(Audience),
)
CONTACTS = st.lists(DETAILS, unique_by=lambda detail: detail.field, max_size=5).map(tuple)


@settings(max_examples=40)
@given(
    st.lists(
        st.one_of(
            st.builds(lambda d, u: SetContact(d, u, None, "s"), CONTACTS, st.booleans()),  # type: ignore[arg-type]
            st.sampled_from(("T. M. Chan", "Mary Wong", None)).map(
                lambda n: ChooseDisplayName(n, None, "s")  # type: ignore[arg-type]
            ),
            st.sampled_from(("T.Chan", "t.chan", "Tai.Chan")).map(
                lambda a: GiveAlias(a, DOMAIN, None, "s")  # type: ignore[arg-type]
            ),
        ),
        max_size=6,
    )
)
def test_whatever_is_chosen_one_cycle_does_it_and_the_next_finds_nothing(orders: list[Order]) -> None:
    """Converges, and the listing ends as if the last choices had been the only ones."""
    world, fresh = studying(), studying()
    for order in orders:
        assert not isinstance(order, Activate)
        world.clock.at += timedelta(minutes=1)
        world.order(WHO, replace(order, at=world.clock.now()))  # type: ignore[arg-type]
        assert not world.plan(everyone=True).plan.is_due
    me = fresh.account(WHO).person_id
    chosen = world.account(WHO)
    facts = {"contact": chosen.contact, "unlisted": chosen.unlisted, "aliases": chosen.aliases}
    fresh.ledger.people[me] = replace(fresh.ledger.people[me], display_name=chosen.display_name, **facts)  # type: ignore[arg-type]
    fresh.cycle(everyone=True)
    mine, other = listing(world), listing(fresh)
    assert _sets(mine) == _sets(other)
    assert _sets(account(world)) == _sets(account(fresh))


def _sets(entry: Entry | None) -> dict[str, set[str]] | None:
    return {name: set(values) for name, values in entry.attributes.items()} if entry else None

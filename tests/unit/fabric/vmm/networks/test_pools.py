"""Subnets and address pools: ranges that make sense, do not meet, and keep what is leased."""

from __future__ import annotations

import pytest

from fabric.vmm import actions, addresses
from fabric.vmm.errors import Conflict, Invalid
from fabric.vmm.models import AddressLease, AddressPool, VMSubnet
from fabric.vmm.roles import Grant
from tests.factories.vmm import ADMINISTRATOR, NewAdapter, deploy

pools, subnets = actions.pools, actions.subnets


@pytest.fixture
def back(fabric, logical):
    """Return a network that nothing is in."""
    return actions.networks.add_network(
        ADMINISTRATOR, fabric.server, logical_network=logical, name="back"
    )


def add(network, name="second", **values) -> AddressPool:
    return pools.add(ADMINISTRATOR, network.server, network=network, name=name, **values)


def subnet(network, cidr, name="") -> VMSubnet:
    return subnets.add(
        ADMINISTRATOR,
        network.server,
        network=network,
        name=name or f"subnet {network.subnets.count()}",
        cidr=cidr,
    )


class TestSubnets:
    def test_ranges_meet_on_one_logical_network_and_vlan(self, fabric, logical, back):
        assert subnet(back, "10.30.0.0/24").cidr == "10.30.0.0/24"
        with pytest.raises(
            Conflict, match=r"10\.20\.1\.0/24 of .* back overlaps .* front pool .* network front"
        ) as refusal:
            subnet(back, "10.20.1.0/24")
        assert refusal.value.field == "cidr"
        tagged = actions.networks.add_network(
            ADMINISTRATOR,
            fabric.server,
            logical_network=logical,
            name="tagged",
            isolation="VLANNetwork",
            vlan=7,
        )
        assert subnet(tagged, "10.20.1.0/24").network == tagged
        with pytest.raises(Conflict, match=r"tagged overlaps .* front pool \(10\.20\.0\.0/22\)"):
            actions.networks.change_network(ADMINISTRATOR, tagged, isolation="NoIsolation")

    def test_virtualized_networks_are_worlds_of_their_own(self, fabric, virtual):
        red, blue = (
            actions.networks.add_network(
                ADMINISTRATOR,
                fabric.server,
                logical_network=virtual,
                name=name,
                isolation="WindowsNetworkVirtualization",
            )
            for name in ("red", "blue")
        )
        assert subnet(red, "10.20.0.0/24").cidr == subnet(blue, "10.20.0.0/24").cidr
        with pytest.raises(Conflict, match="VM network red overlaps .* VM network red"):
            subnet(red, "10.20.0.0/16")

    def test_both_families_are_there_and_do_not_meet(self, back):
        subnet(back, "10.30.0.0/24")
        assert subnet(back, "2001:DB8::/64").cidr == "2001:db8::/64"
        with pytest.raises(Conflict, match="2001:db8::/48"):
            subnet(back, "2001:db8::/48")

    def test_a_subnet_changes_around_its_pools(self, back):
        there = subnet(back, "10.30.0.0/24", "a")
        pool = add(back, subnet=there, first="10.30.0.18", last="10.30.0.20", gateway="10.30.0.1")
        changed = subnets.change(ADMINISTRATOR, there, cidr="10.30.0.0/25", name="b")
        pool.refresh_from_db()
        assert (changed.name, changed.cidr, pool.cidr) == ("b", "10.30.0.0/25", "10.30.0.0/25")
        with pytest.raises(Conflict, match=r"leaves out 10\.30\.0\.18 of its address pool second"):
            subnets.change(ADMINISTRATOR, there, cidr="10.30.0.0/28")
        with pytest.raises(Conflict, match=r"leaves out 10\.30\.0\.1, the gateway"):
            subnets.change(ADMINISTRATOR, there, cidr="10.30.0.16/28")
        with pytest.raises(Conflict, match="b is used by the address pools second"):
            subnets.remove(ADMINISTRATOR, there)
        pools.remove(ADMINISTRATOR, pool)
        subnets.remove(ADMINISTRATOR, there)


class TestNew:
    def test_all_host_addresses_are_in_it_unless_told(self, back):
        pool = add(back, cidr="10.30.0.0/24", gateway="10.30.0.1", dns=["10.30.0.2", "2001:db8::"])
        assert (pool.first, pool.last, pool.size) == ("10.30.0.1", "10.30.0.254", 254)
        assert pool.subnet.name == "second"
        small = add(
            back,
            "third",
            cidr="2001:DB8::/64",
            first="2001:DB8::10",
            last="2001:db8::1F",
            gateway="FE80::1",
            reserved=[("2001:db8::11", "2001:DB8::12")],
            quarantine_minutes=0,
        )
        assert (small.first, small.last, small.size) == ("2001:db8::10", "2001:db8::1f", 16)
        assert (small.gateway, small.reserved) == ("fe80::1", [["2001:db8::11", "2001:db8::12"]])

    def test_two_pools_share_a_subnet(self, back):
        there = subnet(back, "10.30.0.0/24")
        add(back, "low", subnet=there, last="10.30.0.99")
        pools.add(ADMINISTRATOR, back.server, name="high", subnet=there, first="10.30.0.100")
        add(back, "again", cidr="10.30.1.0/24", last="10.30.1.9")
        assert back.subnets.count() == 2
        with pytest.raises(
            Conflict, match=r"pool mid, .* overlaps the one of pool high"
        ) as refusal:
            add(back, "mid", cidr="10.30.0.0/24", first="10.30.0.150")
        assert refusal.value.field == "first"

    @pytest.mark.parametrize(
        ("values", "says", "field"),
        [
            ({"cidr": "10.1.0.1/24"}, "'10.1.0.1/24' .* is no subnet", "cidr"),
            ({"cidr": ""}, "is no subnet", "cidr"),
            ({"cidr": "10.1.0.0/31"}, "room", "cidr"),
            ({"first": "10.2.0.5"}, "10.2.0.5 of pool second is no host address", "first"),
            ({"last": "10.1.0.255"}, "10.1.0.255", "last"),
            (
                {"first": "10.1.0.9", "last": "10.1.0.5"},
                "first address 10.1.0.9 .*10.1.0.5",
                "first",
            ),
            ({"first": "2001:db8::1"}, "is no IPv4 address, as .* 10.1.0.0/24 has", "first"),
            ({"gateway": "router"}, "'router' is no IP address: the gateway", "gateway"),
            ({"gateway": "10.2.0.1"}, "10.2.0.1 .* not in its subnet 10.1.0.0/24", "gateway"),
            ({"dns": ["10.1.0.2", "dns"]}, "'dns' is no IP address: a DNS server", "dns"),
            ({"reserved": [["10.1.0.9", "10.1.0.5"]]}, "in this order", "reserved"),
            ({"reserved": [["10.1.0.9"]]}, "in this order", "reserved"),
            ({"reserved": [["10.2.0.1", "10.2.0.2"]]}, "not in its subnet", "reserved"),
            ({"quarantine_minutes": -1}, "quarantine", "quarantine_minutes"),
            ({"cidr": "2001:db8::/64"}, "IPv6 pool holds at most 1,048,576 addresses", "last"),
            ({"cidr": "12.0.0.0/7"}, "IPv4 pool holds at most 16,777,216", "last"),
        ],
    )
    def test_what_makes_no_sense_is_refused(self, back, values, says, field):
        with pytest.raises(Invalid, match=says) as refusal:
            add(back, **{"cidr": "10.1.0.0/24"} | values)
        assert refusal.value.field == field

    def test_its_network_and_subnet_belong_together(self, fabric, back):
        theirs = fabric.network.subnets.get()
        with pytest.raises(Invalid, match="one of the VM network front, not of back") as refusal:
            add(back, subnet=theirs)
        assert refusal.value.field == "subnet"
        with pytest.raises(Invalid, match="needs a VM network") as refusal:
            pools.add(ADMINISTRATOR, fabric.server, name="lost", cidr="10.1.0.0/24")
        assert refusal.value.field == "network"


class TestThere:
    @pytest.fixture
    def pool(self, fabric, alice) -> AddressPool:
        """Return the front pool, of which web-01 holds 10.20.0.2 and web-02 10.20.0.3."""
        deploy(fabric, alice)
        deploy(fabric, alice, "web-02")
        return fabric.network.pools.get()

    def test_it_grows_and_shrinks_around_what_is_leased(self, pool):
        changed = pools.change(ADMINISTRATOR, pool, first="10.20.0.2", last="10.20.0.9")
        assert (changed.size, changed.cursor) == (8, 2)
        assert pools.change(ADMINISTRATOR, pool, last="").last == "10.20.3.254"
        assert pools.change(ADMINISTRATOR, pool, first="10.20.0.1").cursor == 3

    @pytest.mark.parametrize(
        ("values", "says", "field"),
        [
            ({"first": "10.20.0.3"}, r"leaves out 10\.20\.0\.2, .* web-01 holds", "first"),
            ({"last": "10.20.0.2"}, r"leaves out 10\.20\.0\.3, .* web-02 holds", "last"),
            ({"gateway": "10.20.0.2"}, "become the gateway: .* web-01 holds it", "gateway"),
            (
                {"reserved": [["10.20.0.3", "10.20.0.200"]]},
                r"10\.20\.0\.3 .* become reserved: .* web-02 holds it",
                "reserved",
            ),
        ],
    )
    def test_nobody_loses_an_address(self, pool, values, says, field):
        with pytest.raises(Conflict, match=says) as refusal:
            pools.change(ADMINISTRATOR, pool, **values)
        assert refusal.value.field == field

    def test_it_is_removed_when_nobody_holds_an_address(self, fabric, pool):
        with pytest.raises(Conflict, match="front pool is used by the machines web-01 and web-02"):
            pools.remove(ADMINISTRATOR, pool)
        addresses.release(fabric.network.adapters.all())
        assert AddressLease.objects.filter(adapter=None).count() == 2
        pools.remove(ADMINISTRATOR, pool)
        assert not AddressLease.objects.exists()

    def test_its_other_values_change(self, pool):
        changed = pools.change(
            ADMINISTRATOR, pool, name="b", gateway=None, dns=["9.9.9.9"], quarantine_minutes=60
        )
        assert (changed.name, changed.gateway, changed.dns) == ("b", None, ["9.9.9.9"])
        assert changed.quarantine_minutes == 60


@pytest.mark.parametrize(
    "values",
    [
        {"gateway": "fe80::1%eth0"},
        {"dns": ["fe80::1%eth0"]},
        {"reserved": [["2001:db8::12%x", "2001:db8::13"]]},
        {"cidr": "2001:db8::%x/64"},
    ],
)
def test_an_address_of_one_computers_interface_is_none(back, values):
    usual = {"cidr": "2001:db8::/64", "first": "2001:db8::10", "last": "2001:db8::20"}
    with pytest.raises(Invalid, match="%") as refusal:
        add(back, **usual | values)
    assert refusal.value.field in values


def test_a_fixed_address_names_no_interface(fabric, alice):
    machine = deploy(fabric, alice)
    add(fabric.network, "six", cidr="2001:db8::/64", last="2001:db8::20")
    with pytest.raises(Invalid, match="no IP address"):
        actions.adapters.attach(alice, machine, network=fabric.network, address="2001:db8::11%eth0")


def test_the_owner_of_a_network_is_told_no_name_of_another_roles_machine(fabric, alice, charlie):
    logical = actions.networks.add_logical(
        ADMINISTRATOR, fabric.server, name="Virtual", is_virtualized=True
    )
    fabric.cloud.logical_networks.add(logical)
    network = actions.networks.add_network(
        alice, fabric.server, logical_network=logical, name="alice's"
    )
    pool = pools.add(alice, fabric.server, network=network, name="hers", cidr="10.9.0.0/24")
    grant = Grant("VMNetwork", network.pk)
    actions.userroles.change(ADMINISTRATOR, charlie.role, add_resources=[grant])
    adapter = NewAdapter(network_id=network.pk)
    machine = deploy(fabric, charlie, "hush", adapters=[adapter])
    held = machine.adapters.get().addresses[0]
    for attempt in (
        lambda caller: actions.networks.remove_network(caller, network),
        lambda caller: pools.remove(caller, pool),
        lambda caller: pools.change(caller, pool, first="10.9.0.200"),
        lambda caller: pools.change(caller, pool, gateway=held),
    ):
        with pytest.raises(Conflict, match="of another user role") as refusal:
            attempt(alice)
        assert "hush" not in refusal.value.message
        with pytest.raises(Conflict, match="hush"):
            attempt(ADMINISTRATOR)
    deploy(fabric, alice, "own", adapters=[adapter])
    with pytest.raises(Conflict, match="used by the machines own"):
        pools.remove(alice, pool)

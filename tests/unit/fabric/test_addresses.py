"""Fixed addresses: what a network's subnets and pools say of one, as VMM would."""

from __future__ import annotations

from ipaddress import IPv4Address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabric import addresses
from fabric.vmm.addresses import places
from fabric.vmm.models import AddressPool

FRONT, BACK = "10.20.0.0/24", "10.20.4.0/22"


@pytest.mark.parametrize(
    ("address", "subnets", "says"),
    [
        ("10.20.9.4", (FRONT,), "10.20.9.4 is not in the network's subnet 10.20.0.0/24."),
        (
            "10.20.9.4",
            (FRONT, BACK),
            "10.20.9.4 is in none of the network's subnets 10.20.0.0/24, 10.20.4.0/22.",
        ),
        ("10.20.9.4", (FRONT, "2001:db8::/64"), "not in the network's subnet 10.20.0.0/24."),
        ("10.20.9.4", ("2001:db8::/64",), "not in the network's subnet 2001:db8::/64"),
        ("10.20.4.0", (FRONT, BACK), "10.20.4.0 is the network address of 10.20.4.0/22"),
        ("10.20.0.255", (FRONT, BACK), "10.20.0.255 is the broadcast address of 10.20.0.0/24"),
        ("127.0.0.1", (), "No machine can have this address."),
        ("10.20.0", (FRONT,), "This is no IPv4 address."),
        ("2001:db8::4", ("2001:db8::/64",), "This is no IPv4 address."),
    ],
)
def test_an_address_no_machine_on_the_network_can_have(address, subnets, says):
    assert says in (addresses.problem(address, subnets) or "")


@pytest.mark.parametrize(
    ("address", "subnets"),
    [
        ("10.20.9.4", ()),
        ("10.20.0.255", ()),
        ("10.20.0.1", (FRONT,)),
        ("10.20.0.254", (FRONT, "2001:db8::/64")),
        ("10.20.7.254", (FRONT, BACK)),
        # What ends one range may be within another.
        ("10.20.0.255", (FRONT, "10.20.0.0/16")),
        # Point to point links and single machines have no addresses to spare.
        ("10.20.0.0", ("10.20.0.0/31",)),
        ("10.20.0.1", ("10.20.0.1/32",)),
    ],
)
def test_an_address_a_machine_on_the_network_may_have(address, subnets):
    assert addresses.problem(address, subnets) is None


@given(st.ip_addresses(v=4, network="10.0.0.0/8"), st.integers(min_value=8, max_value=30))
def test_every_host_of_a_subnet_fits_and_nothing_else(address, length):
    subnet = ip_network("10.96.0.0/12" if length <= 12 else f"10.96.0.0/{length}")
    ends = (subnet.network_address, subnet.broadcast_address)
    fits = addresses.problem(str(address), [str(subnet)]) is None
    assert fits == (address in subnet and address not in ends)


def test_many_subnets_are_named_in_short():
    many = [f"10.20.{n}.0/24" for n in range(9)]
    assert addresses.in_words(many) == ("10.20.0.0/24, 10.20.1.0/24, 10.20.2.0/24, 10.20.3.0/24, …")
    assert addresses.in_words([]) == ""


def pool(first: str, last: str, **keeps) -> dict:
    return {"first": first, "last": last, "reserved": [], "gateways": [], "dns_servers": []} | keeps


LOW = pool(
    "10.20.0.50",
    "10.20.0.99",
    reserved=[["10.20.0.60", "10.20.0.69"]],
    gateways=["10.20.0.50"],
    dns_servers=["10.20.0.53", "192.0.2.53"],
)
HIGH = pool("10.20.4.1", "10.20.4.9")
SIX = pool("2001:db8::1", "2001:db8::ff")


@pytest.mark.parametrize(
    ("address", "pools", "says"),
    [
        (
            "10.20.0.9",
            [LOW],
            "10.20.0.9 is outside the network's address pool 10.20.0.50–10.20.0.99.",
        ),
        (
            "10.20.0.100",
            [LOW, HIGH, SIX],
            "10.20.0.100 is in none of the network's address pools "
            "10.20.0.50–10.20.0.99, 10.20.4.1–10.20.4.9.",
        ),
        ("10.20.0.60", [LOW], "10.20.0.60 is reserved in the network's address pool."),
        ("10.20.0.69", [LOW, HIGH], "10.20.0.69 is reserved in the network's address pool."),
        ("10.20.0.50", [LOW], "10.20.0.50 is the network's gateway; no machine can have it."),
        ("10.20.0.53", [LOW], "10.20.0.53 is a DNS server of the network; no machine can have it."),
        # Where a subnet says it better, it does.
        ("10.20.9.4", [LOW], "10.20.9.4 is in none of the network's subnets"),
        ("10.20.0.255", [LOW], "10.20.0.255 is the broadcast address of 10.20.0.0/24"),
        ("10.20.0.77", [], "The network has no address pool"),
        ("10.20.0.77", [SIX], "The network has no address pool"),
    ],
)
def test_an_address_no_pool_gives(address, pools, says):
    assert says in (addresses.problem(address, (FRONT, BACK), pools) or "")


@pytest.mark.parametrize("address", ["10.20.0.51", "10.20.0.99", "10.20.0.70", "10.20.4.1"])
@pytest.mark.parametrize("subnets", [(), (FRONT, BACK), ("10.99.0.0/24",)])
def test_what_a_pool_gives_is_right_whatever_the_subnets(address, subnets):
    assert addresses.problem(address, subnets, [SIX, LOW, HIGH]) is None


NEAR = st.integers(min_value=0, max_value=40).map(lambda n: str(IPv4Address("10.20.0.0") + n))
RANGES = st.tuples(NEAR, NEAR).map(lambda ends: sorted(ends, key=IPv4Address))


@given(NEAR, RANGES, st.lists(RANGES, max_size=3), NEAR, st.lists(NEAR, max_size=2))
def test_the_rule_is_vmms_own(address, ends, reserved, gateway, dns):
    size = int(IPv4Address(ends[1])) - int(IPv4Address(ends[0])) + 1
    theirs = AddressPool(
        first=ends[0], last=ends[1], size=size, reserved=reserved, gateway=gateway, dns=dns
    )
    place = places.place_of(theirs, IPv4Address(address))
    gives = place is not None and any(a <= place <= b for a, b in places.usable(theirs))
    ours = pool(*ends, reserved=reserved, gateways=[gateway], dns_servers=dns)
    assert (addresses.problem(address, (), [ours]) is None) == gives

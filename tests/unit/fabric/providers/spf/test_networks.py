"""Networks with their subnets and address pools: what is half told is not known."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from fabric.providers import errors
from fabric.providers.base import RemoteNetwork, RemotePool

SETS = ("VMSubnets", "StaticIPAddressPools")
SUBNET, OTHER, OF_BACK = uuid4(), uuid4(), uuid4()


def refusal(status: int) -> httpx.Response:
    return httpx.Response(status, json={"odata.error": {"message": {"value": "no"}}})


@pytest.fixture
def names(far) -> dict[str, UUID]:
    """Three networks over there; front has two subnets, back one, bare none."""
    ids = {"front": uuid4(), "back": uuid4(), "bare": uuid4()}
    far.feed("")
    far.feed("Clouds?", {"ID": str(uuid4()), "Name": "Gold", "LogicalNetworks": []})
    far.feed("VMNetworks", *({"ID": str(id), "Name": name} for name, id in ids.items()))
    far.feed(
        "VMSubnets",
        subnet(ids["front"], "10.20.4.0/24", SUBNET),
        subnet(ids["front"], "10.20.0.0/24", OTHER),
        subnet(ids["back"], "10.30.0.0/24", OF_BACK),
    )
    return ids


def subnet(network: UUID | None, prefix: str | None, id: UUID | None = None) -> dict[str, Any]:
    whose = str(network) if network else None
    return {"ID": str(id or uuid4()), "VMNetworkId": whose, "Subnet": prefix}


def pool(subnet: UUID | None, first: str | None, last: str | None, **more: Any) -> dict[str, Any]:
    row = {"ID": str(uuid4()), "VMSubnetId": str(subnet) if subnet else None}
    return row | {"IPAddressRangeStart": first, "IPAddressRangeEnd": last} | more


LOW = RemotePool("10.20.0.50", "10.20.0.99")
HIGH = RemotePool("10.20.4.1", "10.20.4.9")
SIX = RemotePool("2001:db8::1", "2001:db8::ff")


def told(spf, stamp_id) -> dict[str, RemoteNetwork]:
    return {each.name: each for each in spf.inventory(stamp_id).networks}


def told_subnets(spf, stamp_id) -> dict[str, tuple[str, ...]]:
    return {name: each.subnets for name, each in told(spf, stamp_id).items()}


def told_pools(spf, stamp_id) -> list[tuple[RemotePool, ...] | None]:
    networks = told(spf, stamp_id)
    return [networks[name].pools for name in ("front", "back", "bare")]


def test_prefixes_are_told_lowest_first(far, spf, stamp_id, names):
    prefixes = ("10.20.4.0/24", "2001:db8::/64", "10.20.0.0/24")
    far.feed("VMSubnets", *(subnet(names["front"], each) for each in prefixes))
    assert told_subnets(spf, stamp_id) == {
        "front": ("10.20.0.0/24", "10.20.4.0/24", "2001:db8::/64"),
        "back": (),
        "bare": (),
    }


@pytest.mark.parametrize("odd", [None, "", "10.30.0.0", "front", "10.30.0.0/99"])
def test_half_a_list_of_subnets_is_none(far, spf, stamp_id, names, odd):
    known = subnet(names["front"], "10.20.0.0/24")
    halves = subnet(names["back"], "10.30.0.0/24"), subnet(names["back"], odd)
    far.feed("VMSubnets", known, *halves)
    assert told_subnets(spf, stamp_id) == {"front": ("10.20.0.0/24",), "back": (), "bare": ()}
    far.feed("VMSubnets", known, subnet(None, "10.20.1.0/24"))
    assert not any(told_subnets(spf, stamp_id).values())


def test_pools_are_told_by_their_subnets_lowest_first(far, spf, stamp_id, names):
    far.feed(
        "StaticIPAddressPools",
        pool(OTHER, "2001:db8::1", "2001:db8::ff"),
        pool(SUBNET, "10.20.4.1", " 10.20.4.9 "),
        pool(OTHER, "10.20.0.50", "10.20.0.99"),
    )
    assert told_pools(spf, stamp_id) == [(LOW, HIGH, SIX), (), ()]


def test_a_pool_tells_what_it_keeps_as_far_as_it_can_be_read(far, spf, stamp_id, names):
    keeps = {
        "IPAddressReservedSet": "10.20.0.60-10.20.0.69; 10.20.0.80,x;10.20.0.9-10.20.0.1;::1;",
        "DefaultGatewayIPAddresses": ["10.20.0.50", "fe80::1", "gate"],
        "DNSServers": ["192.0.2.53", None, "10.20.0.053", "10.20.0.54"],
    }
    far.feed("StaticIPAddressPools", pool(OTHER, "10.20.0.50", "10.20.0.99", **keeps))
    assert told_pools(spf, stamp_id)[0] == (
        RemotePool(
            "10.20.0.50",
            "10.20.0.99",
            reserved=(("10.20.0.60", "10.20.0.69"), ("10.20.0.80", "10.20.0.80")),
            gateways=("10.20.0.50",),
            dns_servers=("192.0.2.53", "10.20.0.54"),
        ),
    )


@pytest.mark.parametrize(
    ("first", "last"),
    [
        (None, None),
        ("10.30.0.50", ""),
        ("10.30.0.50", "front"),
        ("10.30.0.50", "10.30.0.4"),
        ("10.30.0.50", "2001:db8::ff"),
    ],
)
def test_half_a_list_of_pools_is_not_known(far, spf, stamp_id, names, first, last):
    known = pool(OTHER, "10.20.0.50", "10.20.0.99")
    far.feed(
        "StaticIPAddressPools",
        known,
        pool(OF_BACK, "10.30.0.1", "10.30.0.9"),
        pool(OF_BACK, first, last),
    )
    assert told_pools(spf, stamp_id) == [(LOW,), None, ()]


@pytest.mark.parametrize("whose", [None, uuid4()])
def test_a_pool_of_nobody_known_makes_all_of_them_unknown(far, spf, stamp_id, names, whose):
    known, odd = (
        pool(OTHER, "10.20.0.50", "10.20.0.99"),
        pool(whose, "10.40.0.1", "10.40.0.9"),
    )
    far.feed("StaticIPAddressPools", known, odd)
    assert told_pools(spf, stamp_id) == [None, None, None]
    assert told_subnets(spf, stamp_id)["back"] == ("10.30.0.0/24",)


def test_no_pools_at_all_is_known(far, spf, stamp_id, names):
    far.feed("StaticIPAddressPools")
    assert told_pools(spf, stamp_id) == [(), (), ()]


@pytest.mark.parametrize("status", [400, 403, 404, 500, 501])
def test_where_a_set_is_not_told_it_is_not_known(far, spf, stamp_id, names, status):
    far.feed("StaticIPAddressPools", pool(OTHER, "10.20.0.50", "10.20.0.99"))
    far.on("GET", "VMSubnets", refusal(status))
    assert told_pools(spf, stamp_id) == [None, None, None]
    assert not any(told_subnets(spf, stamp_id).values())
    far.feed("VMSubnets", subnet(names["front"], "10.20.0.0/24", OTHER))
    far.on("GET", "StaticIPAddressPools", refusal(status))
    assert told_pools(spf, stamp_id) == [None, None, None]
    assert told_subnets(spf, stamp_id)["front"] == ("10.20.0.0/24",)


@pytest.mark.parametrize("name", SETS)
def test_who_is_gone_while_telling_them_is_gone(far, spf, stamp_id, names, name):
    far.on("GET", name, httpx.ConnectTimeout("late"))
    with pytest.raises(errors.NoAnswer):
        spf.inventory(stamp_id)

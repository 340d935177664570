"""A network with IPv4 and IPv6: what its machines get and tell, from the host up to people."""

from __future__ import annotations

import json

import pytest

from fabric.connect import rdp_file
from fabric.models import Machine
from fabric.providers.spf import reading
from fabric.vmm import actions
from fabric.vmm.models import AddressPool
from tests.contract.spf_service.conftest import key, said
from tests.factories.vmm import ADMINISTRATOR, acting_for, deploy, driver, finish

BOTH = ("10.20.0.2", "2001:db8::2")


@pytest.fixture
def machine(fabric, role):
    actions.pools.add(
        ADMINISTRATOR,
        fabric.server,
        network=fabric.network,
        name="front pool 6",
        cidr="2001:db8::/120",
        gateway="2001:db8::1",
    )
    return deploy(fabric, acting_for(role))


def test_the_host_gives_the_guest_both(machine):
    guest = driver(machine.host).guest(machine.pk)
    assert [adapter.addresses for adapter in guest.adapters] == [BOTH]
    assert guest.addresses == BOTH


def test_an_adapter_added_later_has_both_as_well(machine, fabric, role):
    alice = acting_for(role)
    finish(actions.adapters.attach(alice, machine, network=fabric.network))
    guest = driver(machine.host).guest(machine.pk)
    assert guest.addresses == ("10.20.0.2", "10.20.0.3", "2001:db8::2", "2001:db8::3")


def test_spf_tells_them_by_family(tenant, machine, stamp):
    (adapter,) = tenant.rows(f"VirtualNetworkAdapters?$filter=VMId eq guid'{machine.pk}'")
    assert (adapter["IPv4Addresses"], adapter["IPv6Addresses"]) == ([BOTH[0]], [BOTH[1]])
    guest = tenant.row(f"GuestInfos(VMId=guid'{machine.pk}',StampId=guid'{stamp.pk}')")
    assert (guest["IPv4Addresses"], guest["IPv6Addresses"]) == BOTH


def test_people_connect_over_ipv4(tenant, machine):
    (row,) = tenant.rows("VirtualMachines?$expand=VirtualNetworkAdapters")
    addresses = reading.machine(row).addresses
    assert addresses == BOTH
    told = rdp_file(Machine(state="running", addresses=list(addresses))).decode("utf-16")
    assert told.startswith("full address:s:10.20.0.2\r\n")


def test_people_connect_over_ipv6_where_there_is_no_ipv4():
    told = rdp_file(Machine(state="running", addresses=[BOTH[1]])).decode("utf-16")
    assert told.startswith("full address:s:[2001:db8::2]\r\n")


def test_only_machines_that_run_have_guest_information(tenant, machine, role):
    assert len(tenant.rows("GuestInfos")) == 1
    finish(actions.machines.operate(acting_for(role), machine, "Stop"))
    assert tenant.rows("GuestInfos") == []


def test_pools_of_both_families_are_told(tenant, machine, stamp):
    four, six = sorted(tenant.rows("StaticIPAddressPools"), key=lambda row: row["Name"])
    assert (four["IsIPv4"], four["AddressFamily"]) == (True, "InterNetwork")
    assert (six["IsIPv4"], six["AddressFamily"]) == (False, "InterNetworkV6")
    assert six["DefaultGatewayIPAddresses"] == ["2001:db8::1"]
    pool = AddressPool.objects.get(pk=six["ID"])
    assert six["TotalAddresses"] == str(pool.size)
    assert six["ReservedAddresses"] == "1"
    assert six["AvailableAddresses"] == str(pool.size - 2)
    assert tenant.row(key("VMSubnets", six["VMSubnetId"], stamp.pk))["Subnet"] == "2001:db8::/120"


def test_an_order_takes_a_fixed_address(tenant, order, fabric):
    """IPv4Address of an adapter in an order is ours."""
    order["NewVirtualNetworkAdapterInput"][0]["IPv4Address"] = "10.20.0.77"
    answer = tenant.send("POST", "VirtualMachines", order)
    assert answer.status_code == 201, answer.content
    id = json.loads(answer.content)["ID"]
    (adapter,) = tenant.rows(f"VirtualNetworkAdapters?$filter=VMId eq guid'{id}'")
    assert (adapter["IPv4Addresses"], adapter["IPv4AddressType"]) == (["10.20.0.77"], "Static")
    again = tenant.send("POST", "VirtualMachines", order | {"Name": "web-02"})
    assert again.status_code == 409
    assert "leased by the machine web-01" in said(again)


@pytest.mark.parametrize(
    ("address", "status", "says"),
    [
        ("10.99.0.1", 409, "in no address pool of the network front"),
        ("nonsense", 400, "no IP address"),
        ("2001:db8::77", 400, "IPv4Address takes an IPv4 address"),
    ],
)
def test_an_address_that_cannot_be_is_refused(tenant, order, fabric, address, status, says):
    order["NewVirtualNetworkAdapterInput"][0]["IPv4Address"] = address
    answer = tenant.send("POST", "VirtualMachines", order)
    assert (answer.status_code, says in said(answer)) == (status, True), answer.content

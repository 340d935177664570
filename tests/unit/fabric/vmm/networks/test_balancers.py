"""Load balancers and VIP templates: declared, held by clouds."""

from __future__ import annotations

import pytest

from fabric.vmm import actions
from fabric.vmm.errors import Conflict, Denied, Invalid
from tests.factories.vmm import ADMINISTRATOR, make_fabric

balancers = actions.balancers


def add(fabric, name="edge", address="LB1.example.net", **values):
    return balancers.add_balancer(
        ADMINISTRATOR, fabric.server, name=name, address=address, **values
    )


def test_a_load_balancer_is_added_changed_and_removed(fabric, logical):
    edge = add(fabric, manufacturer="Example", host_groups=[fabric.group])
    assert (edge.address, list(edge.host_groups.all())) == ("lb1.example.net", [fabric.group])
    changed = balancers.change_balancer(
        ADMINISTRATOR, edge, address="2001:DB8::1", logical_networks=[logical]
    )
    assert (changed.address, changed.manufacturer) == ("2001:db8::1", "Example")
    with pytest.raises(Conflict, match="Datacenter is used by the VM networks"):
        actions.networks.remove_logical(ADMINISTRATOR, logical)
    fabric.cloud.load_balancers.add(edge)
    with pytest.raises(Conflict, match="edge is used by the clouds Gold"):
        balancers.remove_balancer(ADMINISTRATOR, edge)
    fabric.cloud.load_balancers.clear()
    balancers.remove_balancer(ADMINISTRATOR, edge)


@pytest.mark.parametrize("address", ["", "a b", "-a.example.net", "10.0.0.300", "a..b", "a" * 64])
def test_its_address_is_a_host_name_or_an_address(fabric, address):
    with pytest.raises(Invalid, match="of load balancer edge is neither") as refusal:
        add(fabric, address=address)
    assert refusal.value.field == "address"


def test_it_serves_groups_and_networks_of_its_own_server(fabric):
    stranger = make_fabric()
    for field, value in (
        ("host_groups", [stranger.group]),
        ("logical_networks", [stranger.network.logical_network]),
    ):
        with pytest.raises(Invalid, match="another VMM server") as refusal:
            add(fabric, **{field: value})
        assert refusal.value.field == field


def test_a_vip_template_is_added_changed_and_removed(fabric):
    web = balancers.add_vip(ADMINISTRATOR, fabric.server, name="web", port=443, protocol="HTTPS")
    changed = balancers.change_vip(ADMINISTRATOR, web, port=65_535, is_persistent=True)
    assert (changed.port, changed.protocol, changed.is_persistent) == (65_535, "HTTPS", True)
    fabric.cloud.vip_templates.add(web)
    with pytest.raises(Conflict, match="web is used by the clouds Gold"):
        balancers.remove_vip(ADMINISTRATOR, web)
    fabric.cloud.vip_templates.clear()
    balancers.remove_vip(ADMINISTRATOR, web)


@pytest.mark.parametrize(
    ("field", "value"),
    [("port", 0), ("port", 65_536), ("protocol", "SCTP"), ("method", "Random"), ("name", " ")],
)
def test_a_vip_template_makes_sense(fabric, field, value):
    values = {"name": "web", "port": 80} | {field: value}
    with pytest.raises(Invalid) as refusal:
        balancers.add_vip(ADMINISTRATOR, fabric.server, **values)
    assert refusal.value.field == field


def test_tenants_declare_nothing(fabric, alice):
    edge = add(fabric)
    with pytest.raises(Denied):
        balancers.change_balancer(alice, edge, name="mine")
    with pytest.raises(Denied):
        balancers.add_vip(alice, fabric.server, name="web", port=80)

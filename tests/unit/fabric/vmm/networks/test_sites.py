"""Network sites: which VLANs and ranges are where, and what would be left without."""

from __future__ import annotations

import pytest

from fabric.vmm import actions
from fabric.vmm.errors import Conflict, Denied, Invalid
from fabric.vmm.models import NetworkSite
from tests.factories.vmm import ADMINISTRATOR, deploy, make_fabric

sites = actions.sites


def add(fabric, logical, name="Frankfurt", **values) -> NetworkSite:
    values.setdefault("host_groups", [fabric.group])
    return sites.add(ADMINISTRATOR, fabric.server, logical_network=logical, name=name, **values)


def tagged(fabric, logical, number):
    return actions.networks.add_network(
        ADMINISTRATOR,
        fabric.server,
        logical_network=logical,
        name=f"vlan {number}",
        isolation="VLANNetwork",
        vlan=number,
    )


def test_a_site_is_added_changed_and_removed(fabric, logical):
    vlans = [
        {"vlan": 0, "cidr": ""},
        {"vlan": 7, "cidr": "10.7.0.0/24"},
        {"vlan": 7, "cidr": "2001:DB8:7::/64"},
    ]
    site = add(fabric, logical, vlans=vlans)
    assert site.vlans[2] == {"vlan": 7, "cidr": "2001:db8:7::/64"}
    assert list(site.host_groups.all()) == [fabric.group]
    changed = sites.change(ADMINISTRATOR, site, name="Berlin", vlans=[{"vlan": 8}])
    assert (changed.name, changed.vlans) == ("Berlin", [{"vlan": 8, "cidr": ""}])
    sites.remove(ADMINISTRATOR, site)
    assert not logical.sites.exists()


@pytest.mark.parametrize(
    ("vlans", "error", "says"),
    [
        ([{"vlan": 4095}], Invalid, "from 0 to 4094, not 4095"),
        ([{"cidr": "10.0.0.0/24"}], Invalid, "not None"),
        ([{"vlan": 1, "cidr": "10.0.0.1/24"}], Invalid, "'10.0.0.1/24' of the network site"),
        ([{"vlan": 1}, {"vlan": 1}], Conflict, "Frankfurt has VLAN 1 twice"),
        (
            [{"vlan": 1, "cidr": "10.0.0.0/16"}, {"vlan": 2, "cidr": "10.0.5.0/24"}],
            Conflict,
            r"10\.0\.5\.0/24 \(VLAN 2\) and 10\.0\.0\.0/16 \(VLAN 1\) .* Frankfurt overlap",
        ),
    ],
)
def test_vlans_and_ranges_of_a_site_make_sense(fabric, logical, vlans, error, says):
    with pytest.raises(error, match=says) as refusal:
        add(fabric, logical, vlans=vlans)
    assert refusal.value.field == "vlans"


def test_a_site_is_somewhere_of_its_own_server(fabric, logical):
    with pytest.raises(Invalid, match="at least one host group") as refusal:
        add(fabric, logical, host_groups=[])
    assert refusal.value.field == "host_groups"
    with pytest.raises(Invalid, match="another VMM server") as refusal:
        add(fabric, logical, host_groups=[make_fabric().group])
    assert refusal.value.field == "host_groups"
    add(fabric, logical)
    with pytest.raises(Conflict, match="'Frankfurt'") as conflict:
        add(fabric, logical)
    assert conflict.value.field == "name"


def test_a_vlan_of_a_network_is_in_a_site(fabric, logical):
    network = tagged(fabric, logical, 7)
    with pytest.raises(Conflict, match="vlan 7 has VLAN 7, .* no site of .* Datacenter"):
        add(fabric, logical)
    site = add(fabric, logical, vlans=[{"vlan": 7}])
    with pytest.raises(Invalid, match="VLAN 8 of .* vlan 8 is in no site of .* Datacenter"):
        tagged(fabric, logical, 8)
    with pytest.raises(Conflict, match="vlan 7 has VLAN 7") as refusal:
        sites.change(ADMINISTRATOR, site, vlans=[{"vlan": 9}])
    assert refusal.value.field == "vlans"
    second = add(fabric, logical, "Berlin", vlans=[{"vlan": 9}])
    with pytest.raises(Conflict, match="vlan 7 has VLAN 7"):
        sites.remove(ADMINISTRATOR, site)
    sites.remove(ADMINISTRATOR, second)
    # Without any site every VLAN is there again.
    sites.remove(ADMINISTRATOR, site)
    assert network.vlan == 7


def test_machines_keep_a_site_where_they_are(fabric, alice, logical):
    deploy(fabric, alice)
    below = actions.groups.add(ADMINISTRATOR, fabric.server, name="Below", parent=fabric.group)
    aside = actions.groups.add(ADMINISTRATOR, fabric.server, name="Aside")
    with pytest.raises(Conflict, match="web-01 on host.* Datacenter, .* All hosts") as refusal:
        add(fabric, logical, host_groups=[below, aside])
    assert refusal.value.field == "host_groups"
    site = add(fabric, logical)
    with pytest.raises(Conflict, match="web-01 on host"):
        sites.change(ADMINISTRATOR, site, host_groups=[aside])
    actions.groups.change(ADMINISTRATOR, fabric.group, parent=aside)
    assert sites.change(ADMINISTRATOR, site, host_groups=[aside]).pk == site.pk


def test_tenants_know_no_sites(fabric, alice, logical):
    site = add(fabric, logical)
    with pytest.raises(Denied):
        sites.change(alice, site, name="Mine")
    with pytest.raises(Denied):
        sites.remove(alice, site)
    with pytest.raises(Denied):
        sites.add(
            alice, fabric.server, logical_network=logical, name="Mine", host_groups=[fabric.group]
        )

"""Logical networks and VM networks: isolation, what is in use, and who may author them."""

from __future__ import annotations

import pytest

from fabric.vmm import actions
from fabric.vmm.errors import Conflict, Denied, Invalid, NotFound, QuotaExceeded
from fabric.vmm.models import NetworkAdapter, RoleResource, UserRole, VMNetwork
from fabric.vmm.roles import Caller, ScopeLimits
from tests.factories.vmm import ADMINISTRATOR, acting_for, deploy, driver, make_fabric, make_role

networks = actions.networks


def add(fabric, logical, name="tagged", **values) -> VMNetwork:
    return networks.add_network(
        ADMINISTRATOR, fabric.server, logical_network=logical, name=name, **values
    )


def vlan(fabric, logical, number, name="") -> VMNetwork:
    return add(fabric, logical, name or f"vlan {number}", isolation="VLANNetwork", vlan=number)


def test_a_logical_network_is_changed_and_removed(fabric, logical):
    other = networks.add_logical(ADMINISTRATOR, fabric.server, name="Other")
    changed = networks.change_logical(ADMINISTRATOR, other, name="Lab", is_virtualized=True)
    assert (changed.name, changed.is_virtualized) == ("Lab", True)
    with pytest.raises(Conflict, match="'Datacenter'") as refusal:
        networks.change_logical(ADMINISTRATOR, other, name="Datacenter")
    assert refusal.value.field == "name"
    networks.remove_logical(ADMINISTRATOR, other)
    with pytest.raises(Conflict, match="Datacenter is used by the VM networks front"):
        networks.remove_logical(ADMINISTRATOR, logical)
    alone = networks.add_logical(ADMINISTRATOR, fabric.server, name="Alone")
    fabric.cloud.logical_networks.add(alone)
    with pytest.raises(Conflict, match="Alone is used by the clouds Gold"):
        networks.remove_logical(ADMINISTRATOR, alone)


def test_virtualization_is_needed_by_virtualized_networks(fabric, logical, virtual):
    add(fabric, virtual, "red", isolation="WindowsNetworkVirtualization")
    with pytest.raises(Conflict, match="Virtual needs network virtualization: .* red") as refusal:
        networks.change_logical(ADMINISTRATOR, virtual, is_virtualized=False)
    assert refusal.value.field == "is_virtualized"
    with pytest.raises(Invalid, match="blue cannot be virtualized: .* Datacenter") as invalid:
        add(fabric, logical, "blue", isolation="WindowsNetworkVirtualization")
    assert invalid.value.field == "isolation"


@pytest.mark.parametrize(
    ("values", "says", "field"),
    [
        ({"isolation": "VLANNetwork"}, "tagged needs a VLAN", "vlan"),
        ({"isolation": "VLANNetwork", "vlan": 0}, "from 1 to 4094, not 0", "vlan"),
        ({"isolation": "VLANNetwork", "vlan": 4095}, "from 1 to 4094, not 4095", "vlan"),
        ({"vlan": 7}, "tagged is isolated by VLAN 7 only when", "vlan"),
        ({"isolation": "External", "vlan": 7}, "not 'External'", "vlan"),
        ({"isolation": "Wall"}, "'Wall' is no isolation of tagged", "isolation"),
    ],
)
def test_isolation_and_vlan_go_together(fabric, logical, values, says, field):
    with pytest.raises(Invalid, match=says) as refusal:
        add(fabric, logical, **values)
    assert refusal.value.field == field


def test_a_vlan_belongs_to_one_network_of_a_logical_network(fabric, logical, virtual):
    vlan(fabric, logical, 7)
    vlan(fabric, virtual, 7, "elsewhere")
    with pytest.raises(
        Conflict, match="VLAN 7 of .* Datacenter belongs to .* vlan 7 already; other"
    ):
        vlan(fabric, logical, 7, "other")
    eight = vlan(fabric, logical, 8)
    with pytest.raises(Conflict, match="belongs to the VM network vlan 7") as refusal:
        networks.change_network(ADMINISTRATOR, eight, vlan=7)
    assert refusal.value.field == "vlan"
    assert networks.change_network(ADMINISTRATOR, eight, isolation="NoIsolation").vlan is None
    assert networks.change_network(ADMINISTRATOR, eight, isolation="External", name="out").name


def test_isolation_stays_while_machines_are_attached(fabric, alice):
    deploy(fabric, alice)
    with pytest.raises(Conflict, match="isolation of the VM network front .* web-01") as refusal:
        networks.change_network(ADMINISTRATOR, fabric.network, isolation="External")
    assert refusal.value.field == "isolation"
    named = networks.change_network(ADMINISTRATOR, fabric.network, description="The front")
    assert named.description == "The front"
    with pytest.raises(Conflict, match="front is used by the machines web-01"):
        networks.remove_network(ADMINISTRATOR, fabric.network)


def test_a_network_is_removed_with_its_subnets_and_grants(fabric, logical):
    network = add(fabric, logical)
    actions.subnets.add(ADMINISTRATOR, fabric.server, network=network, name="a", cidr="10.1.0.0/24")
    role = make_role(fabric)
    RoleResource.objects.create(role=role, kind="VMNetwork", resource_id=network.pk)
    networks.remove_network(ADMINISTRATOR, network)
    assert not RoleResource.objects.filter(resource_id=network.pk).exists()
    with pytest.raises(Conflict, match="front is used by the address pools front pool"):
        networks.remove_network(ADMINISTRATOR, fabric.network)


def test_only_the_fabric_changes_the_fabric(fabric, alice, logical):
    for call in (
        lambda: networks.add_logical(alice, fabric.server, name="Mine"),
        lambda: networks.change_logical(alice, logical, name="Mine"),
        lambda: networks.remove_logical(alice, logical),
        lambda: networks.change_network(alice, fabric.network, name="Mine"),
        lambda: networks.remove_network(alice, fabric.network),
    ):
        with pytest.raises(Denied):
            call()
    stranger = make_fabric()
    with pytest.raises(Invalid, match="another VMM server") as refusal:
        networks.add_network(
            ADMINISTRATOR, stranger.server, logical_network=logical, name="crossed"
        )
    assert refusal.value.field == "logical_network"


def test_two_vlan_networks_give_adapters_different_vlans(fabric, logical):
    """A081: what belongs to two customers never meets on a wire."""
    tags = {}
    for number in (11, 12):
        network = vlan(fabric, logical, number)
        machine = deploy(
            fabric,
            ADMINISTRATOR,
            f"web-{number}",
            adapters=[actions.machines.NewAdapter(network_id=network.pk)],
        )
        guest = driver(machine.host).guest(machine.pk)
        assert guest is not None
        tags[number] = [(adapter.network, adapter.vlan) for adapter in guest.adapters]
    assert tags == {11: [("vlan 11", 11)], 12: [("vlan 12", 12)]}


class TestOwn:
    """VM networks of user roles."""

    def author(self, caller: Caller, fabric, logical, name="inside", **values) -> VMNetwork:
        return networks.add_network(
            caller, fabric.server, logical_network=logical, name=name, **values
        )

    def test_a_role_makes_changes_and_removes_its_own(self, fabric, virtual, alice, charlie):
        made = self.author(alice, fabric, virtual)
        assert (made.owner, made.owner_name) == (alice.role, "alice@example.net")
        assert made.isolation == "WindowsNetworkVirtualization"
        assert VMNetwork.objects.visible_to(alice).filter(pk=made.pk).exists()
        assert not VMNetwork.objects.visible_to(charlie).filter(pk=made.pk).exists()
        for call in (networks.change_network, networks.remove_network):
            with pytest.raises(NotFound):
                call(charlie, made)
        assert networks.change_network(alice, made, name="lab").name == "lab"
        networks.remove_network(alice, made)

    def test_it_has_subnets_and_pools_of_its_own(self, fabric, virtual, alice, charlie):
        made = self.author(alice, fabric, virtual)
        pool = actions.pools.add(
            alice, fabric.server, network=made, name="a", cidr="192.168.0.0/24"
        )
        other = self.author(charlie, fabric, virtual, "beside")
        actions.pools.add(charlie, fabric.server, network=other, name="a", cidr="192.168.0.0/24")
        for call in (actions.pools.remove, actions.pools.change):
            with pytest.raises(NotFound):
                call(charlie, pool)
        with pytest.raises(NotFound):
            actions.subnets.remove(charlie, pool.subnet)
        machine = deploy(fabric, alice, adapters=[actions.machines.NewAdapter(network_id=made.pk)])
        assert NetworkAdapter.objects.get(machine=machine).addresses == ["192.168.0.1"]

    def test_only_on_virtualized_networks_of_its_clouds(self, fabric, logical, virtual, alice):
        with pytest.raises(Invalid, match="Datacenter is none") as refusal:
            self.author(alice, fabric, logical)
        assert refusal.value.field == "logical_network"
        with pytest.raises(Invalid, match="must be virtualized") as refusal:
            self.author(alice, fabric, virtual, isolation="NoIsolation")
        assert refusal.value.field == "isolation"
        fabric.cloud.logical_networks.remove(virtual)
        with pytest.raises(NotFound):
            self.author(alice, fabric, virtual)

    def test_without_the_permission_nothing_is_made(self, fabric, virtual, alice):
        made = self.author(alice, fabric, virtual)
        UserRole.objects.filter(pk=alice.role.pk).update(permissions=["Create"])
        alice.role.refresh_from_db()
        with pytest.raises(Denied, match="AuthorVMNetwork"):
            self.author(alice, fabric, virtual, "second")
        with pytest.raises(Denied, match="AuthorVMNetwork"):
            networks.remove_network(alice, made)

    def test_no_more_than_the_role_and_its_members_may_have(self, fabric, virtual, alice):
        role = alice.role
        UserRole.objects.filter(pk=role.pk).update(most_networks=2, member_most_networks=1)
        self.author(alice, fabric, virtual, "one")
        with pytest.raises(QuotaExceeded, match="A member .* may have 1 VM networks: 1 used"):
            self.author(alice, fabric, virtual, "two")
        self.author(acting_for(role, "bob@example.net"), fabric, virtual, "two")
        with pytest.raises(QuotaExceeded, match="may have 2 VM networks: 2 used") as refusal:
            self.author(acting_for(role, "bob@example.net"), fabric, virtual, "three")
        assert (refusal.value.limit, refusal.value.used, refusal.value.wanted) == (2, 2, 1)

    def test_what_a_child_has_counts_as_its_parents(self, fabric, virtual, alice):
        UserRole.objects.filter(pk=alice.role.pk).update(most_networks=1)
        child = actions.userroles.add(
            ADMINISTRATOR,
            name="Shop",
            profile="SelfServiceUser",
            parent=alice.role,
            permissions=["AuthorVMNetwork"],
            scopes=[ScopeLimits(fabric.cloud.pk)],
        )
        self.author(acting_for(child, "bob@example.net"), fabric, virtual, "one")
        for caller in (acting_for(child, "bob@example.net"), alice):
            with pytest.raises(QuotaExceeded, match="may have 1 VM networks: 1 used"):
                self.author(caller, fabric, virtual, "two")

    def test_an_administrator_may_give_one_to_a_role(self, fabric, virtual, alice, charlie):
        made = self.author(ADMINISTRATOR, fabric, virtual, owner=alice.role)
        assert made.isolation == "WindowsNetworkVirtualization"
        assert VMNetwork.objects.visible_to(alice).filter(pk=made.pk).exists()
        with pytest.raises(Denied, match="for another one"):
            self.author(charlie, fabric, virtual, "gift", owner=alice.role)

"""Clouds: nine kinds of elements, and none leaves while a machine needs it."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from fabric.vmm import actions
from fabric.vmm.errors import Conflict, Denied, Invalid, QuotaExceeded
from fabric.vmm.models import Cloud, LoadBalancer, VIPTemplate
from fabric.vmm.roles import Caller
from tests.factories.vmm import (
    ADMINISTRATOR,
    deploy,
    make_fabric,
    make_iso,
    make_role,
    make_share,
    order,
)


def change(fabric, **changes) -> Cloud:
    return actions.clouds.change(ADMINISTRATOR, fabric.cloud, **changes)


@pytest.fixture
def fast(fabric):
    """Return the storage classification of the fabric's volumes."""
    kind = fabric.server.storage_classifications.create(name="Fast")
    for host in fabric.hosts:
        host.volumes.update(classification=kind)
    return kind


def test_a_cloud_is_made_of_nine_kinds(fabric, fast):
    share = make_share(fabric)
    balancer = LoadBalancer.objects.create(server=fabric.server, name="LB", address="192.0.2.1")
    vip = VIPTemplate.objects.create(server=fabric.server, name="HTTPS", port=443)
    small = actions.capability.add(ADMINISTRATOR, fabric.server, name="Small")
    change(
        fabric,
        load_balancers=[balancer],
        vip_templates=[vip],
        classifications=[fast],
        library_shares=[share],
        capability_profiles=[small],
        store=share,
        strategy="packed",
        machines=10,
        points=50,
    )
    deploy(fabric, ADMINISTRATOR)
    with CaptureQueriesContext(connection) as queries:
        found = actions.clouds.elements(Cloud.objects.get(pk=fabric.cloud.pk))
    assert len(queries) == 10
    assert found.host_groups == [fabric.group]
    assert found.logical_networks == [fabric.network.logical_network]
    assert found.vm_networks == [fabric.network]
    assert (found.load_balancers, found.vip_templates) == ([balancer], [vip])
    assert (found.classifications, found.library_shares) == ([fast], [share])
    assert found.capability_profiles == [small]
    told = {each.dimension: (each.limit, each.used) for each in found.capacity}
    assert told["VMCount"] == (10, 1)
    assert told["CustomQuotaCount"] == (50, 1)


def test_what_is_not_said_stays(fabric):
    change(fabric, machines=5, description="General purpose")
    cloud = change(fabric, name="Platinum")
    assert (cloud.name, cloud.machines, cloud.description) == ("Platinum", 5, "General purpose")
    assert cloud.logical_networks.count() == cloud.host_groups.count() == 1
    assert change(fabric, machines=None).machines is None


def test_a_cloud_must_make_sense(fabric):
    with pytest.raises(Invalid, match="Gold needs at least one host group") as refused:
        change(fabric, host_groups=[])
    assert refused.value.field == "host_groups"
    with pytest.raises(Invalid, match="another VMM server"):
        change(fabric, host_groups=[make_fabric().group])
    share = make_share(fabric)
    with pytest.raises(Invalid, match="is no library share of the cloud Gold") as refused:
        change(fabric, library_shares=[], store=share)
    assert refused.value.field == "store"
    with pytest.raises(Invalid, match="most_free, balanced and packed"):
        change(fabric, strategy="random")


def test_a_limit_below_what_is_used_stops_growth_and_nothing_else(fabric):
    deploy(fabric, ADMINISTRATOR)
    change(fabric, cores=0)
    with pytest.raises(QuotaExceeded, match="The cloud Gold may have 0 of virtual processors: 1"):
        order(fabric, ADMINISTRATOR, "web-02")


def test_elements_that_machines_use_do_not_leave(fabric, fast):
    share = make_share(fabric)
    small = actions.capability.add(ADMINISTRATOR, fabric.server, name="Small", most_cores=2)
    tall = actions.capability.add(ADMINISTRATOR, fabric.server, name="Tall", least_cores=3)
    slow = fabric.server.storage_classifications.create(name="Slow")
    other = actions.groups.add(ADMINISTRATOR, fabric.server, name="Other")
    change(
        fabric,
        host_groups=[fabric.group, other],
        classifications=[fast, slow],
        capability_profiles=[small, tall],
    )
    actions.templates.change(ADMINISTRATOR, fabric.template, classification=fast)
    machine = deploy(fabric, ADMINISTRATOR)
    machine.dvds.create(iso=make_iso(fabric, share))
    for kind, staying, named in (
        ("host_groups", [other], "host group All hosts"),
        ("logical_networks", [], "logical network Datacenter"),
        ("classifications", [slow], "storage classification Fast"),
        ("capability_profiles", [tall], "capability profile Small"),
    ):
        with pytest.raises(Conflict, match=f"{named} cannot leave .*machines web-01") as refused:
            change(fabric, **{kind: staying})
        assert refused.value.field == kind
    with pytest.raises(Conflict, match="library share Library cannot leave"):
        change(fabric, library_shares=[], store=None)
    change(fabric, host_groups=[fabric.group], classifications=[fast], capability_profiles=[small])
    change(fabric, classifications=[], capability_profiles=[])


def test_a_group_may_leave_when_one_above_it_stays(fabric):
    top = actions.groups.add(ADMINISTRATOR, fabric.server, name="Top")
    actions.groups.change(ADMINISTRATOR, fabric.group, parent=top)
    deploy(fabric, ADMINISTRATOR)
    assert change(fabric, host_groups=[top]).host_groups.get() == top


def test_a_cloud_in_use_stays(fabric):
    role = make_role(fabric)
    with pytest.raises(Conflict, match=f"Gold is used by the user roles {role.name}"):
        actions.clouds.remove(ADMINISTRATOR, fabric.cloud)
    actions.userroles.remove(ADMINISTRATOR, role)
    order(fabric, ADMINISTRATOR)
    with pytest.raises(Conflict, match="Gold is used by the machines web-01"):
        actions.clouds.remove(ADMINISTRATOR, fabric.cloud)


def test_a_fabric_administrator_changes_only_clouds_of_its_groups(fabric):
    other = actions.groups.add(ADMINISTRATOR, fabric.server, name="Other")
    role = actions.userroles.add(
        ADMINISTRATOR, name="Berlin", profile="DelegatedAdmin", host_groups=[other]
    )
    berlin = Caller(role=role, principal="bob")
    with pytest.raises(Denied, match="Berlin"):
        actions.clouds.change(berlin, fabric.cloud, name="Mine")
    with pytest.raises(Denied, match="Berlin"):
        actions.clouds.remove(berlin, fabric.cloud)
    mine = actions.clouds.add(berlin, fabric.server, name="Mine", host_groups=[other])
    with pytest.raises(Denied, match="Berlin"):
        actions.clouds.change(berlin, mine, host_groups=[other, fabric.group])
    assert Cloud.objects.visible_to(berlin).get() == mine
    actions.clouds.remove(berlin, mine)

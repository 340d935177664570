"""What administrators build a fabric of: every refusal names the thing."""

from __future__ import annotations

from uuid import uuid4

import pytest

from fabric.durable import engine
from fabric.vmm import actions
from fabric.vmm.errors import Conflict, Denied, Invalid
from fabric.vmm.jobs import RECIPES
from fabric.vmm.models import Job, Server
from tests.factories.vmm import ADMINISTRATOR, driver, make_fabric


def test_a_server_is_one_by_its_name(db):
    server = actions.servers.ensure("VMM01.katal.local")
    assert actions.servers.ensure("vmm01.katal.local") == server


def test_a_host_stands_on_the_rack(fabric):
    facts = driver(fabric.hosts[0]).facts()
    assert (facts.cores, facts.memory_mb, facts.storage_gb) == (16, 65_536, 2_000)


def test_names_are_unique_where_they_must_be(fabric):
    server, logical = fabric.server, fabric.network.logical_network
    with pytest.raises(Conflict, match="host group"):
        actions.groups.add(ADMINISTRATOR, server, name="All hosts")
    with pytest.raises(Conflict, match="host01"):
        actions.hosts.add(
            ADMINISTRATOR,
            server,
            group=fabric.group,
            name=fabric.hosts[0].name.upper(),
            cores=1,
            memory_mb=1,
            storage_gb=1,
        )
    with pytest.raises(Conflict, match="'Gold'"):
        actions.clouds.add(ADMINISTRATOR, server, name="Gold", host_groups=[fabric.group])
    with pytest.raises(Conflict, match="'front'"):
        actions.networks.add_network(ADMINISTRATOR, server, logical_network=logical, name="front")
    with pytest.raises(Conflict, match="logical network"):
        actions.networks.add_logical(ADMINISTRATOR, server, name="Datacenter")
    with pytest.raises(Conflict, match="ubuntu.vhdx"):
        actions.library.add_disk(ADMINISTRATOR, server, name="ubuntu.vhdx", size_gb=1)
    actions.profiles.add_hardware(ADMINISTRATOR, server, name="Small", cores=1, memory_mb=1024)
    with pytest.raises(Conflict, match="hardware profile called 'Small'"):
        actions.profiles.add_hardware(ADMINISTRATOR, server, name="Small", cores=2, memory_mb=2048)


def test_values_must_make_sense(fabric):
    server, disk = fabric.server, fabric.template.disk
    with pytest.raises(Invalid, match="size in GB of data.vhdx"):
        actions.library.add_disk(ADMINISTRATOR, server, name="data.vhdx", size_gb=0)
    with pytest.raises(Invalid, match="'BeOS'"):
        actions.templates.add(
            ADMINISTRATOR, server, name="Be", disk=disk, os_type="BeOS", cores=1, memory_mb=512
        )
    data = actions.library.add_disk(ADMINISTRATOR, server, name="data.vhdx", size_gb=5)
    with pytest.raises(Invalid, match="no operating system"):
        actions.templates.add(
            ADMINISTRATOR, server, name="Data", disk=data, os_type="Linux", cores=1, memory_mb=512
        )
    with pytest.raises(Invalid, match="at least one host group"):
        actions.clouds.add(ADMINISTRATOR, server, name="Silver", host_groups=[])
    with pytest.raises(Invalid, match="needs a VLAN"):
        actions.networks.add_network(
            ADMINISTRATOR,
            server,
            logical_network=fabric.network.logical_network,
            name="tagged",
            isolation="VLANNetwork",
        )
    with pytest.raises(Invalid, match="another VMM server"):
        actions.clouds.add(ADMINISTRATOR, server, name="Silver", host_groups=[make_fabric().group])


def test_a_vmm_server_goes_when_nothing_but_history_is_left(fabric):
    with pytest.raises(Conflict, match="used by the hosts"):
        actions.servers.remove(ADMINISTRATOR, fabric.server)
    alone = actions.servers.add(ADMINISTRATOR, name="VMM09.example.net", description="Spare.")
    engine.start(
        Job,
        RECIPES["refresh"],
        subject=uuid4(),
        inputs={},
        server_id=alone.pk,
        target_name="web-01",
    )
    with pytest.raises(Conflict, match="used by the jobs"):
        actions.servers.remove(ADMINISTRATOR, alone)
    alone.jobs.update(state="succeeded")
    actions.servers.remove(ADMINISTRATOR, alone)
    assert list(Server.objects.all()) == [fabric.server]


@pytest.mark.parametrize("name", ["vmm 1", "-vmm", "vmm..net", "vmm_1", "x" * 64])
def test_a_vmm_server_has_the_name_of_a_host(db, name):
    with pytest.raises(Invalid, match="no host name"):
        actions.servers.add(ADMINISTRATOR, name=name)


def test_tenants_and_readers_make_no_vmm_server(alice):
    with pytest.raises(Denied):
        actions.servers.add(alice, name="vmm09.example.net")

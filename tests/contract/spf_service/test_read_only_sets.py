"""Reading what machines and clouds have; some of these sets are only read."""

from __future__ import annotations

from operator import itemgetter

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from fabric.vmm import actions
from fabric.vmm.models import CapabilityProfile, Checkpoint, DVDDrive, LibraryShare, VMNetwork
from tests.contract.spf_service.conftest import key
from tests.factories.vmm import ADMINISTRATOR, acting_for, deploy, make_iso, make_share

SETS = (
    "VMSubnets",
    "StaticIPAddressPools",
    "LibraryShares",
    "ISOs",
    "VirtualDVDDrives",
    "VMCheckPoints",
    "CapabilityProfiles",
    "GuestInfos",
)
ONLY_READ = ("LibraryShares", "ISOs", "CapabilityProfiles", "GuestInfos")


@pytest.fixture
def share(fabric) -> LibraryShare:
    return make_share(fabric)


@pytest.fixture
def profile(fabric) -> CapabilityProfile:
    made = CapabilityProfile.objects.create(
        server=fabric.server, name="Small", most_cores=4, most_disk_gb=100
    )
    fabric.cloud.capability_profiles.add(made)
    return made


@pytest.fixture
def machine(fabric, role, share, profile):
    """Return a machine of alice's with an ISO image in its drive and two checkpoints."""
    made = deploy(fabric, acting_for(role))
    DVDDrive.objects.create(machine=made, iso=make_iso(fabric, share), lun=7)
    parent = None
    for name in ("before", "after"):
        parent = Checkpoint.objects.create(
            machine=made, parent=parent, name=name, cores=1, memory_mb=1024, is_complete=True
        )
    return made


@pytest.mark.parametrize("name", ONLY_READ)
def test_they_are_only_read(name, tenant, machine, stamp):
    (row, *_) = tenant.rows(name)
    keys = "VMId" if name == "GuestInfos" else "ID"
    where = f"{name}({keys}=guid'{row[keys]}',StampId=guid'{stamp.pk}')"
    assert tenant.send("POST", name, {"StampId": stamp.pk, "Name": "x"}).status_code == 405
    assert tenant.send("DELETE", where).status_code == 405
    assert tenant.row(where)[keys] == row[keys]


@pytest.mark.parametrize("name", ["VirtualDVDDrives", "VMCheckPoints", "GuestInfos"])
def test_what_machines_have_is_their_owners(name, tenant, stranger, administrator, machine):
    assert stranger.rows(name) == []
    assert administrator.rows(name) == tenant.rows(name)
    assert {row["VMId"] for row in tenant.rows(name)} == {str(machine.pk)}


def test_what_is_of_a_network_nobody_gave_is_not_there(tenant, administrator, fabric):
    hidden = VMNetwork.objects.create(
        server=fabric.server, logical_network=fabric.network.logical_network, name="back", vlan=77
    )
    actions.pools.add(
        ADMINISTRATOR, fabric.server, network=hidden, name="back pool", cidr="10.77.0.0/24"
    )
    for name in ("VMSubnets", "StaticIPAddressPools"):
        assert len(administrator.rows(name)) == len(tenant.rows(name)) + 1 == 2


def test_on_which_vlan_a_pool_is_tenants_are_not_told(tenant, administrator, fabric):
    VMNetwork.objects.filter(pk=fabric.network.pk).update(vlan=77)
    assert [row["VLanID"] for row in tenant.rows("StaticIPAddressPools")] == [None]
    assert [row["VLanID"] for row in administrator.rows("StaticIPAddressPools")] == [77]


def test_subnets_are_found_by_their_network(tenant, fabric):
    (subnet,) = tenant.rows(f"VMSubnets?$filter=VMNetworkId eq guid'{fabric.network.pk}'")
    assert (subnet["Subnet"], subnet["VMNetworkName"]) == ("10.20.0.0/22", "front")
    (pool,) = tenant.rows(f"StaticIPAddressPools?$filter=VMSubnetId eq guid'{subnet['ID']}'")
    assert (pool["Name"], pool["Subnet"]) == ("front pool", "10.20.0.0/22")
    assert pool["ReservedAddresses"] == "1"


def test_a_machine_leads_to_its_drive_and_checkpoints(tenant, machine, stamp):
    where = key("VirtualMachines", machine.pk, stamp.pk)
    (drive,) = tenant.rows(f"{where}/VirtualDVDDrives")
    assert (drive["Connection"], drive["LUN"]) == ("ISOImage", 7)
    iso = tenant.row(f"{key('VirtualDVDDrives', drive['ID'], stamp.pk)}/ISO")
    assert iso["ID"] == drive["ISOId"]
    shares = tenant.rows("LibraryShares")
    assert [each["ID"] for each in shares] == [iso["LibraryShareId"]]
    after, before = sorted(tenant.rows(f"{where}/VMCheckpoints"), key=itemgetter("Name"))
    assert (before["Name"], before["ParentCheckpointID"]) == ("before", None)
    assert (after["Name"], after["ParentCheckpointID"]) == ("after", before["ID"])
    parent = tenant.row(f"{key('VMCheckPoints', after['ID'], stamp.pk)}/ParentCheckPoint")
    assert parent["Name"] == "before"


def test_a_cloud_leads_to_its_profiles_and_shares(tenant, fabric, profile, share, stamp):
    where = key("Clouds", fabric.cloud.pk, stamp.pk)
    (told,) = tenant.rows(f"{where}/CapabilityProfiles")
    assert (told["Name"], told["CPUCountMaximum"]) == ("Small", 4)
    assert told["VirtualHardDiskSizeMBMaximum"] == "102400"
    assert [each["Name"] for each in tenant.rows(f"{where}/LibraryShares")] == [share.name]


@pytest.mark.parametrize("name", SETS)
def test_more_rows_are_no_more_questions(name, tenant, machine, fabric, role):
    def asked() -> int:
        tenant.rows(name)
        with CaptureQueriesContext(connection) as queries:
            tenant.rows(name)
        return len(queries)

    few = asked()
    other = deploy(fabric, acting_for(role), "web-02")
    DVDDrive.objects.create(machine=other)
    Checkpoint.objects.create(machine=other, name="one", cores=1, memory_mb=1024, is_complete=True)
    for number in (1, 2):
        actions.pools.add(
            ADMINISTRATOR,
            fabric.server,
            network=fabric.network,
            name=f"more {number}",
            cidr=f"10.3{number}.0.0/24",
        )
    assert asked() == few

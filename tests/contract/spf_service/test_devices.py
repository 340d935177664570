"""Disks, DVD drives and network adapters of a machine, written over SPF."""

from __future__ import annotations

import json
import uuid

import pytest
from django.http import HttpResponse

from fabric.vmm import actions
from fabric.vmm.models import DiskDrive, Job, NetworkAdapter, UserRole, VirtualMachine, VMNetwork
from fabric.vmm.roles import Grant
from tests.contract.spf_service.conftest import Caller, done, key, said, texts, xml
from tests.factories.vmm import ADMINISTRATOR, acting_for, deploy, make_iso, make_share

NONE = "00000000-0000-0000-0000-000000000000"
ATTACH = """<?xml version="1.0" encoding="utf-8"?>
<entry xmlns="http://www.w3.org/2005/Atom"
       xmlns:d="http://schemas.microsoft.com/ado/2007/08/dataservices"
       xmlns:m="http://schemas.microsoft.com/ado/2007/08/dataservices/metadata">
 <content type="application/xml"><m:properties>
  <d:ID m:type="Edm.Guid">00000000-0000-0000-0000-000000000000</d:ID>
  <d:StampId m:type="Edm.Guid">{StampId}</d:StampId>
  <d:VMId m:type="Edm.Guid">{VMId}</d:VMId>
  <d:VirtualHardDiskId m:type="Edm.Guid">{VirtualHardDiskId}</d:VirtualHardDiskId>
  <d:SCSI m:type="Edm.Boolean">true</d:SCSI>
  <d:IDE m:null="true" />
  <d:Bus m:type="Edm.Byte">0</d:Bus>
  <d:LUN m:type="Edm.Byte">5</d:LUN>
  <d:Name>data</d:Name>
 </m:properties></content>
</entry>"""


@pytest.fixture
def machine(fabric, role) -> VirtualMachine:
    return deploy(fabric, acting_for(role))


@pytest.fixture
def reader(fabric, machine, role) -> Caller:
    """Return alice's tenant, which may only look and start."""
    UserRole.objects.filter(pk=role.pk).update(permissions=["Start"])
    return Caller(tenant=role.pk)


@pytest.fixture
def data(fabric, role):
    """Return a data disk of the library that alice's tenant may use."""
    disk = actions.library.add_disk(ADMINISTRATOR, fabric.server, name="data.vhdx", size_gb=5)
    actions.userroles.change(ADMINISTRATOR, role, add_resources=[Grant("VirtualHardDisk", disk.pk)])
    return disk


@pytest.fixture
def attach(stamp, machine, data):
    """Return the body of §14.10."""
    return {
        "StampId": stamp.pk,
        "VMId": machine.pk,
        "VirtualHardDiskId": data.pk,
        "SCSI": True,
        "Bus": 0,
        "LUN": 1,
        "FileName": "web-01_data.vhdx",
        "Name": "data",
    }


def made(answer: HttpResponse) -> dict:
    """Return what was made, once the job that makes it has ended well."""
    assert answer.status_code == 201, answer.content
    assert done(answer).state == "succeeded"
    return json.loads(answer.content)


def of(machine: VirtualMachine, caller: Caller, name: str) -> list[dict]:
    """Return the rows of a set that belong to the machine; templates have some as well."""
    return caller.rows(f"{name}?$filter=VMId eq guid'{machine.pk}'")


class TestDisks:
    def test_a_library_disk_is_attached_and_enlarged(self, tenant, attach, stamp, machine):
        """§14.10"""
        answer = tenant.send("POST", "VirtualDiskDrives", attach)
        drive = made(answer)
        where = key("VirtualDiskDrives", drive["ID"], stamp.pk)
        assert answer["Location"].endswith(where)
        assert (drive["BusType"], drive["Bus"], drive["LUN"]) == ("SCSI", 0, 1)
        assert [drive[name] for name in ("SCSI", "IDE", "FileName")] == [None] * 3
        disk = tenant.row(f"{where}/VirtualHardDisk")
        assert (disk["Name"], disk["VMId"]) == ("data", str(machine.pk))
        grown = tenant.send("POST", f"{where}/Expand", {"VirtualHardDiskSizeGB": 60})
        assert done(grown).cmdlet == "Expand-SCVirtualDiskDrive"
        assert tenant.row(where)["Size"] == str(60 * 2**30)

    def test_in_atom(self, tenant, attach, machine):
        answer = tenant.send(
            "POST",
            "VirtualDiskDrives",
            ATTACH.format_map(attach),
            accept=None,
            content_type="application/atom+xml",
        )
        assert answer.status_code == 201, answer.content
        assert texts(xml(answer), "a:content/m:properties/d:LUN") == ["5"]
        done(answer)
        assert machine.disks.get(name="data").lun == 5

    def test_an_empty_disk_has_a_size(self, tenant, attach, machine):
        del attach["VirtualHardDiskId"]
        nothing = tenant.send("POST", "VirtualDiskDrives", attach)
        assert nothing.status_code == 400
        assert "VirtualHardDiskId" in said(nothing)
        made(tenant.send("POST", "VirtualDiskDrives", attach | {"Size": str(7 * 2**30 + 1)}))
        assert machine.disks.get(name="data").size_gb == 8

    def test_a_disk_is_renamed_and_removed(self, tenant, attach, stamp, machine):
        drive = made(tenant.send("POST", "VirtualDiskDrives", attach))
        where = key("VirtualDiskDrives", drive["ID"], stamp.pk)
        renamed = tenant.send("PUT", where, {**tenant.row(where), "Name": "archive"})
        assert Job.objects.get(pk=renamed["x-ms-request-id"]).state == "succeeded"
        assert tenant.row(where)["Name"] == "archive"
        assert done(tenant.send("DELETE", where)).cmdlet == "Remove-SCVirtualDiskDrive"
        assert tenant.get(where).status_code == 404
        assert machine.disks.count() == 1

    @pytest.mark.parametrize(
        ("change", "status", "says"),
        [
            ({"VMId": None}, 400, "VMId is mandatory"),
            ({"VMId": str(uuid.UUID(int=7))}, 400, "VMId names no virtual machine"),
            ({"VirtualHardDiskId": str(uuid.UUID(int=7))}, 400, "VirtualHardDiskId names no"),
            ({"StampId": str(uuid.UUID(int=7))}, 400, "StampId names no stamp"),
            ({"LUN": 0}, 409, "LUN 0"),
            ({"LUN": 64}, 400, "from 0 to 63"),
            ({"Bus": 1}, 400, "Bus"),
            ({"SCSI": None, "IDE": True}, 400, "SCSI"),
            ({"IDE": True}, 400, "either"),
        ],
    )
    def test_what_cannot_be_attached(self, tenant, attach, machine, change, status, says):
        answer = tenant.send("POST", "VirtualDiskDrives", attach | change)
        assert answer.status_code == status, answer.content
        assert says in said(answer)
        assert machine.disks.count() == 1

    def test_the_first_disk_stays(self, tenant, stamp, machine):
        where = key("VirtualDiskDrives", machine.disks.get().pk, stamp.pk)
        answer = tenant.send("DELETE", where)
        assert answer.status_code == 409
        assert "cannot be removed" in said(answer)

    def test_a_request_sent_again_attaches_nothing_twice(self, tenant, attach, machine):
        again = {"X_Ms_Client_Request_Id": str(uuid.uuid4())}
        first = tenant.send("POST", "VirtualDiskDrives", attach, **again)
        second = tenant.send("POST", "VirtualDiskDrives", attach, **again)
        assert (first.status_code, second.status_code) == (201, 201)
        assert first["x-ms-request-id"] == second["x-ms-request-id"]
        assert json.loads(first.content)["ID"] == json.loads(second.content)["ID"]
        done(first)
        assert machine.disks.count() == 2
        other = tenant.send("POST", "VirtualDiskDrives", attach | {"LUN": 2, "Name": "b"}, **again)
        made(other)
        assert machine.disks.count() == 3


class TestDVDDrives:
    @pytest.fixture
    def iso(self, fabric):
        return make_iso(fabric, make_share(fabric))

    def test_an_image_is_put_in_changed_and_ejected(self, tenant, fabric, stamp, machine, iso):
        body = {"StampId": stamp.pk, "VMId": machine.pk, "Bus": 0, "LUN": 1, "ISOId": iso.pk}
        drive = made(tenant.send("POST", "VirtualDVDDrives", body))
        where = key("VirtualDVDDrives", drive["ID"], stamp.pk)
        assert tenant.row(f"{where}/ISO")["Name"] == "tools.iso"
        other = make_iso(fabric, iso.share, "other.iso")
        done(tenant.send("PUT", where, {"ISOId": other.pk}))
        assert tenant.row(where)["ISOId"] == str(other.pk)
        # What was read changes nothing, nor does null.
        jobs = Job.objects.count()
        assert tenant.send("PUT", where, tenant.row(where)).status_code == 204
        assert tenant.send("PUT", where, {"ISOId": None}).status_code == 204
        assert Job.objects.count() == jobs
        held = tenant.send("DELETE", where)
        assert (held.status_code, "Eject" in said(held)) == (409, True)
        done(tenant.send("PUT", where, {"ISOId": NONE}))
        assert tenant.row(where)["ISOId"] is None
        assert tenant.send("DELETE", where).status_code == 204
        assert tenant.rows("VirtualDVDDrives") == []

    def test_an_empty_drive(self, tenant, stamp, machine):
        body = {"StampId": stamp.pk, "VMId": machine.pk, "ISOId": NONE}
        answer = tenant.send("POST", "VirtualDVDDrives", body)
        assert answer.status_code == 201, answer.content
        assert json.loads(answer.content)["Connection"] == "None"
        (job,) = tenant.rows(f"Jobs?$filter=ID eq guid'{answer['x-ms-request-id']}'")
        assert (job["Status"], job["IsCompleted"]) == ("Completed", True)
        assert tenant.send("POST", "VirtualDVDDrives", body).status_code == 409


class TestAdapters:
    @pytest.fixture
    def back(self, fabric, role) -> VMNetwork:
        network = actions.networks.add_network(
            ADMINISTRATOR,
            fabric.server,
            logical_network=fabric.network.logical_network,
            name="back",
        )
        actions.pools.add(
            ADMINISTRATOR, fabric.server, network=network, name="back", cidr="10.30.0.0/24"
        )
        actions.userroles.change(
            ADMINISTRATOR, role, add_resources=[Grant("VMNetwork", network.pk)]
        )
        return network

    def test_an_adapter_is_added_by_the_networks_name(self, tenant, stamp, machine, back):
        body = {
            "StampId": stamp.pk,
            "VMId": machine.pk,
            "VMNetworkName": "back",
            "MACAddressType": "Static",
            "MACAddress": "02-00-00-00-0a-01",
            "IPv4AddressType": "Static",
        }
        adapter = made(tenant.send("POST", "VirtualNetworkAdapters", body))
        told = tenant.row(key("VirtualNetworkAdapters", adapter["ID"], stamp.pk))
        assert told["MACAddress"] == "02:00:00:00:0A:01"
        assert (told["VMNetworkId"], told["SlotId"]) == (str(back.pk), 1)
        (address,) = told["IPv4Addresses"]
        assert address.startswith("10.30.0.")
        pool = back.pools.get()
        assert told["VMSubnetId"] == str(pool.subnet_id)
        assert told["IPv4AddressPoolsId"] == [str(pool.pk)]

    def test_an_adapter_changes_networks_and_addresses(self, tenant, stamp, machine, back):
        (adapter,) = of(machine, tenant, "VirtualNetworkAdapters")
        where = key("VirtualNetworkAdapters", adapter["ID"], stamp.pk)
        jobs = Job.objects.count()
        assert tenant.send("PUT", where, adapter).status_code == 204
        assert Job.objects.count() == jobs
        # The old name comes along with the new id.
        moved = {**adapter, "VMNetworkId": str(back.pk), "IPv4AddressType": "Static"}
        assert done(tenant.send("PUT", where, moved)).state == "succeeded"
        told = tenant.row(where)
        assert told["VMNetworkName"] == "back"
        done(tenant.send("MERGE", where, {"IPv4Addresses": ["10.30.0.77"]}))
        assert tenant.row(where)["IPv4Addresses"] == ["10.30.0.77"]
        done(tenant.send("MERGE", where, {"VMNetworkId": NONE}))
        told = tenant.row(where)
        assert (told["VMNetworkId"], told["IPv4Addresses"]) == (None, [])

    def test_an_adapter_keeps_its_mac(self, tenant, stamp, machine):
        (adapter,) = of(machine, tenant, "VirtualNetworkAdapters")
        where = key("VirtualNetworkAdapters", adapter["ID"], stamp.pk)
        answer = tenant.send("MERGE", where, {"MACAddress": "02:00:00:00:0A:09"})
        assert answer.status_code == 400
        assert "keeps its MAC" in said(answer)

    def test_networks_are_assigned_at_the_machine_too(self, tenant, stamp, machine, back):
        (adapter,) = of(machine, tenant, "VirtualNetworkAdapters")
        where = key("VirtualMachines", machine.pk, stamp.pk)
        assignment = {"VirtualNetworkAdapterID": adapter["ID"], "VMNetworkName": "back"}
        done(tenant.send("MERGE", where, {"VMNetworkAssignments": [assignment]}))
        assert NetworkAdapter.objects.get(pk=adapter["ID"]).network == back

    def test_an_adapter_is_removed(self, tenant, stamp, machine):
        (adapter,) = of(machine, tenant, "VirtualNetworkAdapters")
        done(tenant.send("DELETE", key("VirtualNetworkAdapters", adapter["ID"], stamp.pk)))
        assert of(machine, tenant, "VirtualNetworkAdapters") == []

    @pytest.mark.parametrize(
        ("more", "says"),
        [
            ({}, "VMNetworkId or VMNetworkName is mandatory"),
            ({"VMNetworkName": "nowhere"}, "VMNetworkName names no VM network"),
            ({"VMNetworkName": "front", "MACAddress": "xyz"}, "is no MAC address"),
            ({"VMNetworkName": "front", "IPv4AddressType": "Fixed"}, "Static or Dynamic"),
            ({"VMNetworkName": "front", "IPv4Addresses": ["10.20.0.9", "10.20.0.8"]}, "one"),
        ],
    )
    def test_what_is_no_adapter(self, tenant, stamp, machine, more, says):
        body = {"StampId": stamp.pk, "VMId": machine.pk, **more}
        answer = tenant.send("POST", "VirtualNetworkAdapters", body)
        assert answer.status_code == 400, answer.content
        assert says in said(answer)


SETS = ("VirtualDiskDrives", "VirtualDVDDrives", "VirtualNetworkAdapters")


@pytest.mark.parametrize("name", SETS)
def test_without_the_permission_it_is_refused_in_words(
    name, reader, administrator, stamp, machine, data
):
    body = {
        "StampId": stamp.pk,
        "VMId": machine.pk,
        "VirtualHardDiskId": data.pk,
        "VMNetworkName": "front",
    }
    refused = reader.send("POST", name, body)
    assert refused.status_code == 403
    assert "does not permit" in said(refused)
    assert administrator.send("POST", name, body).status_code == 201


@pytest.mark.parametrize("name", ["VirtualDiskDrives", "VirtualNetworkAdapters"])
def test_to_a_stranger_it_is_not_there(name, tenant, stranger, stamp, machine):
    (row,) = of(machine, tenant, name)
    where = key(name, row["ID"], stamp.pk)
    assert stranger.send("PUT", where, {"Name": "mine", "VMNetworkName": "x"}).status_code == 404
    assert stranger.send("DELETE", where).status_code == 404
    body = {"StampId": stamp.pk, "VMId": machine.pk, "Size": 2**30, "VMNetworkName": "front"}
    answer = stranger.send("POST", name, body)
    assert (answer.status_code, "names no virtual machine" in said(answer)) == (400, True)
    assert DiskDrive.objects.count() == NetworkAdapter.objects.count() == 1

"""The worked examples of checkpoints, disks, networks, usage and VM roles, member by member."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fabric.spf.actions import create_account
from fabric.spf.models import Group
from fabric.vmm import actions
from fabric.vmm.models import Job, LogicalNetwork, VirtualMachine
from fabric.vmm.roles import Grant
from tests.contract.spf_service.conftest import Caller, basic, key, said
from tests.factories.vmm import ADMINISTRATOR, acting_for, deploy, finish

ANY = object()
"""A value that is another each time: an id or a moment."""


@pytest.fixture
def machine(fabric, role) -> VirtualMachine:
    return deploy(fabric, acting_for(role))


def posted(caller: Caller, set_name: str, body: dict[str, Any]) -> dict[str, Any]:
    """Post as the examples do; what a 201 must have is there."""
    answer = caller.send("POST", set_name, body)
    assert answer.status_code == 201, answer.content
    entity = json.loads(answer.content)
    where = key(set_name, entity["ID"], entity["StampId"])
    assert answer["Location"] == f"http://testserver{caller.root}/{where}"
    assert entity.pop("odata.metadata").endswith(f"/$metadata#{set_name}/@Element")
    job = Job.objects.filter(pk=answer["x-ms-request-id"]).first()
    if job is not None and not job.is_final:
        finish(job)
    return entity


def differences(told: dict[str, Any], example: dict[str, Any]) -> dict[str, Any]:
    """Return the members that are not as in the example, or missing, or more."""
    missing = object()
    return {
        name: told.get(name)
        for name in told.keys() | example.keys()
        if told.get(name, missing) != example.get(name, missing)
        and not (name in told and example.get(name) is ANY and told[name] is not None)
    }


def test_a_checkpoint_as_it_is_told(tenant, stamp, machine):
    """§14.9"""
    body = {
        "StampId": stamp.pk,
        "VMId": machine.pk,
        "Name": "before upgrade",
        "Description": "taken by alice",
    }
    told = posted(tenant, "VMCheckPoints", body)
    told = tenant.row(key("VMCheckPoints", told["ID"], stamp.pk))
    del told["odata.metadata"]
    example = {
        "Accessibility": "Public",
        "AddedTime": ANY,
        "CheckpointID": None,
        "Confirm": None,
        "Description": "taken by alice",
        "Enabled": True,
        "ID": ANY,
        "ModifiedTime": ANY,
        "Name": "before upgrade",
        "ParentCheckpointID": None,
        "RunAsynchronously": None,
        "StampId": str(stamp.pk),
        "VMCheckPointAction": None,
        "VMId": str(machine.pk),
    }
    assert differences(told, example) == {}


def test_a_disk_as_it_is_told(tenant, fabric, role, stamp, machine):
    """§14.10"""
    disk = actions.library.add_disk(ADMINISTRATOR, fabric.server, name="data.vhdx", size_gb=5)
    actions.userroles.change(ADMINISTRATOR, role, add_resources=[Grant("VirtualHardDisk", disk.pk)])
    body = {
        "StampId": stamp.pk,
        "VMId": machine.pk,
        "VirtualHardDiskId": disk.pk,
        "SCSI": True,
        "Bus": 0,
        "LUN": 1,
        "FileName": "web-01_data.vhdx",
        "Name": "data",
    }
    told = posted(tenant, "VirtualDiskDrives", body)
    # The disk is a copy of the library's, and the machine is named: the example names neither.
    assert told.pop("VMId") == str(machine.pk)
    assert told.pop("VirtualHardDiskId") != str(disk.pk)
    example = {
        "Accessibility": "Public",
        "AddedTime": ANY,
        "Bus": 0,
        "BusType": "SCSI",
        "Description": "",
        "Enabled": True,
        "FileName": None,
        "HostDrive": None,
        "ID": ANY,
        "IDE": None,
        "ISOId": None,
        "ISOLinked": None,
        "IsVHD": True,
        "LUN": 1,
        "ModifiedTime": ANY,
        "Name": ANY,
        "Path": None,
        "SCSI": None,
        "Size": str(5 * 2**30),
        "StampId": str(stamp.pk),
        "TemplateId": None,
        "VolumeType": "None",
    }
    assert differences(told, example) == {}
    where = key("VirtualDiskDrives", told["ID"], stamp.pk)
    grown = tenant.send("POST", f"{where}/Expand", {"VirtualHardDiskSizeGB": 60})
    assert (grown.status_code, grown.content) == (204, b"")
    assert finish(Job.objects.get(pk=grown["x-ms-request-id"])).state == "succeeded"


def test_a_network_in_the_order_of_the_example(tenant, stamp):
    """§14.11, to the gateway, which this VMM does not have and says so."""
    LogicalNetwork.objects.update(is_virtualized=True)
    logical = tenant.rows("LogicalNetworks?$filter=NetworkVirtualizationEnabled eq true")[0]
    base = {"StampId": stamp.pk}
    network = posted(
        tenant, "VMNetworks", {**base, "Name": "lab", "LogicalNetworkId": logical["ID"]}
    )
    subnet = posted(
        tenant,
        "VMSubnets",
        {**base, "Name": "lab-1", "VMNetworkId": network["ID"], "Subnet": "10.21.1.0/24"},
    )
    pool = posted(
        tenant,
        "StaticIPAddressPools",
        {
            **base,
            "Name": "lab-1-pool",
            "VMSubnetId": subnet["ID"],
            "Subnet": "10.21.1.0/24",
            "IPAddressRangeStart": "10.21.1.4",
            "IPAddressRangeEnd": "10.21.1.254",
            "DNSServers": ["192.0.2.53"],
        },
    )
    assert (pool["VMSubnetId"], pool["TotalAddresses"]) == (subnet["ID"], "251")
    gateway = {**base, "Name": "lab-gw", "VMNetworkId": network["ID"], "RequiresNAT": True}
    for set_name in ("VMNetworkGateways", "NATConnections", "NATRules"):
        refused = tenant.send("POST", set_name, gateway)
        assert refused.status_code in (405, 501), set_name
        assert "no gateways" in said(refused)


def test_usage_is_read_as_in_the_example(stamp):
    """§14.16; with nothing new the array is empty, and what the records hold is told elsewhere."""
    create_account("billing", "a-long-password", [Group.USAGE])
    billing = Caller(authorization=basic("billing", "a-long-password"), principal="")
    answer = billing.get("usage/usage?lastID=4711&batchsize=1000", root="")
    assert (answer.status_code, answer.content) == (200, b"[]")


def test_vm_roles_are_announced_and_not_deployed(tenant):
    """§14.17"""
    assert tenant.rows("CloudServices?api-version=2013-03") == []
    body = {"Name": "shop", "Label": "shop"}
    refused = tenant.send("POST", "CloudServices?api-version=2013-03", body)
    assert refused.status_code in (405, 501)
    assert said(refused)

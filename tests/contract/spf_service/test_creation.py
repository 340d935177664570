"""Machines made of a library disk (§14.5), and what neither a template nor a disk makes."""

from __future__ import annotations

import json

import pytest

from fabric.vmm import actions
from fabric.vmm.models import Job, UserRole, VirtualMachine
from fabric.vmm.roles import Grant
from tests.contract.spf_service.conftest import key, said, texts, xml
from tests.factories.vmm import ADMINISTRATOR

FROM_DISK = """<?xml version="1.0" encoding="utf-8"?>
<entry xmlns="http://www.w3.org/2005/Atom"
       xmlns:d="http://schemas.microsoft.com/ado/2007/08/dataservices"
       xmlns:m="http://schemas.microsoft.com/ado/2007/08/dataservices/metadata">
 <category term="VMM.VirtualMachine"
           scheme="http://schemas.microsoft.com/ado/2007/08/dataservices/scheme" />
 <content type="application/xml"><m:properties>
  <d:StampId m:type="Edm.Guid">{StampId}</d:StampId>
  <d:CloudId m:type="Edm.Guid">{CloudId}</d:CloudId>
  <d:Name>db-01</d:Name>
  <d:VirtualHardDiskId m:type="Edm.Guid">{VirtualHardDiskId}</d:VirtualHardDiskId>
  <d:HardwareProfileId m:type="Edm.Guid">{HardwareProfileId}</d:HardwareProfileId>
  <d:NewVirtualNetworkAdapterInput m:type="Collection(VMM.NewVMVirtualNetworkAdapterInput)">
   <d:element m:type="VMM.NewVMVirtualNetworkAdapterInput">
    <d:VMNetworkName>front</d:VMNetworkName></d:element>
  </d:NewVirtualNetworkAdapterInput>
  <d:StartVM m:type="Edm.Boolean">true</d:StartVM>
 </m:properties></content>
</entry>"""


@pytest.fixture
def medium(fabric, role):
    """Return a hardware profile that alice's tenant may use."""
    profile = actions.profiles.add_hardware(
        ADMINISTRATOR, fabric.server, name="Medium", cores=2, memory_mb=4096
    )
    grant = Grant("HardwareProfile", profile.pk)
    actions.userroles.change(ADMINISTRATOR, role, add_resources=[grant])
    return profile


@pytest.fixture
def of_disk(fabric, stamp):
    """Return the body of an order for a machine of the library's disk, without a size."""
    return {
        "StampId": stamp.pk,
        "CloudId": fabric.cloud.pk,
        "Name": "db-01",
        "VirtualHardDiskId": fabric.template.disk.pk,
    }


def test_a_machine_is_made_of_a_disk_in_atom(tenant, of_disk, medium):
    """§14.5"""
    answer = tenant.send(
        "POST",
        "VirtualMachines",
        FROM_DISK.format_map(of_disk | {"HardwareProfileId": medium.pk}),
        accept=None,
        content_type="application/atom+xml",
    )
    assert answer.status_code == 201, answer.content
    entry = xml(answer)
    for name, value in (("Name", "db-01"), ("CPUCount", "2"), ("Memory", "4096")):
        assert texts(entry, f"a:content/m:properties/d:{name}") == [value]
    machine = VirtualMachine.objects.get()
    assert (machine.template, machine.storage_gb, machine.os_type) == (None, 20, "Linux")
    assert machine.disks.get().image == "ubuntu.vhdx"
    assert machine.adapters.get().network.name == "front"


def test_a_disk_may_come_with_a_size_of_its_own(tenant, of_disk):
    answer = tenant.send("POST", "VirtualMachines", of_disk | {"CPUCount": 3, "Memory": 2048})
    assert answer.status_code == 201, answer.content
    told = json.loads(answer.content)
    assert (told["CPUCount"], told["Memory"]) == (3, 2048)


def test_a_machine_says_what_it_was_made_of(tenant, order, of_disk):
    tenant.send("POST", "VirtualMachines", order | {"CPUCount": 1})
    tenant.send("POST", "VirtualMachines", of_disk | {"CPUCount": 1, "Memory": 1024})
    told = {row["Name"]: row["SourceObjectType"] for row in tenant.rows("VirtualMachines")}
    assert told == {"web-01": "VM Template", "db-01": "Virtual Hard Disk"}


def test_an_order_says_all_that_creation_takes(tenant, order):
    more = {
        "CostCenter": "R&D",
        "DynamicMemoryEnabled": True,
        "HighlyAvailable": True,
        "TimeZone": 110,
        "Domain": "corp.example.net",
        "FullName": "Alice",
        "OrganizationName": "Example",
    }
    answer = tenant.send("POST", "VirtualMachines", order | more)
    assert answer.status_code == 201, answer.content
    told = tenant.row(key("VirtualMachines", json.loads(answer.content)["ID"], order["StampId"]))
    assert (told["CostCenter"], told["DynamicMemoryEnabled"]) == ("R&D", True)
    assert told["IsHighlyAvailable"] is True
    settings = Job.objects.get().inputs["settings"]
    assert settings == {"user": "root", "time_zone": "110", "domain": "corp.example.net"}


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"Domain": "corp.example.net", "WorkGroup": "LAB"}, "not both"),
        ({"ProductKey": "AAAAA-BBBBB-CCCCC-DDDDD-EEEEE"}, "only Windows has a product key"),
        ({"WorkGroup": "x" * 65}, "longer than 64"),
    ],
)
def test_a_set_up_without_sense_is_refused(tenant, order, more, says):
    answer = tenant.send("POST", "VirtualMachines", order | more)
    assert answer.status_code == 400
    assert says in said(answer)
    assert not VirtualMachine.objects.exists()


def test_a_profile_sizes_a_template_too(tenant, order, medium):
    del order["CPUCount"], order["Memory"]
    answer = tenant.send("POST", "VirtualMachines", order | {"HardwareProfileId": medium.pk})
    assert answer.status_code == 201, answer.content
    told = json.loads(answer.content)
    assert (told["CPUCount"], told["Memory"]) == (2, 4096)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"VMTemplateId": "template"}, "either"),
        ({"VirtualHardDiskId": None}, "either"),
        ({}, "HardwareProfileId, or CPUCount and Memory"),
        ({"CPUCount": 2}, "HardwareProfileId, or CPUCount and Memory"),
        ({"HardwareProfileId": "template"}, "no hardware profile"),
        ({"VirtualHardDiskId": "cloud", "CPUCount": 1, "Memory": 512}, "no virtual hard disk"),
        ({"VirtualHardDiskId": "data", "CPUCount": 1, "Memory": 512}, "no operating system"),
    ],
)
def test_what_makes_no_machine_is_refused(tenant, fabric, role, of_disk, change, says):
    data = actions.library.add_disk(ADMINISTRATOR, fabric.server, name="data.vhdx", size_gb=5)
    grant = Grant("VirtualHardDisk", data.pk)
    actions.userroles.change(ADMINISTRATOR, role, add_resources=[grant])
    ids = {"template": fabric.template.pk, "cloud": fabric.cloud.pk, "data": data.pk}
    body = of_disk | {name: ids.get(value, value) for name, value in change.items()}
    answer = tenant.send("POST", "VirtualMachines", body)
    assert answer.status_code == 400, answer.content
    assert says in said(answer)
    assert not VirtualMachine.objects.exists()


def test_another_tenants_disk_is_not_there(stranger, fabric, of_disk):
    role = UserRole.objects.get(pk=stranger.tenant)
    actions.userroles.change(ADMINISTRATOR, role, resources=[])
    answer = stranger.send("POST", "VirtualMachines", of_disk | {"CPUCount": 1, "Memory": 512})
    assert answer.status_code == 400
    assert "no virtual hard disk" in said(answer)

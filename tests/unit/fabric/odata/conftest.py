"""A small service in the image of SPF: two-key, one-key and text-key sets, a stream, an action."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings

from fabric.odata.schema import ComplexType, EntitySet, EntityType, Model, Nav, Prop

# A busy machine is no reason for a property to be false.
settings.register_profile(
    "patient", deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=60
)
settings.load_profile("patient")

ROOT = "https://spf.example.net:8090/SC2012R2/VMM/Microsoft.Management.Odata.svc/"

_ID = (Prop("ID", "Guid", nullable=False), Prop("StampId", "Guid", nullable=False))


@pytest.fixture(scope="session")
def model() -> Model:
    owner = ComplexType(
        "UserAndRole",
        (Prop("UserName", "String"), Prop("RoleName", "String"), Prop("RoleID", "Guid")),
    )
    adapter_input = ComplexType(
        "NewVMVirtualNetworkAdapterInput",
        (Prop("VMNetworkName", "String"), Prop("VLanEnabled", "Boolean"), Prop("VLanId", "Int16")),
    )
    message = ComplexType("Message", (Prop("Text", "String"),), "MicrosoftCompute")
    machine = EntityType(
        "VirtualMachine",
        "VMM",
        ("ID", "StampId"),
        (
            *_ID,
            Prop("Name", "String"),
            Prop("CPUCount", "Byte"),
            Prop("Memory", "Int32"),
            Prop("Enabled", "Boolean"),
            Prop("TotalSize", "Int64"),
            Prop("QuotaPoint", "Decimal"),
            Prop("Load", "Double"),
            Prop("Thumbprint", "Binary"),
            Prop("AddedTime", "DateTime"),
            Prop("VMId", "Guid"),
            Prop("Operation", "String"),
            Prop("Owner", "Complex:UserAndRole"),
            Prop("Tags", "Collection(String)"),
            Prop("Ports", "Collection(Int32)"),
            Prop(
                "NewVirtualNetworkAdapterInput",
                "Collection(Complex:NewVMVirtualNetworkAdapterInput)",
            ),
        ),
        navs=(
            Nav("VirtualNetworkAdapters", "VirtualNetworkAdapters", many=True),
            Nav("Cloud", "Clouds", many=False),
        ),
        stream="VMConnection",
        actions=("Expand",),
    )
    cloud = EntityType(
        "Cloud",
        "VMM",
        ("ID", "StampId"),
        (
            *_ID,
            Prop("Name", "String"),
            Prop("Description", "String"),
            Prop("LastModifiedDate", "DateTime"),
            Prop("WritableLibraryPath", "String"),
            Prop("UserRoleID", "Guid"),
        ),
        navs=(Nav("LogicalNetworks", "LogicalNetworks", many=True),),
    )
    adapter = EntityType(
        "VirtualNetworkAdapter",
        "VMM",
        ("ID", "StampId"),
        (*_ID, Prop("IPv4Addresses", "Collection(String)"), Prop("MACAddress", "String")),
        navs=(Nav("LogicalNetwork", "LogicalNetworks", many=False),),
    )
    network = EntityType("LogicalNetwork", "VMM", ("ID", "StampId"), (*_ID, Prop("Name", "String")))
    role = EntityType(
        "UserRole",
        "VMM",
        ("ID",),
        (_ID[0], Prop("Name", "String")),
        (Nav("Clouds", "Clouds", True),),
    )
    service = EntityType(
        "CloudService",
        "MicrosoftCompute",
        ("Name",),
        (Prop("Name", "String", nullable=False), Prop("Last", "Complex:Message")),
        (Nav("Resources", "CloudResources", True),),
    )
    resource = EntityType(
        "CloudResource", "MicrosoftCompute", ("Kind",), (Prop("Kind", "String", nullable=False),)
    )
    types = {
        "VirtualMachines": machine,
        "Clouds": cloud,
        "VirtualNetworkAdapters": adapter,
        "LogicalNetworks": network,
        "UserRoles": role,
        "CloudServices": service,
        "CloudResources": resource,
    }
    return Model(
        "VMM",
        "VMM",
        {name: EntitySet(name, entity) for name, entity in types.items()},
        {each.name: each for each in (owner, adapter_input, message)},
    )


@pytest.fixture(scope="session")
def root() -> str:
    return ROOT

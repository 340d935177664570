"""A small service in the image of SPF: two-key, one-key and text-key sets, a stream, an action."""

from __future__ import annotations

import pytest

from fabric.odata.schema import ComplexType, EntitySet, EntityType, Model, Nav, Prop

ROOT = "https://spf.example.net:8090/SC2012R2/VMM/Microsoft.Management.Odata.svc/"

_ID = (Prop("ID", "Guid", nullable=False), Prop("StampId", "Guid", nullable=False))

OWNER = ComplexType(
    "UserAndRole",
    (Prop("UserName", "String"), Prop("RoleName", "String"), Prop("RoleID", "Guid")),
)
ADAPTER_INPUT = ComplexType(
    "NewVMVirtualNetworkAdapterInput",
    (Prop("VMNetworkName", "String"), Prop("VLanEnabled", "Boolean"), Prop("VLanId", "Int16")),
)
MESSAGE = ComplexType("Message", (Prop("Text", "String"),), "MicrosoftCompute")
MACHINE = EntityType(
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
    parameters=(("Expand", (Prop("SizeGB", "Int32"),)),),
)
CLOUD = EntityType(
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
ADAPTER = EntityType(
    "VirtualNetworkAdapter",
    "VMM",
    ("ID", "StampId"),
    (*_ID, Prop("IPv4Addresses", "Collection(String)"), Prop("MACAddress", "String")),
    navs=(Nav("LogicalNetwork", "LogicalNetworks", many=False),),
)
NETWORK = EntityType("LogicalNetwork", "VMM", ("ID", "StampId"), (*_ID, Prop("Name", "String")))
ROLE = EntityType(
    "UserRole",
    "VMM",
    ("ID",),
    (_ID[0], Prop("Name", "String")),
    (Nav("Clouds", "Clouds", True),),
)
SERVICE = EntityType(
    "CloudService",
    "MicrosoftCompute",
    ("Name",),
    (Prop("Name", "String", nullable=False), Prop("Last", "Complex:Message")),
    (Nav("Resources", "CloudResources", True),),
)
RESOURCE = EntityType(
    "CloudResource", "MicrosoftCompute", ("Kind",), (Prop("Kind", "String", nullable=False),)
)


@pytest.fixture(scope="session")
def model() -> Model:
    types = {
        "VirtualMachines": MACHINE,
        "Clouds": CLOUD,
        "VirtualNetworkAdapters": ADAPTER,
        "LogicalNetworks": NETWORK,
        "UserRoles": ROLE,
        "CloudServices": SERVICE,
        "CloudResources": RESOURCE,
    }
    return Model(
        "VMM",
        "VMM",
        {name: EntitySet(name, entity) for name, entity in types.items()},
        {each.name: each for each in (OWNER, ADAPTER_INPUT, MESSAGE)},
    )


@pytest.fixture(scope="session")
def root() -> str:
    return ROOT

"""The rows of VMM; one noun a file."""

from fabric.vmm.models.cloud import Cloud
from fabric.vmm.models.device import AddressType, DiskDrive, NetworkAdapter
from fabric.vmm.models.host import Host, HostGroup
from fabric.vmm.models.job import Job
from fabric.vmm.models.library import HardwareProfile, OSType, VirtualHardDisk, VMTemplate
from fabric.vmm.models.machine import StartAction, StopAction, VirtualMachine
from fabric.vmm.models.network import (
    AddressLease,
    AddressPool,
    Isolation,
    LogicalNetwork,
    VMNetwork,
)
from fabric.vmm.models.performance import Frame, Performance
from fabric.vmm.models.server import Server
from fabric.vmm.models.userrole import ResourceKind, RoleProfile, RoleResource, RoleScope, UserRole

__all__ = [
    "AddressLease",
    "AddressPool",
    "AddressType",
    "Cloud",
    "DiskDrive",
    "Frame",
    "HardwareProfile",
    "Host",
    "HostGroup",
    "Isolation",
    "Job",
    "LogicalNetwork",
    "NetworkAdapter",
    "OSType",
    "Performance",
    "ResourceKind",
    "RoleProfile",
    "RoleResource",
    "RoleScope",
    "Server",
    "StartAction",
    "StopAction",
    "UserRole",
    "VMNetwork",
    "VMTemplate",
    "VirtualHardDisk",
    "VirtualMachine",
]

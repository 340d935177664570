"""The rows of VMM; one noun a file."""

from fabric.vmm.models.account import RunAsAccount
from fabric.vmm.models.address import AddressLease, AddressPool, MACPool
from fabric.vmm.models.balancer import BalancingMethod, LoadBalancer, Protocol, VIPTemplate
from fabric.vmm.models.capability import CapabilityProfile, Platform
from fabric.vmm.models.cloud import Cloud, Strategy
from fabric.vmm.models.device import AddressType, Checkpoint, DiskDrive, DVDDrive, NetworkAdapter
from fabric.vmm.models.drift import Drift, DriftKind, DriftState
from fabric.vmm.models.host import Health, Host, HostGroup, StorageVolume
from fabric.vmm.models.job import Job
from fabric.vmm.models.library import (
    FileKind,
    LibraryFile,
    LibraryServer,
    LibraryShare,
    OSType,
    VirtualHardDisk,
)
from fabric.vmm.models.machine import (
    AffinityKind,
    AffinitySet,
    StartAction,
    StopAction,
    VirtualMachine,
)
from fabric.vmm.models.network import Isolation, LogicalNetwork, NetworkSite, VMNetwork, VMSubnet
from fabric.vmm.models.performance import Frame, Performance
from fabric.vmm.models.server import Server
from fabric.vmm.models.storage import StorageClassification
from fabric.vmm.models.template import GuestProfile, HardwareProfile, TemplateDisk, VMTemplate
from fabric.vmm.models.usage import (
    AdapterPresence,
    Allocation,
    LastCurve,
    Meter,
    Metered,
    UsageRecord,
)
from fabric.vmm.models.userrole import ResourceKind, RoleProfile, RoleResource, RoleScope, UserRole

__all__ = [
    "AdapterPresence",
    "AddressLease",
    "AddressPool",
    "AddressType",
    "AffinityKind",
    "AffinitySet",
    "Allocation",
    "BalancingMethod",
    "CapabilityProfile",
    "Checkpoint",
    "Cloud",
    "DVDDrive",
    "DiskDrive",
    "Drift",
    "DriftKind",
    "DriftState",
    "FileKind",
    "Frame",
    "GuestProfile",
    "HardwareProfile",
    "Health",
    "Host",
    "HostGroup",
    "Isolation",
    "Job",
    "LastCurve",
    "LibraryFile",
    "LibraryServer",
    "LibraryShare",
    "LoadBalancer",
    "LogicalNetwork",
    "MACPool",
    "Meter",
    "Metered",
    "NetworkAdapter",
    "NetworkSite",
    "OSType",
    "Performance",
    "Platform",
    "Protocol",
    "ResourceKind",
    "RoleProfile",
    "RoleResource",
    "RoleScope",
    "RunAsAccount",
    "Server",
    "StartAction",
    "StopAction",
    "StorageClassification",
    "StorageVolume",
    "Strategy",
    "TemplateDisk",
    "UsageRecord",
    "UserRole",
    "VIPTemplate",
    "VMNetwork",
    "VMSubnet",
    "VMTemplate",
    "VirtualHardDisk",
    "VirtualMachine",
]

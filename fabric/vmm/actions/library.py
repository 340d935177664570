"""The library: disks, templates, hardware profiles."""

from __future__ import annotations

from fabric.vmm import roles
from fabric.vmm.actions import fields
from fabric.vmm.errors import Invalid
from fabric.vmm.models import (
    Cloud,
    HardwareProfile,
    OSType,
    Server,
    VirtualHardDisk,
    VMTemplate,
)
from fabric.vmm.roles import Caller


def add_disk(
    caller: Caller,
    server: Server,
    *,
    name: str,
    size_gb: int,
    os_name: str = "",
    source_image: str = "",
    description: str = "",
) -> VirtualHardDisk:
    """Add a virtual hard disk; the image that hosts copy is called like it unless said."""
    roles.require_fabric(caller)
    cleaned = fields.name(name, "virtual hard disk", longest=100)
    fields.require_free(server.library_disks.filter(name=cleaned), "virtual hard disk", cleaned)
    return VirtualHardDisk.objects.create(
        server=server,
        name=cleaned,
        size_gb=fields.whole(size_gb, f"The size of disk {cleaned} in GB", most=65_536),
        os_name=os_name,
        source_image=source_image or cleaned,
        description=description,
    )


def add_template(
    caller: Caller,
    server: Server,
    *,
    name: str,
    disk: VirtualHardDisk,
    os_type: str,
    cores: int,
    memory_mb: int,
    os_name: str = "",
    generation: int = 2,
    adapters: int = 1,
    quota_point: int = 1,
    cloud: Cloud | None = None,
    description: str = "",
) -> VMTemplate:
    """Add a template over a disk that holds an operating system."""
    roles.require_fabric(caller)
    cleaned = fields.name(name, "template", longest=100)
    fields.require_server(server, [disk], "virtual hard disk")
    fields.require_server(server, [cloud], "cloud")
    fields.require_free(server.templates.filter(name=cleaned), "template", cleaned)
    if os_type not in OSType.values:
        raise Invalid(f"{os_type!r} is no kind of operating system for template {cleaned}.")
    if not (os_name or disk.os_name):
        raise Invalid(f"The disk of template {cleaned} holds no operating system.")
    return VMTemplate.objects.create(
        server=server,
        cloud=cloud,
        disk=disk,
        name=cleaned,
        description=description,
        cores=fields.cores(cores),
        memory_mb=fields.memory_mb(memory_mb),
        os_name=os_name or disk.os_name,
        os_type=os_type,
        generation=fields.whole(generation, f"The generation of template {cleaned}", most=2),
        adapters=fields.whole(adapters, f"The adapters of template {cleaned}", least=0, most=8),
        quota_point=fields.whole(quota_point, f"The points of template {cleaned}", least=0),
    )


def add_profile(
    caller: Caller,
    server: Server,
    *,
    name: str,
    cores: int,
    memory_mb: int,
    generation: int = 2,
    description: str = "",
) -> HardwareProfile:
    """Add a hardware profile."""
    roles.require_fabric(caller)
    cleaned = fields.name(name, "hardware profile", longest=100)
    fields.require_free(server.hardware_profiles.filter(name=cleaned), "hardware profile", cleaned)
    return HardwareProfile.objects.create(
        server=server,
        name=cleaned,
        description=description,
        cores=fields.cores(cores),
        memory_mb=fields.memory_mb(memory_mb),
        generation=fields.whole(generation, f"The generation of profile {cleaned}", most=2),
    )

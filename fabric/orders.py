"""What a new machine shall be, as pages, clients and drafts hand it to an action. No Django.

Rows (templates, networks) are passed as they are. Secrets are in no repr.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fabric.models import HardwareProfile, Network, Template


@dataclass(frozen=True)
class NewAdapter:
    """A network to be on; without an address the network's pool gives one."""

    network: Network
    address: str = ""


@dataclass(frozen=True)
class NewDisk:
    """An empty disk beside the template's own."""

    size_gb: int
    name: str = ""


@dataclass(frozen=True)
class DomainJoin:
    """`domain` is joined, as `user` of `account_domain` (a NetBIOS name, may be another one)."""

    domain: str
    account_domain: str
    user: str
    password: str = field(repr=False)
    ou: str = ""


@dataclass(frozen=True)
class Guest:
    """Who the guest is. What is empty is the template's, or none."""

    computer_name: str = ""
    admin_user: str = ""
    password: str = field(default="", repr=False)
    ssh_keys: tuple[str, ...] = ()
    product_key: str = field(default="", repr=False)
    time_zone: str = ""
    workgroup: str = ""
    domain_join: DomainJoin | None = None
    user_data: str = field(default="", repr=False)


@dataclass(frozen=True)
class NewMachine:
    """A machine to make. Own `cores` and `memory_mb` go before those of a hardware profile, which
    go before the template's. Without adapters it gets one, on the plan's first network."""

    name: str
    template: Template
    guest: Guest
    hardware_profile: HardwareProfile | None = None
    cores: int | None = None
    memory_mb: int | None = None
    description: str = ""
    adapters: tuple[NewAdapter, ...] = ()
    disks: tuple[NewDisk, ...] = ()
    tags: tuple[str, ...] = ()
    ends_at: datetime | None = None
    end_action: str = "stop"
    is_protected: bool = False

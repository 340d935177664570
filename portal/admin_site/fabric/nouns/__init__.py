"""Every noun of the fabric, in the order of menu and tabs."""

from __future__ import annotations

from portal.admin_site.fabric.noun import Noun
from portal.admin_site.fabric.nouns.accounts import RunAsAccounts
from portal.admin_site.fabric.nouns.affinity import AffinitySets
from portal.admin_site.fabric.nouns.balancers import LoadBalancers, VIPTemplates
from portal.admin_site.fabric.nouns.clouds import Clouds
from portal.admin_site.fabric.nouns.drift import Drifts
from portal.admin_site.fabric.nouns.groups import HostGroups
from portal.admin_site.fabric.nouns.hosts import Hosts
from portal.admin_site.fabric.nouns.jobs import Jobs
from portal.admin_site.fabric.nouns.library import Disks, Files, LibraryServers, LibraryShares
from portal.admin_site.fabric.nouns.machines import Machines
from portal.admin_site.fabric.nouns.networks import LogicalNetworks, Sites, Subnets, VMNetworks
from portal.admin_site.fabric.nouns.pools import Leases, MACPools, Pools
from portal.admin_site.fabric.nouns.profiles import CapabilityProfiles, HardwareProfiles
from portal.admin_site.fabric.nouns.roles import Roles
from portal.admin_site.fabric.nouns.servers import Servers
from portal.admin_site.fabric.nouns.spf_accounts import SPFAccounts
from portal.admin_site.fabric.nouns.storage import Classifications, Volumes
from portal.admin_site.fabric.nouns.templates import GuestProfiles, Templates

NOUNS: tuple[Noun, ...] = (
    Servers(),
    Hosts(),
    HostGroups(),
    Classifications(),
    Volumes(),
    LibraryServers(),
    LibraryShares(),
    Disks(),
    Files(),
    Templates(),
    HardwareProfiles(),
    GuestProfiles(),
    CapabilityProfiles(),
    VMNetworks(),
    Subnets(),
    LogicalNetworks(),
    Sites(),
    Pools(),
    Leases(),
    MACPools(),
    LoadBalancers(),
    VIPTemplates(),
    Clouds(),
    Roles(),
    RunAsAccounts(),
    Machines(),
    AffinitySets(),
    Jobs(),
    Drifts(),
    SPFAccounts(),
)
_BY_KEY = {noun.key: noun for noun in NOUNS}


def noun_of(key: str) -> Noun:
    """Return a noun by its key."""
    return _BY_KEY[key]

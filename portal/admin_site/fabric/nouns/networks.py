"""Logical networks with their sites, VM networks with their subnets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from fabric.vmm.actions import networks, sites, subnets
from fabric.vmm.models import (
    AddressPool,
    HostGroup,
    Isolation,
    LogicalNetwork,
    NetworkAdapter,
    NetworkSite,
    UserRole,
    VMNetwork,
    VMSubnet,
)
from portal.admin_site.fabric import cells
from portal.admin_site.fabric.console import Console
from portal.admin_site.fabric.forms import (
    LinesField,
    NounForm,
    RowField,
    RowsField,
    description,
    flag,
    limit,
    line,
    name,
)
from portal.admin_site.fabric.noun import (
    Actions,
    Column,
    Facet,
    Noun,
    Part,
    Related,
    count_of,
    kept,
)

CIDR = _("Such as 10.20.0.0/22 or fd00:20::/64.")


def isolation(network: VMNetwork) -> Any:
    """Return how a network is kept apart, with its VLAN."""
    label = network.get_isolation_display()
    return label if network.vlan is None else f"{label} {network.vlan}"


def owner(network: VMNetwork) -> Any:
    return cells.link("role", network.owner) if network.owner else _("the fabric")


class VMNetworkForm(NounForm):
    name = name()
    description = description()
    logical_network = RowField(LogicalNetwork, label=_("Logical network"))
    isolation = forms.ChoiceField(
        label=_("Isolation"), choices=Isolation.choices, initial=Isolation.NONE
    )
    vlan = limit(_("VLAN"), least=1)
    owner = RowField(
        UserRole,
        label=_("Owner"),
        required=False,
        empty_label=_("The fabric"),
        help_text=_("A network of a user role is that role’s alone, and virtualized."),
    )
    fixed = ("logical_network", "owner")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["vlan"].help_text = _("For VLAN isolation only: 1 to 4094.")


class VMNetworks(Noun):
    key, path, section, icon = "vm-network", "vm-networks", "networks", "network"
    one, many = _("VM network"), _("VM networks")
    model = VMNetwork
    form = VMNetworkForm
    actions = Actions(networks.add_network, networks.change_network, networks.remove_network)
    about = _("What adapters of machines are attached to. It lies on a logical network.")
    removal = _("No adapter may be attached to it, and it must have no address pools any more.")
    columns = (
        Column("name", _("Name"), lambda row: row.name, "name"),
        Column(
            "logical_network",
            _("Logical network"),
            lambda row: cells.link("logical-network", row.logical_network),
            "logical_network__name",
            "p2",
        ),
        Column("isolation", _("Isolation"), isolation, "isolation"),
        Column("owner", _("Owner"), owner, "", "p3"),
        Column(
            "adapters", _("Adapters"), lambda row: row.adapters_now, "adapters_now", "number p2"
        ),
    )
    facets = (
        Facet("logical_network", _("Logical"), _("Every logical network"), model=LogicalNetwork),
        Facet("isolation", _("Isolation"), _("Every isolation"), Isolation.choices),
    )
    related = (Related("subnet", "network"), Related("pool", "network"))

    def prepared(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        return rows.select_related("logical_network", "owner").annotate(
            adapters_now=count_of(NetworkAdapter, "network")
        )

    def parts(self, row: Any, console: Console) -> Iterable[Part]:
        yield kept(
            row,
            (_("Logical network"), cells.link("logical-network", row.logical_network)),
            (_("Isolation"), isolation(row)),
            (_("Owner"), owner(row)),
            (_("Adapters"), row.adapters_now),
        )


class SubnetForm(NounForm):
    network = RowField(VMNetwork, label=_("VM network"))
    name = name()
    cidr = line(_("Range"), longest=43, required=True, help_text=CIDR)
    fixed = ("network",)


class Subnets(Noun):
    key, path, section, icon = "subnet", "subnets", "networks", "network"
    one, many = _("subnet"), _("Subnets")
    model = VMSubnet
    server_path = "network__server"
    parent, parent_key = "network", "vm-network"
    form = SubnetForm
    actions = Actions(subnets.add, subnets.change, subnets.remove)
    about = _("A range of a VM network. Virtualized networks may use the same ranges side by side.")
    removal = _("No address pool may lie in it any more.")
    columns = (
        Column("name", _("Name"), lambda row: row.name, "name"),
        Column("cidr", _("Range"), lambda row: cells.code(row.cidr), "cidr"),
        Column("pools", _("Address pools"), lambda row: row.pools_now, "pools_now", "number"),
    )
    related = (Related("pool", "subnet"),)

    def prepared(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        return rows.select_related("network").annotate(pools_now=count_of(AddressPool, "subnet"))

    def parts(self, row: Any, console: Console) -> Iterable[Part]:
        network = cells.link("vm-network", row.network)
        yield kept(row, (_("VM network"), network), (_("Range"), cells.code(row.cidr)))


class LogicalNetworkForm(NounForm):
    name = name()
    description = description()
    is_virtualized = flag(
        _("Network virtualization"), _("VM networks on it may use the same ranges side by side.")
    )


class LogicalNetworks(Noun):
    key, path, section, icon = "logical-network", "logical-networks", "networks", "cable"
    one, many = _("logical network"), _("Logical networks")
    model = LogicalNetwork
    form = LogicalNetworkForm
    actions = Actions(networks.add_logical, networks.change_logical, networks.remove_logical)
    about = _(
        "A network of the fabric that VM networks are made on. Its sites say on which hosts it is "
        "there; without any it is on every host."
    )
    removal = _(
        "Its sites go with it. No VM network may lie on it any more, and no cloud may use it."
    )
    columns = (
        Column("name", _("Name"), lambda row: row.name, "name"),
        Column("sites", _("Sites"), lambda row: row.sites_now, "sites_now", "number"),
        Column(
            "networks", _("VM networks"), lambda row: row.networks_now, "networks_now", "number"
        ),
        Column(
            "virtualized",
            _("Network virtualization"),
            lambda row: cells.yes(row.is_virtualized),
            "is_virtualized",
            "p2",
        ),
        Column("created", _("Created"), lambda row: cells.when(row.created_at), "created_at", "p3"),
    )
    related = (
        Related("site", "logical_network"),
        Related("vm-network", "logical_network"),
        Related("cloud", "logical_networks", may_add=False),
    )

    def prepared(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        return rows.annotate(
            sites_now=count_of(NetworkSite, "logical_network"),
            networks_now=count_of(VMNetwork, "logical_network"),
        )

    def parts(self, row: Any, console: Console) -> Iterable[Part]:
        yield kept(row, (_("Network virtualization"), cells.yes(row.is_virtualized)))


class VlansField(LinesField):
    """VLANs of a site, each with a range or without, one a line."""

    def shown(self, value: Any) -> str:
        if not isinstance(value, Mapping):
            return str(value)
        return f"{value['vlan']} {value['cidr']}".strip()

    def read(self, line: str) -> Any:
        vlan, _space, cidr = line.partition(" ")
        if not vlan.isdecimal():
            raise forms.ValidationError(
                _now("“%s” is no VLAN such as: 120 10.20.0.0/22") % line, code="vlan"
            )
        return {"vlan": int(vlan), "cidr": cidr.strip()}


class SiteForm(NounForm):
    logical_network = RowField(LogicalNetwork, label=_("Logical network"))
    name = name()
    host_groups = RowsField(
        HostGroup,
        label=_("Host groups"),
        required=True,
        help_text=_("The network is there on their hosts, and on those below."),
    )
    vlans = VlansField(
        label=_("VLANs"),
        help_text=_(
            "One a line: a VLAN, then its range; such as: 120 10.20.0.0/22. 0 is no VLAN, and the "
            "range may be left out."
        ),
    )
    fixed = ("logical_network",)


def vlan_words(entry: Mapping[str, Any]) -> str:
    tag = _now("VLAN %d") % entry["vlan"] if entry["vlan"] else _now("no VLAN")
    return f"{tag}: {entry['cidr']}" if entry["cidr"] else tag


class Sites(Noun):
    key, path, section, icon = "site", "sites", "networks", "cable"
    one, many = _("network site"), _("Sites")
    model = NetworkSite
    server_path = "logical_network__server"
    parent, parent_key = "logical_network", "logical-network"
    form = SiteForm
    actions = Actions(sites.add, sites.change, sites.remove)
    about = _("Where a logical network is there: on the hosts of which groups, with which VLANs.")
    removal = _("VM networks and machines that need it keep it here. The last one may always go.")
    columns = (
        Column("name", _("Name"), lambda row: row.name, "name"),
        Column(
            "groups",
            _("Host groups"),
            lambda row: cells.links("host-group", row.host_groups.all()),
        ),
        Column("vlans", _("VLANs"), lambda row: cells.tags(map(vlan_words, row.vlans))),
    )

    def prepared(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        return rows.select_related("logical_network").prefetch_related("host_groups")

    def parts(self, row: Any, console: Console) -> Iterable[Part]:
        yield Part(
            _("Facts"),
            [
                (_("Logical network"), cells.link("logical-network", row.logical_network)),
                (_("Host groups"), cells.links("host-group", row.host_groups.all())),
                (_("VLANs"), cells.tags(map(vlan_words, row.vlans))),
                (_("Id"), cells.code(row.pk)),
            ],
        )

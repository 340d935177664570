"""Logical networks with their sites, VM networks with their subnets."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from fabric.vmm.models import (
    Isolation,
    LogicalNetwork,
    NetworkAdapter,
    NetworkSite,
    VMNetwork,
)
from portal.admin_site.fabric import cells
from portal.admin_site.fabric.console import Console
from portal.admin_site.fabric.noun import (
    Column,
    Facet,
    Noun,
    Part,
    Related,
    count_of,
    kept,
)


class VMNetworks(Noun):
    key, path, section, icon = "vm-network", "vm-networks", "networks", "network"
    one, many = _("VM network"), _("VM networks")
    model = VMNetwork
    about = _("What adapters of machines are attached to. It lies on a logical network.")
    removal = _("No adapter may be attached to it any more.")
    columns = (
        Column("name", _("Name"), lambda row: row.name, "name"),
        Column(
            "logical",
            _("Logical network"),
            lambda row: cells.link("logical-network", row.logical_network),
            "logical_network__name",
            "p2",
        ),
        Column("isolation", _("Isolation"), lambda row: isolation(row), "isolation"),
        Column(
            "owner",
            _("Owner"),
            lambda row: cells.link("role", row.owner) if row.owner else _("the fabric"),
            "",
            "p3",
        ),
        Column(
            "adapters", _("Adapters"), lambda row: row.adapters_now, "adapters_now", "number p2"
        ),
    )
    facets = (
        Facet(
            "logical_network",
            _("Logical network"),
            _("Every logical network"),
            model=LogicalNetwork,
        ),
        Facet("isolation", _("Isolation"), _("Every isolation"), Isolation.choices),
    )

    def prepared(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        return rows.select_related("logical_network", "owner").annotate(
            adapters_now=count_of(NetworkAdapter, "network")
        )


def isolation(network: VMNetwork) -> Any:
    label = network.get_isolation_display()
    return label if network.vlan is None else f"{label} {network.vlan}"


class LogicalNetworks(Noun):
    key, path, section, icon = "logical-network", "logical-networks", "networks", "cable"
    one, many = _("logical network"), _("Logical networks")
    model = LogicalNetwork
    about = _(
        "A network of the fabric that VM networks are made on. Its sites say on which hosts it "
        "is there."
    )
    removal = _("No VM network may lie on it any more, and no cloud may use it.")
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
    related = (Related("vm-network", "logical_network"),)

    def prepared(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        return rows.annotate(
            sites_now=count_of(NetworkSite, "logical_network"),
            networks_now=count_of(VMNetwork, "logical_network"),
        )

    def parts(self, row: Any, console: Console) -> Iterable[Part]:
        yield kept(row, (_("Network virtualization"), cells.yes(row.is_virtualized)))

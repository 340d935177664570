"""Address pools with who holds which address, and MAC pools."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django import forms
from django.db.models import BooleanField, Case, QuerySet, Value, When
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from fabric.vmm import addresses
from fabric.vmm.actions import macs, pools
from fabric.vmm.models import AddressLease, AddressPool, HostGroup, MACPool, VMNetwork, VMSubnet
from portal.admin_site.fabric import cells
from portal.admin_site.fabric.console import Console
from portal.admin_site.fabric.forms import (
    LinesField,
    NounForm,
    RowField,
    RowsField,
    description,
    line,
    name,
    number,
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
from portal.admin_site.fabric.nouns.networks import CIDR


class ReservedField(LinesField):
    """Ranges that are never leased: one address or two with a dash, one a line."""

    def shown(self, value: Any) -> str:
        if isinstance(value, str):
            return value
        return between(value)

    def read(self, line: str) -> Any:
        first, dash, last = line.partition("-")
        if dash and not last.strip():
            raise forms.ValidationError(
                _now("“%s” is no range such as: 10.20.0.5 - 10.20.0.9") % line, code="range"
            )
        return [first.strip(), (last if dash else first).strip()]


def between(ends: Sequence[Any]) -> str:
    first, last = ends
    return str(first) if first == last else f"{first} - {last}"


def subnet_title(subnet: VMSubnet) -> str:
    return f"{subnet.network}: {subnet} ({subnet.cidr})"


class PoolForm(NounForm):
    name = name()
    network = RowField(
        VMNetwork, label=_("VM network"), required=False, empty_label=_("That of the subnet")
    )
    subnet = RowField(
        VMSubnet,
        label=_("Subnet"),
        required=False,
        empty_label=_("A new one of the range below"),
        shown=subnet_title,
        related=("network",),
    )
    cidr = line(_("Range of the new subnet"), longest=43, help_text=CIDR)
    first = line(_("First address"), longest=39, help_text=_("Left empty, the subnet’s first."))
    last = line(_("Last address"), longest=39, help_text=_("Left empty, the subnet’s last."))
    gateway = line(_("Gateway"), longest=39)
    dns = LinesField(label=_("DNS servers"), help_text=_("One a line."))
    reserved = ReservedField(
        label=_("Reserved"),
        help_text=_("Never given away. One a line: an address, or two with a dash."),
    )
    quarantine_minutes = number(
        _("Rest in minutes"),
        initial=10,
        help_text=_("How long an address given back is not given away again."),
    )
    fixed = ("network", "subnet", "cidr")


class Pools(Noun):
    key, path, section, icon = "pool", "pools", "networks", "list-checks"
    one, many = _("address pool"), _("Address pools")
    model = AddressPool
    form = PoolForm
    actions = Actions(pools.add, pools.change, pools.remove)
    search = ("name", "cidr", "network__name")
    search_title = _("Name, range or network")
    about = _(
        "The addresses that adapters on a VM network get. IPv4 and IPv6 have pools of their own."
    )
    removal = _("No machine may hold an address of it any more. What rests is forgotten.")
    columns = (
        Column("name", _("Name"), lambda row: row.name, "name"),
        Column(
            "network",
            _("VM network"),
            lambda row: cells.link("vm-network", row.network),
            "network__name",
        ),
        Column(
            "range",
            _("Range"),
            lambda row: cells.under(between((row.first, row.last)), row.cidr),
            "first",
            "p2",
        ),
        Column(
            "leases", _("Given away"), lambda row: cells.bar(row.leases_now, row.size), "leases_now"
        ),
        Column("resting", _("Resting"), lambda row: row.resting_now, "resting_now", "number p3"),
    )
    facets = (Facet("network", _("VM network"), _("Every VM network"), model=VMNetwork),)
    related = (Related("lease", "pool", may_add=False),)

    def prepared(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        return rows.select_related("network", "subnet").annotate(
            leases_now=count_of(AddressLease, "pool", adapter__isnull=False),
            resting_now=count_of(AddressLease, "pool", adapter__isnull=True),
        )

    def parts(self, row: Any, console: Console) -> Iterable[Part]:
        yield Part(
            _("Addresses"),
            [
                (_("Range"), between((row.first, row.last))),
                (_("Given away"), cells.bar(row.leases_now, row.size)),
                (_("Resting"), row.resting_now),
                (_("Reserved"), cells.tags(map(between, row.reserved))),
                (_("Rest in minutes"), row.quarantine_minutes),
            ],
        )
        yield Part(
            _("Told to guests"),
            [
                (_("Subnet"), cells.link("subnet", row.subnet)),
                (_("Gateway"), cells.text(row.gateway)),
                (_("DNS servers"), cells.tags(row.dns)),
            ],
        )
        yield kept(row, (_("VM network"), cells.link("vm-network", row.network)))


class Leases(Noun):
    """Addresses given away: only ever shown, on the page of their pool."""

    key, path, section, icon = "lease", "leases", "networks", "list-checks"
    one, many = _("address"), _("Addresses")
    model = AddressLease
    parent, parent_key = "pool", "pool"
    server_path = "pool__server"
    has_page = False
    default_sort = "address"
    about = _("Addresses appear here when machines get them.")
    columns = (
        Column("address", _("Address"), lambda row: row.address, "address"),
        Column("state", _("State"), lambda row: lease_state(row), "is_held"),
        Column("machine", _("Machine"), lambda row: holder(row)),
        Column("since", _("Since"), lambda row: cells.when(row.created_at), "created_at", "p2"),
    )

    def find(self, console: Console) -> QuerySet[Any]:
        pools_seen = AddressPool.objects.visible_to(console.caller)
        held = Case(
            When(adapter__isnull=False, then=Value(True)),
            default=Value(False),
            output_field=BooleanField(),
        )
        return (
            AddressLease.objects.filter(pool__in=pools_seen)
            .select_related("adapter__machine")
            .annotate(is_held=held)
        )


def lease_state(lease: AddressLease) -> Any:
    if lease.adapter is not None:
        return cells.state("ok", _("Held"))
    return cells.under(cells.state("idle", _("Resting")), cells.when(lease.rests_until))


def holder(lease: AddressLease) -> Any:
    adapter = lease.adapter
    return cells.link("machine", adapter.machine) if adapter is not None else cells.NOTHING


class MACPoolForm(NounForm):
    name = name()
    description = description()
    first = line(
        _("First MAC"), longest=17, required=True, help_text=_("Such as 02:00:00:00:00:01.")
    )
    last = line(_("Last MAC"), longest=17, required=True)
    host_groups = RowsField(
        HostGroup,
        label=_("Host groups"),
        help_text=_("Serves adapters on their hosts, and on those below; without any, on all."),
    )

    def values_of(self, row: Any) -> dict[str, Any]:
        found = super().values_of(row)
        return found | {end: addresses.text(getattr(row, end)) for end in ("first", "last")}


class MACPools(Noun):
    key, path, section, icon = "mac-pool", "mac-pools", "networks", "list-checks"
    one, many = _("MAC pool"), _("MAC pools")
    model = MACPool
    form = MACPoolForm
    actions = Actions(macs.add, macs.change, macs.remove)
    about = _("A range of MACs for the adapters on certain hosts. Without any, VMM makes MACs up.")
    removal = _("Adapters keep the MACs they have.")
    columns = (
        Column("name", _("Name"), lambda row: row.name, "name"),
        Column("first", _("First"), lambda row: cells.code(addresses.text(row.first)), "first"),
        Column("last", _("Last"), lambda row: cells.code(addresses.text(row.last)), "last", "p2"),
        Column(
            "groups",
            _("Host groups"),
            lambda row: cells.links("host-group", row.host_groups.all(), _("all hosts")),
            "",
            "p2",
        ),
    )

    def prepared(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        return rows.prefetch_related("host_groups")

    def parts(self, row: Any, console: Console) -> Iterable[Part]:
        yield kept(
            row,
            (_("First MAC"), cells.code(addresses.text(row.first))),
            (_("Last MAC"), cells.code(addresses.text(row.last))),
            (
                _("Host groups"),
                cells.links("host-group", row.host_groups.all(), _("all hosts")),
            ),
        )

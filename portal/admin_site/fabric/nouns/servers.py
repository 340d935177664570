"""VMM servers: what everything else of the fabric belongs to."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from fabric.vmm.actions import servers
from fabric.vmm.models import Cloud, Host, Server, VirtualMachine
from fabric.vmm.roles import Caller
from portal.admin_site.fabric import cells
from portal.admin_site.fabric.console import Console
from portal.admin_site.fabric.forms import NounForm, description, line
from portal.admin_site.fabric.noun import Actions, Column, Noun, Part, count_of, kept


class ServerForm(NounForm):
    name = line(
        _("Name"),
        required=True,
        help_text=_("Its host name in full, such as vmm01.example.net. SPF knows it by that."),
    )
    description = description()
    fixed = ("name",)


def add_server(caller: Caller, here: Server | None, **words: Any) -> Server:
    """Add a VMM server as nouns are added: it belongs to none."""
    return servers.add(caller, **words)


class Servers(Noun):
    key, path, section, icon = "server", "servers", "overview", "server"
    one, many = _("VMM server"), _("VMM servers")
    model = Server
    server_path = ""
    needs_server = False
    form = ServerForm
    actions = Actions(add_server, servers.change, servers.remove)
    about = _(
        "A fabric of its own: host groups, library, networks and clouds. Register it under VM "
        "clouds once it has a cloud."
    )
    removal = _(
        "Its hosts, clouds, networks and library must be gone. The history of its jobs goes too."
    )
    loses_data = True
    columns = (
        Column("name", _("Name"), lambda row: row.name, "name"),
        Column("hosts", _("Hosts"), lambda row: row.hosts_now, "hosts_now", "number"),
        Column("clouds", _("Clouds"), lambda row: row.clouds_now, "clouds_now", "number"),
        Column("machines", _("Machines"), lambda row: row.machines_now, "machines_now", "number"),
        Column("created", _("Created"), lambda row: cells.when(row.created_at), "created_at", "p2"),
    )

    def prepared(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        return rows.annotate(
            hosts_now=count_of(Host, "server"),
            clouds_now=count_of(Cloud, "server"),
            machines_now=count_of(VirtualMachine, "server"),
        )

    def parts(self, row: Any, console: Console) -> Iterable[Part]:
        yield kept(
            row,
            (_("Hosts"), row.hosts_now),
            (_("Clouds"), row.clouds_now),
            (_("Machines"), row.machines_now),
        )

    def server_id(self, row: Any) -> Any:
        """Return the server itself: its page has it in view."""
        return row.pk

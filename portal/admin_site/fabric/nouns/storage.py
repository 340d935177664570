"""Storage classifications, and the volumes of hosts that carry them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from fabric.vmm.actions import storage, volumes
from fabric.vmm.models import (
    Cloud,
    DiskDrive,
    Host,
    Server,
    StorageClassification,
    StorageVolume,
)
from fabric.vmm.roles import Caller
from portal.admin_site.fabric import cells
from portal.admin_site.fabric.console import Console
from portal.admin_site.fabric.forms import (
    NounForm,
    RowField,
    description,
    flag,
    line,
    name,
    number,
)
from portal.admin_site.fabric.noun import (
    Actions,
    Column,
    Noun,
    Part,
    Related,
    count_of,
    kept,
)


class ClassificationForm(NounForm):
    name = name()
    description = description()


class Classifications(Noun):
    key, path, section, icon = "classification", "classifications", "hosts", "database"
    one, many = _("storage classification"), _("Storage")
    model = StorageClassification
    form = ClassificationForm
    actions = Actions(storage.add, storage.change, storage.remove)
    about = _(
        "A kind of storage by name, such as Fast or Archive. Volumes carry it, and disks ask "
        "for it."
    )
    removal = _("No volume, disk, template or cloud may use it any more.")
    columns = (
        Column("name", _("Name"), lambda row: row.name, "name"),
        Column("volumes", _("Volumes"), lambda row: row.volumes_now, "volumes_now", "number"),
        Column("disks", _("Disks"), lambda row: row.disks_now, "disks_now", "number"),
        Column("clouds", _("Clouds"), lambda row: row.clouds_now, "clouds_now", "number p2"),
        Column("created", _("Created"), lambda row: cells.when(row.created_at), "created_at", "p2"),
    )
    related = (
        Related("volume", "classification", _("Volumes"), may_add=False),
        Related("cloud", "classifications", may_add=False),
        Related("template", "classification", may_add=False),
    )

    def prepared(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        return rows.annotate(
            volumes_now=count_of(StorageVolume, "classification"),
            disks_now=count_of(DiskDrive, "classification"),
            clouds_now=count_of(Cloud, "classifications"),
        )

    def parts(self, row: Any, console: Console) -> Iterable[Part]:
        yield kept(row, (_("Volumes"), row.volumes_now), (_("Disks of machines"), row.disks_now))


class VolumeForm(NounForm):
    host = RowField(Host, label=_("Host"))
    name = line(_("Name"), longest=64, required=True)
    capacity_gb = number(_("Size in GB"), least=1)
    classification = RowField(
        StorageClassification,
        label=_("Storage classification"),
        required=False,
        empty_label=_("None"),
    )
    is_available = flag(_("In use"), _("New disks may be put on it."), True)
    fixed = ("host", "name")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.row is None:
            del self.fields["is_available"]


def add_volume(caller: Caller, server: Server, *, host: Host, **words: Any) -> StorageVolume:
    """Add a volume as nouns are added: the host is one of its fields."""
    return volumes.add_volume(caller, host, **words)


class Volumes(Noun):
    key, path, section, icon = "volume", "volumes", "hosts", "hard-drive"
    one, many = _("volume"), _("Volumes")
    model = StorageVolume
    server_path = "host__server"
    parent, parent_key = "host", "host"
    form = VolumeForm
    actions = Actions(add_volume, volumes.change_volume, volumes.remove_volume)
    about = _("Where a host keeps disks.")
    removal = _("No disk may lie on it or be on its way there.")
    columns = (
        Column("name", _("Name"), lambda row: row.name, "name"),
        Column("host", _("Host"), lambda row: cells.link("host", row.host), "host__name"),
        Column(
            "classification",
            _("Classification"),
            lambda row: cells.link("classification", row.classification),
        ),
        Column(
            "used",
            _("Storage"),
            lambda row: cells.bar(row.used_gb, row.capacity_gb, cells.storage),
            "used_gb",
        ),
        Column("state", _("State"), lambda row: in_use(row), "is_available", "p2"),
    )

    def prepared(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        return rows.select_related("host", "classification")

    def parts(self, row: Any, console: Console) -> Iterable[Part]:
        yield Part(
            _("Facts"),
            [
                (_("Host"), cells.link("host", row.host)),
                (_("Classification"), cells.link("classification", row.classification)),
                (_("Storage"), cells.bar(row.used_gb, row.capacity_gb, cells.storage)),
                (_("State"), in_use(row)),
                (_("Id"), cells.code(row.pk)),
            ],
        )


def in_use(volume: StorageVolume) -> Any:
    """Return whether new disks are put on a volume."""
    if volume.is_available:
        return cells.state("ready", _("In use"))
    return cells.state("idle", _("Closed to new disks"))

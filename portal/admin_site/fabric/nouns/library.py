"""The library: servers, shares, and what lies on them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from fabric.vmm.actions import library
from fabric.vmm.models import (
    FileKind,
    LibraryFile,
    LibraryServer,
    LibraryShare,
    OSType,
    VirtualHardDisk,
    VMTemplate,
)
from portal.admin_site.fabric import cells
from portal.admin_site.fabric.console import Console
from portal.admin_site.fabric.filters import YES_NO
from portal.admin_site.fabric.forms import (
    NounForm,
    RowField,
    SecretText,
    description,
    flag,
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


def share_title(share: LibraryShare) -> str:
    return f"{share} ({share.library_server})"


def usable(row: Any, shape: str = "") -> Any:
    """Return whether something new can be made of a row."""
    if row.is_enabled:
        return cells.state("ready", _("Enabled"), shape)
    return cells.state("idle", _("Disabled"), shape)


class LibraryServerForm(NounForm):
    name = name(max_length=255, help_text=_("Its fully qualified name."))
    description = description()


class LibraryServers(Noun):
    key, path, section, icon = "library-server", "library", "library", "library"
    one, many, tab_title = _("library server"), _("Library servers"), _("Library")
    model = LibraryServer
    form = LibraryServerForm
    actions = Actions(library.add_server, library.change_server, library.remove_server)
    about = _(
        "A server whose shares hold virtual hard disks, ISO images, answer files and scripts."
    )
    removal = _("It must have no shares any more.")
    columns = (
        Column("name", _("Name"), lambda row: row.name, "name"),
        Column("shares", _("Shares"), lambda row: row.shares_now, "shares_now", "number"),
        Column("created", _("Created"), lambda row: cells.when(row.created_at), "created_at", "p2"),
    )
    related = (Related("library-share", "library_server"),)

    def prepared(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        return rows.annotate(shares_now=count_of(LibraryShare, "library_server"))

    def parts(self, row: Any, console: Console) -> Iterable[Part]:
        yield kept(row, (_("Shares"), row.shares_now))


class LibraryShareForm(NounForm):
    library_server = RowField(LibraryServer, label=_("Library server"))
    name = name()
    path = line(
        _("Path"), required=True, help_text=_("Where it lies on the server, such as D:\\Library.")
    )
    description = description()
    fixed = ("library_server",)


class LibraryShares(Noun):
    key, path, section, icon = "library-share", "library-shares", "library", "library"
    one, many = _("library share"), _("Shares")
    model = LibraryShare
    server_path = "library_server__server"
    parent, parent_key = "library_server", "library-server"
    form = LibraryShareForm
    actions = Actions(library.add_share, library.change_share, library.remove_share)
    about = _("A folder of a library server. Clouds name the shares that their machines may use.")
    removal = _("Nothing may lie on it any more, and no cloud may use it. The folder itself stays.")
    columns = (
        Column("name", _("Name"), lambda row: row.name, "name"),
        Column("path", _("Path"), lambda row: row.path, "path"),
        Column("disks", _("Disks"), lambda row: row.disks_now, "disks_now", "number"),
        Column("files", _("Files"), lambda row: row.files_now, "files_now", "number"),
    )
    related = (
        Related("disk", "share"),
        Related("file", "share"),
        Related("cloud", "library_shares", may_add=False),
    )

    def prepared(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        return rows.select_related("library_server").annotate(
            disks_now=count_of(VirtualHardDisk, "share"), files_now=count_of(LibraryFile, "share")
        )

    def parts(self, row: Any, console: Console) -> Iterable[Part]:
        server = cells.link("library-server", row.library_server)
        yield kept(row, (_("Library server"), server), (_("Path"), cells.code(row.path)))


class DiskForm(NounForm):
    name = name(max_length=100)
    share = RowField(
        LibraryShare,
        label=_("Share"),
        required=False,
        shown=share_title,
        related=("library_server",),
    )
    size_gb = number(_("Size in GB"), least=1)
    source_image = line(
        _("Image"), help_text=_("What hosts copy. Left empty, it is called like the disk.")
    )
    os_type = forms.ChoiceField(
        label=_("Kind of operating system"), choices=OSType.choices, initial=OSType.OTHER
    )
    os_name = line(
        _("Operating system"),
        longest=200,
        help_text=_("Such as Ubuntu 24.04. A data disk has none."),
    )
    family = line(_("Family"), longest=100, help_text=_("Disks of one family replace each other."))
    release = line(_("Release"), longest=40)
    is_enabled = flag(_("Enabled"), _("New templates and machines may be made of it."), True)
    description = description()


class Disks(Noun):
    key, path, section, icon = "disk", "disks", "library", "hard-drive"
    one, many = _("virtual hard disk"), _("Virtual hard disks")
    home = "library-server"
    model = VirtualHardDisk
    form = DiskForm
    actions = Actions(library.add_disk, library.change_disk, library.remove_disk)
    search = ("name", "os_name", "family")
    search_title = _("Name, system or family")
    about = _("A disk that hosts copy for new machines: with an operating system, or for data.")
    removal = _("It leaves the library for good. Machines made of it keep their copies.")
    loses_data = True
    columns = (
        Column("name", _("Name"), lambda row: row.name, "name"),
        Column("system", _("Operating system"), lambda row: cells.text(row.os_name), "os_name"),
        Column("size", _("Size"), lambda row: cells.storage(row.size_gb), "size_gb", "number"),
        Column("share", _("Share"), lambda row: cells.link("library-share", row.share), "", "p2"),
        Column("family", _("Family"), lambda row: cells.text(row.family), "family", "p3"),
        Column("release", _("Release"), lambda row: cells.text(row.release), "release", "p3"),
        Column("enabled", _("State"), usable, "is_enabled", "p2"),
    )
    facets = (
        Facet("os_type", _("System"), _("Every system"), OSType.choices),
        Facet("share", _("Share"), _("Every share"), model=LibraryShare),
        Facet("is_enabled", _("Enabled"), _("Enabled or not"), YES_NO),
    )
    related = (Related("template", "disk"),)

    def prepared(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        return rows.select_related("share").annotate(templates_now=count_of(VMTemplate, "disk"))

    def state(self, row: Any) -> Any:
        return usable(row, "badge")

    def parts(self, row: Any, console: Console) -> Iterable[Part]:
        yield Part(
            _("Content"),
            [
                (_("Operating system"), row.os_name or _("none: a data disk")),
                (_("Kind"), row.get_os_type_display()),
                (_("Size"), cells.storage(row.size_gb)),
                (_("Image"), cells.code(row.source_image)),
                (_("Family"), cells.text(row.family)),
                (_("Release"), cells.text(row.release)),
            ],
        )
        yield kept(row, (_("Share"), cells.link("library-share", row.share)))


class FileForm(NounForm):
    kind = forms.ChoiceField(label=_("Kind"), choices=FileKind.choices)
    name = name(max_length=100)
    share = RowField(LibraryShare, label=_("Share"), shown=share_title, related=("library_server",))
    path = line(_("Path on the share"), help_text=_("Of an ISO image, such as linux/rescue.iso."))
    size_mb = number(_("Size in MB"), initial=0)
    os_type = forms.ChoiceField(
        label=_("Operating system"), choices=OSType.choices, initial=OSType.OTHER
    )
    content = forms.CharField(
        label=_("Text"),
        required=False,
        strip=False,
        widget=SecretText(attrs={"rows": 8, "spellcheck": "false"}),
        help_text=_(
            "Of an answer file or a script. It may hold secrets: it is stored encrypted and never "
            "shown again. Left empty, the stored text stays."
        ),
    )
    is_enabled = flag(_("Enabled"), initial=True)
    description = description()
    secrets = ("content",)
    fixed = ("kind",)


class Files(Noun):
    key, path, section, icon = "file", "files", "library", "library"
    one, many = _("file"), _("Files")
    home = "library-server"
    model = LibraryFile
    form = FileForm
    actions = Actions(library.add_file, library.change_file, library.remove_file)
    search = ("name", "path")
    about = _("An ISO image to insert, an answer file for guest set-up, or a script to run in it.")
    removal = _("It leaves the library for good, an answer file or script with its text.")
    loses_data = True
    columns = (
        Column("name", _("Name"), lambda row: row.name, "name"),
        Column("kind", _("Kind"), lambda row: row.get_kind_display(), "kind"),
        Column("path", _("Path"), lambda row: cells.text(row.path), "path", "p2"),
        Column("system", _("System"), lambda row: row.get_os_type_display(), "os_type", "p3"),
        Column("size", _("Size"), lambda row: size_of(row), "size_mb", "number p2"),
        Column("share", _("Share"), lambda row: cells.link("library-share", row.share), "", "p2"),
        Column("enabled", _("State"), usable, "is_enabled", "p2"),
    )
    facets = (
        Facet("kind", _("Kind"), _("Every kind"), FileKind.choices),
        Facet("share", _("Share"), _("Every share"), model=LibraryShare),
    )

    def prepared(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        return rows.select_related("share")

    def state(self, row: Any) -> Any:
        return usable(row, "badge")

    def parts(self, row: Any, console: Console) -> Iterable[Part]:
        facts = [(_("Kind"), row.get_kind_display()), (_("System"), row.get_os_type_display())]
        if row.kind == FileKind.ISO:
            facts += [(_("Path"), cells.code(row.path)), (_("Size"), size_of(row))]
        else:
            facts.append((_("Text"), _("stored encrypted, never shown")))
        yield Part(_("Content"), facts)
        yield kept(row, (_("Share"), cells.link("library-share", row.share)))


def size_of(file: LibraryFile) -> str:
    return cells.memory(file.size_mb) if file.size_mb else cells.NOTHING

"""Disks to attach, to enlarge, and images for the DVD drive."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fabric import abilities
from fabric.actions.disks import NAME_LENGTH
from fabric.actions.ordering import LARGEST_DISK_GB
from fabric.models import Disk, LibraryDisk, Machine, Media
from fabric.providers.abilities import EMPTY_DISKS


class LibraryDiskField(forms.ModelChoiceField):
    def label_from_instance(self, disk: LibraryDisk) -> str:
        return f"{disk.name} – {disk.size_gb} GB"


class MediaField(forms.ModelChoiceField):
    def label_from_instance(self, media: Media) -> str:
        return f"{media.name} – {media.size_mb:,} MB" if media.size_mb else media.name


class AttachDiskForm(forms.Form):
    """An empty disk of a size, or a copy of one of the library."""

    library_disk = LibraryDiskField(
        queryset=LibraryDisk.objects.none(),
        label=gettext_lazy("Content"),
        required=False,
        empty_label=gettext_lazy("Empty"),
    )
    size_gb = forms.IntegerField(
        label=gettext_lazy("Size in GB"),
        required=False,
        min_value=1,
        max_value=LARGEST_DISK_GB,
        help_text=gettext_lazy("Of an empty disk; a copy is as large as what it is a copy of."),
    )
    name = forms.CharField(
        label=gettext_lazy("Name"),
        required=False,
        max_length=NAME_LENGTH,
        help_text=gettext_lazy("Left empty, it is called after the machine."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    request_key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)

    def __init__(self, *args: Any, machine: Machine, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offered = machine.subscription.plan.offering.library_disks.present()
        self.fields["library_disk"].queryset = offered
        absent = abilities.why_not(machine.stamp.provider, EMPTY_DISKS)
        if absent:
            self.fields["size_gb"].disabled = True
            self.fields["size_gb"].help_text = absent
            self.fields["library_disk"].required = True
            self.fields["library_disk"].error_messages["required"] = _("Choose a disk.")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("library_disk"):
            cleaned["size_gb"] = None
        elif cleaned.get("size_gb") is None and not self.errors:
            self.add_error("size_gb", _("An empty disk needs a size."))
        return cleaned


class GrowDiskForm(forms.Form):
    """A larger size for a disk."""

    size_gb = forms.IntegerField(
        label=gettext_lazy("New size in GB"),
        max_value=LARGEST_DISK_GB,
        error_messages={"required": gettext_lazy("Say how large it shall be.")},
    )

    def __init__(self, *args: Any, disk: Disk, **kwargs: Any) -> None:
        super().__init__(*args, initial={"size_gb": disk.size_gb}, **kwargs)
        self.disk = disk
        self.fields["size_gb"].widget.attrs["min"] = disk.size_gb + 1
        self.fields["size_gb"].help_text = _("It has %(size)d GB now; disks only grow.") % {
            "size": disk.size_gb
        }

    def clean_size_gb(self) -> int:
        size: int = self.cleaned_data["size_gb"]
        if size <= self.disk.size_gb:
            raise forms.ValidationError(
                _("It has %(size)d GB already, and disks only grow.") % {"size": self.disk.size_gb}
            )
        return size


class MediaForm(forms.Form):
    """An image of the plan."""

    media = MediaField(
        queryset=Media.objects.none(),
        label=gettext_lazy("Image"),
        empty_label=gettext_lazy("Choose an image"),
        error_messages={"required": gettext_lazy("Choose an image.")},
    )

    def __init__(self, *args: Any, machine: Machine, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["media"].queryset = machine.subscription.plan.offering.media.present()

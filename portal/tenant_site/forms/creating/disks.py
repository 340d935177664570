"""Third step: empty disks beside the template's own."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fabric.actions.ordering import LARGEST_DISK_GB, MOST_DISKS
from fabric.orders import NewDisk
from portal.tenant_site.forms.creating.base import About, RowsForm

NAME_LENGTH = 64


class DisksForm(RowsForm):
    most = MOST_DISKS
    rows_title = gettext_lazy("Data disk %(n)d")

    @classmethod
    def first(cls, about: About) -> dict[str, Any]:
        return {"rows": "0"}

    def row_fields(self) -> dict[str, forms.Field]:
        return {
            "size": forms.IntegerField(
                label=_("Size in GB"),
                min_value=1,
                max_value=LARGEST_DISK_GB,
                error_messages={"required": _("Say how large the disk shall be.")},
            ),
            "name": forms.RegexField(
                r"^[A-Za-z0-9][A-Za-z0-9 ._-]*$",
                label=_("Name"),
                required=False,
                max_length=NAME_LENGTH,
                error_messages={"invalid": _("Letters, digits, spaces, dots, hyphens only.")},
                widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
            ),
        }

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        seen: set[str] = set()
        for number in range(self.count):
            name = str(cleaned.get(f"name-{number}") or "").lower()
            if name and name in seen:
                self.add_error(f"name-{number}", _("Another disk has this name already."))
            seen.add(name)
        return cleaned

    def disks(self) -> tuple[NewDisk, ...]:
        """Return the disks; for a form without errors."""
        rows = (self.row(number) for number in range(self.count))
        return tuple(NewDisk(size_gb=row["size"], name=row["name"]) for row in rows)

"""What people say of themselves."""

from __future__ import annotations

import zoneinfo
from functools import cache
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tenants.models import User

AREAS = (
    "Africa",
    "America",
    "Antarctica",
    "Arctic",
    "Asia",
    "Atlantic",
    "Australia",
    "Europe",
    "Indian",
    "Pacific",
)


@cache
def zones() -> tuple[str, ...]:
    """Return the time zones of places, by name, and UTC."""
    names = (name for name in zoneinfo.available_timezones() if name.split("/")[0] in AREAS)
    return ("UTC", *sorted(name for name in names if "/" in name))


class ProfileForm(forms.Form):
    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=120,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    time_zone = forms.ChoiceField(
        label=gettext_lazy("Time zone"),
        required=False,
        help_text=gettext_lazy("Times are shown in this zone."),
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        initial = {"name": user.name, "time_zone": user.time_zone}
        super().__init__(*args, initial=initial, **kwargs)
        names = dict.fromkeys((*zones(), user.time_zone)) if user.time_zone else zones()
        choices = [(name, name.replace("_", " ")) for name in names]
        self.fields["time_zone"].choices = [("", _("As the browser says")), *choices]

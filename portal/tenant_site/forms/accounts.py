"""What people say of themselves."""

from __future__ import annotations

import zoneinfo
from functools import cache
from typing import Any

from django import forms
from django.conf import settings
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
    language = forms.ChoiceField(label=gettext_lazy("Language"), required=False)
    time_zone = forms.ChoiceField(
        label=gettext_lazy("Time zone"),
        required=False,
        help_text=gettext_lazy("Times are shown in this zone."),
    )
    mail_on = forms.MultipleChoiceField(
        label=gettext_lazy("Mail me when"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        choices=[
            ("failed", gettext_lazy("something I asked for fails")),
            ("succeeded", gettext_lazy("something I asked for is done")),
            ("lease", gettext_lazy("one of my machines nears its end date")),
            ("team", gettext_lazy("the team changes: people, roles, invitations")),
        ],
        help_text=gettext_lazy("What concerns your sign-in is mailed always."),
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        initial = {
            "name": user.name,
            "language": user.language,
            "time_zone": user.time_zone,
            "mail_on": user.mail_on,
        }
        super().__init__(*args, initial=initial, **kwargs)
        names = dict.fromkeys((*zones(), user.time_zone)) if user.time_zone else zones()
        choices = [(name, name.replace("_", " ")) for name in names]
        self.fields["time_zone"].choices = [("", _("As the browser says")), *choices]
        self.fields["language"].choices = [("", _("As the browser says")), *settings.LANGUAGES]

"""What can be asked of a subscription: another name, add-ons."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy

from plans.models import AddOn
from portal.tenant_site.forms.typed import OnceField


class RenameForm(forms.Form):
    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=80,
        help_text=gettext_lazy("Machines, networks and addresses stay as they are."),
    )


class TakeForm(forms.Form):
    """An add-on, and how often."""

    request_key = OnceField()
    add_on = forms.ModelChoiceField(
        queryset=AddOn.objects.none(), widget=forms.HiddenInput, label=gettext_lazy("Add-on")
    )
    times = forms.IntegerField(label=gettext_lazy("How many"), min_value=1, max_value=1000)

    def __init__(self, *args: Any, offers: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["add_on"].queryset = offers

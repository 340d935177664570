"""Whose a new subscription shall be."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy

from tenants.models import Tenant, User


class SubscribeForm(forms.Form):
    """A person of one tenant is asked nothing but the subscription's name."""

    tenant = forms.ModelChoiceField(
        queryset=Tenant.objects.none(), label=gettext_lazy("Tenant"), empty_label=None
    )
    name = forms.CharField(
        label=gettext_lazy("Name of the subscription"),
        max_length=80,
        required=False,
        help_text=gettext_lazy("Where you have several, a name tells them apart."),
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        tenants = Tenant.objects.visible_to(user).order_by("created_at")
        self.fields["tenant"].queryset = tenants
        self.fields["tenant"].initial = tenants.first()
        if len(tenants) == 1:
            self.fields["tenant"].widget = forms.HiddenInput()

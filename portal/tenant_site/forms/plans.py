"""Subscribing: whose a new subscription shall be, its name, and the code of an invitation."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from django import forms
from django.utils.translation import gettext_lazy

from plans.models import Plan
from tenants.models import Tenant


class SubscribeForm(forms.Form):
    """A person who may subscribe for one tenant is asked nothing but the subscription's name."""

    tenant = forms.ModelChoiceField(
        queryset=Tenant.objects.none(), label=gettext_lazy("Tenant"), empty_label=None
    )
    name = forms.CharField(
        label=gettext_lazy("Name of the subscription"),
        max_length=80,
        required=False,
        help_text=gettext_lazy("Where you have several, a name tells them apart."),
    )
    invitation_code = forms.CharField(
        label=gettext_lazy("Invitation code"),
        max_length=80,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text=gettext_lazy("Your provider gives it to those who may have this plan."),
    )

    def __init__(self, *args: Any, plan: Plan, tenant_ids: Collection[UUID], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        tenants = Tenant.objects.filter(pk__in=tenant_ids).order_by("created_at", "pk")
        self.fields["tenant"].queryset = tenants
        self.fields["tenant"].initial = tenants.first()
        if len(tenant_ids) == 1:
            self.fields["tenant"].widget = forms.HiddenInput()
        if not plan.invitation_code:
            del self.fields["invitation_code"]

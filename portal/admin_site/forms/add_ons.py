"""An add-on: what it adds, to which plans, how often."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from plans.actions.add_ons import MOST
from plans.models import AddOn, Plan
from plans.rules import RESOURCES
from portal.admin_site.forms.quotas import MB_IN_GB, TITLES

# What fits the column at most, memory in MB included, however often it is taken.
LARGEST = 2_000


class AddOnForm(forms.Form):
    """Memory is typed in GB and handed on in MB. What stays empty is not raised."""

    name = forms.CharField(label=_("Name"), max_length=80)
    description = forms.CharField(
        label=_("Description"),
        max_length=2000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    price_text = forms.CharField(
        label=_("Price"),
        max_length=80,
        required=False,
        help_text=_("In words, as “€ 4 a month”. Nothing is charged by it."),
    )
    most = forms.IntegerField(
        label=_("At most in a subscription"), min_value=1, max_value=MOST, initial=10
    )
    plans = forms.ModelMultipleChoiceField(
        Plan.objects.order_by("name"),
        label=_("Plans"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Subscriptions of these plans can take it."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for resource in RESOURCES:
            self.fields[resource.name] = forms.IntegerField(
                label=TITLES.get(resource.name, resource.title),
                min_value=0,
                max_value=LARGEST,
                required=False,
            )

    def clean(self) -> dict[str, Any]:
        typed = super().clean() or {}
        amounts = {}
        for resource in RESOURCES:
            value = typed.pop(resource.name, None) or 0
            amounts[resource.name] = value * MB_IN_GB if resource.name == "memory_mb" else value
        return {**typed, "amounts": amounts}

    @property
    def amounts(self) -> list[forms.BoundField]:
        """Return the fields of what it adds, for the page."""
        return [self[resource.name] for resource in RESOURCES]


def initial_of(add_on: AddOn) -> dict[str, Any]:
    """Return an add-on as the form shows it."""
    names = ("name", "description", "price_text", "most")
    shown: dict[str, Any] = {name: getattr(add_on, name) for name in names}
    amounts = add_on.amounts | {"memory_mb": add_on.memory_mb // MB_IN_GB}
    return shown | amounts | {"plans": list(add_on.plans.all())}

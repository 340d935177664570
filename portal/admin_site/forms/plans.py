"""Make a plan, say what tenants read of it, and who may have it."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from plans import services
from plans.models import Access


class PlanDetailsForm(forms.Form):
    """What tenants read of a plan before they subscribe, and the code that lets them."""

    name = forms.CharField(
        label=_("Name"), max_length=80, help_text=_("Tenants choose a plan by its name.")
    )
    description = forms.CharField(
        label=_("Description"),
        max_length=2000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("What a tenant gets, in two or three sentences."),
    )
    highlights = forms.CharField(
        label=_("Highlights"),
        max_length=2000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("A line each; tenants see them as a list."),
    )
    price_text = forms.CharField(
        label=_("Price"),
        max_length=80,
        required=False,
        help_text=_("In words, as “€ 12 a month”. Nothing is charged by it."),
    )
    invitation_code = forms.CharField(
        label=_("Invitation code"),
        max_length=80,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text=_("Who subscribes must know it. The plan is listed all the same."),
    )


class PlanForm(PlanDetailsForm):
    """A plan's details and the services in it."""

    services = forms.MultipleChoiceField(label=_("Services"), widget=forms.CheckboxSelectMultiple)

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        known = services.registered()
        self.fields["services"].choices = [(each.key, each.title) for each in known]
        if len(known) == 1:
            self.fields["services"].initial = [known[0].key]


class AccessForm(forms.Form):
    """Who may subscribe to a plan."""

    access = forms.ChoiceField(label=_("Access"), choices=Access.choices, widget=forms.RadioSelect)

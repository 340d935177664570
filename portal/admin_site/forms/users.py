"""Make a user, and give one a subscription."""

from __future__ import annotations

import secrets
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from plans.models import Access, Plan
from plans.models.plan import PlanQuerySet
from tenants.models import Tenant, User


class PlanChoice(forms.ModelChoiceField):
    """Plans by name, private ones marked."""

    def label_from_instance(self, plan: Any) -> str:
        if plan.access == Access.PRIVATE:
            return _("%(plan)s (private)") % {"plan": plan.name}
        return str(plan.name)


def open_plans() -> PlanQuerySet:
    """Return the plans an operator may give to somebody: configured, and not on their way out."""
    return Plan.objects.configured().exclude(access=Access.DECOMMISSIONED)


class UserForm(forms.Form):
    """A tenant's first person."""

    email = forms.EmailField(
        label=_("E-mail address"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
        help_text=_("The user signs in with it. You vouch for it: no mail is sent to verify it."),
    )
    name = forms.CharField(
        label=_("Name"), max_length=120, required=False, help_text=_("A person or a company.")
    )
    password = forms.CharField(
        label=_("Password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password", "spellcheck": "false"}),
        help_text=_("Copy it before you create the user: it is not shown again."),
    )
    plan = PlanChoice(
        None,
        label=_("Plan"),
        required=False,
        empty_label=_("No plan yet"),
        help_text=_("Subscribes the user at once. Private plans are on offer here too."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["plan"].queryset = open_plans()

    @classmethod
    def with_new_password(cls, typed: dict[str, str]) -> UserForm:
        """Return the form as typed, with a password made here and readable."""
        form = cls(initial={**typed, "password": secrets.token_urlsafe(15)})
        form.fields["password"].widget = forms.TextInput(attrs={"autocomplete": "off"})
        return form


class SubscribeForm(forms.Form):
    """One more subscription for one of a user's tenants."""

    tenant = forms.ModelChoiceField(None, label=_("Tenant"), empty_label=None)
    plan = PlanChoice(None, label=_("Plan"), empty_label=None)
    name = forms.CharField(
        label=_("Name of the subscription"),
        max_length=80,
        required=False,
        help_text=_("Left empty, it is called what the plan is called."),
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["tenant"].queryset = Tenant.objects.visible_to(user)
        self.fields["plan"].queryset = open_plans()

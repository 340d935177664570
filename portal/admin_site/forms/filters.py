"""What lists can be narrowed by. A filter that makes no sense narrows nothing."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from plans.models import Access, Plan, Provisioning, SubscriptionState
from portal.asked import as_uuid
from portal.templatetags.operations import act_title
from tenants.models import Operation, OperationQuerySet, Phase

RECENT = 2000


def search_field(label: Any) -> forms.CharField:
    return forms.CharField(
        label=label,
        max_length=200,
        required=False,
        widget=forms.TextInput(attrs={"type": "search"}),
    )


class Filter(forms.Form):
    """A form read from the URL; fields left empty ask for nothing.

    On the page a field's label stands inside it, so that the list begins high up.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.widget.attrs["aria-label"] = field.label
            if isinstance(field.widget, forms.TextInput):
                field.widget.attrs["placeholder"] = field.label

    @property
    def asked(self) -> dict[str, Any]:
        """Return what was asked for, by field name, empty ones left out."""
        self.is_valid()
        return {name: value for name, value in self.cleaned_data.items() if value}


class PlanFilter(Filter):
    q = search_field(_("Name"))
    access = forms.ChoiceField(
        label=_("Access"), choices=[("", _("Every access")), *Access.choices], required=False
    )

    def narrow(self, plans: QuerySet[Any]) -> QuerySet[Any]:
        asked = self.asked
        if "q" in asked:
            plans = plans.filter(name__icontains=asked["q"])
        return plans.filter(access=asked["access"]) if "access" in asked else plans


class AddOnFilter(PlanFilter):
    """The same questions as of plans."""


class UserFilter(Filter):
    OPERATOR, TENANT = "operator", "tenant"

    q = search_field(_("E-mail or name"))
    kind = forms.ChoiceField(
        label=_("Kind"),
        choices=[("", _("Every kind")), (OPERATOR, _("Operator")), (TENANT, _("Tenant"))],
        required=False,
    )

    def narrow(self, users: QuerySet[Any]) -> QuerySet[Any]:
        asked = self.asked
        if "q" in asked:
            users = users.filter(Q(email__icontains=asked["q"]) | Q(name__icontains=asked["q"]))
        if "kind" in asked:
            users = users.filter(is_operator=asked["kind"] == self.OPERATOR)
        return users


class SubscriptionFilter(Filter):
    q = search_field(_("Name, tenant or id"))
    plan = forms.ModelChoiceField(
        Plan.objects.all(), label=_("Plan"), required=False, empty_label=_("Every plan")
    )
    state = forms.ChoiceField(
        label=_("State"),
        choices=[("", _("Every state")), *SubscriptionState.choices],
        required=False,
    )
    provisioning = forms.ChoiceField(
        label=_("Provisioning"),
        choices=[("", _("Every provisioning")), *Provisioning.choices],
        required=False,
    )

    def narrow(self, subscriptions: QuerySet[Any]) -> QuerySet[Any]:
        asked = self.asked
        text = asked.pop("q", "")
        if text:
            subscriptions = subscriptions.filter(
                Q(name__icontains=text)
                | Q(owner_email__icontains=text)
                | Q(tenant__name__icontains=text)
                | Q(pk=as_uuid(text))
            )
        return subscriptions.filter(**asked)


class OperationFilter(Filter):
    """For acts, each told by its *Started* entry; `phase` is how far the act has come."""

    q = search_field(_("Object, message or id"))
    action = forms.ChoiceField(label=_("Action"), required=False)
    person = search_field(_("Person"))
    tenant = search_field(_("Tenant"))
    phase = forms.ChoiceField(
        label=_("Outcome"),
        choices=[
            ("", _("Every outcome")),
            (Phase.STARTED.value, _("Under way")),
            (Phase.SUCCEEDED.value, Phase.SUCCEEDED.label),
            (Phase.FAILED.value, Phase.FAILED.label),
        ],
        required=False,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        latest = Operation.objects.values_list("action", flat=True)[:RECENT]
        known = sorted({*latest, self.data.get("action", "")} - {""})
        self.fields["action"].choices = [
            ("", _("Every action")),
            *((word, act_title(word)) for word in known),
        ]

    def narrow(self, acts: OperationQuerySet) -> OperationQuerySet:
        asked = self.asked
        if "q" in asked:
            acts = acts.filter(self.matching(asked["q"]))
        if "action" in asked:
            acts = acts.filter(action=asked["action"])
        if "person" in asked:
            acts = acts.filter(actor_email__icontains=asked["person"])
        if "tenant" in asked:
            acts = acts.filter(tenant__name__icontains=asked["tenant"])
        return acts.come_to(asked["phase"]) if "phase" in asked else acts

    @staticmethod
    def matching(text: str) -> Q:
        same_act = Operation.objects.filter(operation_id=OuterRef("operation_id"))
        return (
            Q(object_name__icontains=text)
            | Q(object_id=text.lower())
            | Q(operation_id=as_uuid(text))
            | Q(Exists(same_act.filter(message__icontains=text)))
        )
